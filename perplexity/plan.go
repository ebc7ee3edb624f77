package perplexity

import "context"

// segment is the longest run of tokens that go through the network at once where the rest can
// follow on its state: attention and the pointers take memory and time in the product of a run's
// own tokens and all before it.
const segment = 256

// A plan is what one sequence became: the tokens that are left of its texts, and the passes that
// score them.
type plan struct {
	given, text []Token
	dropped     int
	lead        int // tokens of the model's own before given: 0 or 1
	// chain holds the passes that leave the states of the text's beginning, in order; each needs
	// those before it. scores holds those that give losses. A pass may be in both.
	chain, scores []*pass
}

// plan tokenises seqs and lays out their passes. Equal texts are tokenised once: the query comes
// with every chunk.
func (m *Model) plan(ctx context.Context, seqs []Sequence) (map[Sequence]*plan, []*plan, error) {
	plans := make(map[Sequence]*plan, len(seqs))
	tokens := map[string][]Token{}
	encode := func(text string) []Token {
		t, ok := tokens[text]
		if !ok {
			t = m.tokenizer.Encode(text)
			tokens[text] = t
		}
		return t
	}
	u := union{user: requestOf(ctx), passes: map[key]*pass{}}
	var list []*plan
	for _, s := range seqs {
		if plans[s] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		p := m.layOut(s, encode(s.Given), encode(s.Text))
		u.merge(p.chain)
		u.merge(p.scores)
		plans[s] = p
		list = append(list, p)
	}
	return plans, list, nil
}

// A union makes equal passes of a call the same pass.
type union struct {
	user   *request
	passes map[key]*pass
}

func (u union) merge(passes []*pass) {
	for i, p := range passes {
		p.key, p.user = keyOf(u.user.scope, p), u.user
		if first := u.passes[p.key]; first != nil {
			passes[i] = first
			continue
		}
		u.passes[p.key] = p
	}
}

// layOut cuts given and text to the model's limit and lays out the passes over them.
func (m *Model) layOut(s Sequence, given, text []Token) *plan {
	p := cut(s, given, text, m.bos, m.card.MaxTokens)
	ids := p.ids(m.bos)
	if len(m.engine.channels) > 0 {
		p.split(ids, p.shared(s), s.WantGiven, m.engine.graph.Hidden())
	} else {
		p.whole(ids, s.WantGiven)
	}
	return p
}

// cut cuts given and text to maxTokens, bos included if there is one.
func cut(s Sequence, given, text []Token, bos int32, maxTokens int) *plan {
	p := &plan{given: given, text: text}
	if bos >= 0 {
		p.lead = 1
	}
	room := maxTokens - p.lead
	if over := len(text) - room; over > 0 {
		p.text = text[over:]
	}
	if over := len(given) + len(p.text) - room; over > 0 {
		p.given = given[over:]
		p.dropped = len(s.Given)
		if len(p.given) > 0 {
			p.dropped = p.given[0].Offset
		}
	}
	return p
}

// ids are the tokens that the network sees.
func (p *plan) ids(bos int32) []int32 {
	ids := make([]int32, 0, p.lead+len(p.given)+len(p.text))
	if p.lead > 0 {
		ids = append(ids, bos)
	}
	for _, part := range [][]Token{p.given, p.text} {
		for _, t := range part {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// whole lays out one pass over all, for graphs whose state cannot be kept.
func (p *plan) whole(ids []int32, wantGiven bool) {
	from := p.lead
	if !wantGiven {
		from += len(p.given)
	}
	if from = max(from, 1); from < len(ids) {
		p.scores = []*pass{{ids: ids, end: len(ids) - 1, from: from, to: len(ids)}}
	}
}

// shared returns the number of tokens, the model's own before them included, that end within the
// shared part of given.
func (p *plan) shared(s Sequence) int {
	if s.Shared <= p.dropped {
		return 0
	}
	n := 0
	for n < len(p.given)-1 && p.given[n+1].Offset <= s.Shared {
		n++
	}
	return p.lead + n
}

// split cuts ids at the end of the shared part and into segments, the last token of given being the
// first of text's, since out of its position comes the loss of what follows. Only tokens that
// something follows go through the network.
func (p *plan) split(ids []int32, shared int, wantGiven, hidden bool) {
	cut := max(p.lead+len(p.given)-1, 0)
	end := len(ids) - 1
	if len(p.text) == 0 {
		end = cut
	}
	if len(p.text) == 0 && !wantGiven {
		return
	}
	for start, stop := 0, 0; start < cut; start = stop {
		if stop = min(start+segment, cut); start < shared {
			stop = min(stop, shared)
		}
		state := &pass{ids: ids, start: start, end: stop, leave: true}
		p.chain = append(p.chain, state)
		if !wantGiven {
			continue
		}
		lines := state
		if hidden {
			lines = &pass{ids: ids, start: stop, end: stop}
		}
		lines.from, lines.to = start+1, stop+1
		p.scores = append(p.scores, lines)
	}
	for start := cut; start < end; start += segment {
		stop := min(start+segment, end)
		scored := &pass{ids: ids, start: start, end: stop, from: start + 1, to: stop + 1, leave: stop < end}
		p.scores = append(p.scores, scored)
		if scored.leave {
			p.chain = append(p.chain, scored)
		}
	}
}

// losses reads the results of the passes back onto the sequence's texts.
func (p *plan) losses() Losses {
	l := Losses{Dropped: p.dropped}
	for _, scored := range p.scores {
		for i, nll := range scored.nll {
			k := scored.from + i - p.lead
			if k < len(p.given) {
				l.Given = append(l.Given, Loss{Offset: p.given[k].Offset, NLL: float64(nll)})
			} else {
				l.Text = append(l.Text, Loss{Offset: p.text[k-len(p.given)].Offset, NLL: float64(nll)})
			}
		}
	}
	return l
}
