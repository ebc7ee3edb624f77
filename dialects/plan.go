package dialects

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"pith/compress"
)

// A Block is a piece of code in the body that will be compressed.
type Block struct {
	// Request is what the engine is asked.
	Request compress.Request

	text jsonText
	// first and last are the block's lines in text, half-open.
	first, last int
	// content is what the engine sees of each line: the line without its number.
	content []string
	// message groups the blocks of one turn, which share a budget.
	message int
}

// bytes is the size of the code.
func (b *Block) bytes() int { return len(b.Request.Files[0].Content) }

// Rules say which blocks are planned and what they are compressed for.
type Rules struct {
	// Force drops the minimum size and the need for a question; what must never be touched still is
	// not.
	Force bool
	// Budget is the number of tokens for the blocks of one message together; see shareBudget. Zero:
	// Rate decides.
	Budget int
	// Rate is compressed / original tokens of each block. Zero: the engine's own choice.
	Rate float64
	// Query stands for every block's own question when not empty.
	Query string
	// MinBytes is the smallest block that is planned, in bytes of its text.
	MinBytes int
	// Tenant is whose request it is.
	Tenant string
	// Prune shortens few-shot prompts. If nil, none.
	Prune Pruner
}

// A Plan says what may change in a conversation.
type Plan struct {
	Blocks []Block
	// Small counts the blocks that were left for their size alone.
	Small int
	// Prompts are the few-shot prompts that are shortened, by PromptEdits.
	Prompts     []Pruned
	PromptEdits []Edit
}

// Plan picks the blocks of a conversation. An error is that of the Work that it was read with.
func (c Conversation) Plan(rules Rules) (Plan, error) {
	p := planner{body: c.body, model: c.Model, rules: rules, work: c.work, history: history{work: c.work}}
	p.run(c)
	shareBudget(p.plan.Blocks, rules.Budget)
	return p.plan, c.work.Err()
}

// A planner walks a conversation from its first turn to its last and picks the blocks. What it
// decides for a block depends on the turns up to and including the block's own and on nothing behind
// them, so that a longer conversation decides the same for its older blocks: the provider's prompt
// cache lives on that.
type planner struct {
	body  []byte
	model string
	rules Rules
	plan  Plan
	work  *Work

	history history
	calls   map[string]pendingCall
	// instruction is the user's latest; announcement is what the assistant said since the last turn that
	// was not its own.
	instruction, announcement string
	message                   int
}

// A pendingCall is a tool call that waits for its result. The question is put together when it comes: of
// a hundred thousand calls that nobody answers none has a copy of what was said before them.
type pendingCall struct {
	action action
	// instruction, announcement and args are what was said when it was called.
	instruction, announcement, args string
}

// pendingBytes is about what a pendingCall takes.
const pendingBytes = 160

// query is what a call's result is read for.
func (c pendingCall) query() string { return joinTexts(c.instruction, c.announcement, c.args) }

func (p *planner) run(c Conversation) {
	p.calls = map[string]pendingCall{}
	for i, m := range c.messages {
		if p.work.Err() != nil {
			return
		}
		p.message = i
		switch m.role {
		case roleAssistant:
			p.assistant(m)
		default:
			p.turn(m)
			p.announcement = ""
		}
	}
}

// assistant notes what was said and asked. Nothing of an assistant's turn is compressed.
func (p *planner) assistant(m message) {
	for _, part := range m.parts {
		switch part.kind {
		case partText:
			said := strings.TrimSpace(readString(p.work, p.body, part.start, part.end))
			p.announcement = tail(said, maxQueryBytes+utf8.UTFMax)
			p.history.noteWords(said)
		case partCall:
			a := understand(part.call)
			first := a
			if a.kind == actRead && !p.history.whole(a.paths[0]) {
				first.kind = actOther
			}
			p.history.note(a)
			// Each piece longer than the question may be, so that cutting it changes none.
			p.work.spend(len(part.call.args))
			p.work.hold(pendingBytes)
			p.calls[part.callID] = pendingCall{first, p.instruction, p.announcement, tail(strings.TrimSpace(part.call.args), maxQueryBytes+utf8.UTFMax)}
		}
	}
}

// turn plans a user's or a tool's message.
func (p *planner) turn(m message) {
	type spoken struct {
		text   jsonText
		blocks []codeSpan
	}
	var said []spoken
	var words []string
	for _, part := range m.parts {
		switch part.kind {
		case partText:
			text := readText(p.work, p.body, part.start, part.end)
			blocks := findBlocks(p.work, text.lines)
			if !p.prompt(text) {
				said = append(said, spoken{text, blocks})
			}
			// What the user says is put together outside the blocks, and looked at for what agents add.
			p.work.spend(4 * len(text.all))
			p.work.hold(len(text.all))
			words = append(words, instruction(text, blocks))
		case partResult:
			p.result(part)
		}
	}
	p.completion(m)
	own := joinTexts(words...)
	// A turn that shows code without a word about it is read under the question before it.
	query := tail(cmp.Or(own, p.instruction), maxQueryBytes+utf8.UTFMax)
	if strings.Contains(own, editableFiles) {
		said = nil
	}
	for _, s := range said {
		for _, b := range s.blocks {
			if p.work.Err() != nil {
				return
			}
			p.userBlock(s.text, b, query)
		}
	}
	p.instruction = query
}

// editableFiles is how Aider introduces files that the model is to edit by quoting their lines exactly. They come anew with each
// request, under the same words whatever the question.
const editableFiles = "true contents of these files"

// userBlock plans a block of a user's message.
func (p *planner) userBlock(text jsonText, b codeSpan, query string) {
	fresh := true
	if b.path != "" {
		fresh = p.history.whole(b.path)
		p.history.add(b.path)
	}
	if !fresh || b.partial {
		return
	}
	p.add(text, b, query)
}

// result plans what a tool returned: only the whole of one file, read for the first time, is compressed.
func (p *planner) result(part part) {
	call, ok := p.calls[part.callID]
	if !ok || part.failed || call.action.kind != actRead || part.start == part.end {
		return
	}
	text := readText(p.work, p.body, part.start, part.end)
	b, ok := wholeFile(p.work, text.lines)
	if !ok || b.partial {
		return
	}
	b.path = call.action.paths[0]
	p.add(text, b, call.query())
}

// add plans the lines of b unless they are to be left alone.
func (p *planner) add(text jsonText, b codeSpan, query string) {
	if !text.exact {
		return
	}
	b.first += skipHeading(text.lines[b.first:b.last])
	lines := text.lines[b.first:b.last]
	// The lines' texts, the file, and a few looks at each.
	size := text.lines[b.last-1].end - text.lines[b.first].start
	if p.work.spend(4 * size); !p.work.hold(size + len(lines)*contentBytes + blockBytes) {
		return
	}
	content, number := stripNumbers(lines)
	switch {
	case len(content) == 0:
		content = make([]string, len(lines))
		for i := range lines {
			content[i] = lines[i].text
		}
	case number != 1:
		return // numbered from elsewhere: a part of a file
	}
	if !isCode(b.path, b.language, content) {
		return
	}
	if query = cmp.Or(p.rules.Query, query); query == "" && !p.rules.Force {
		return // nothing says what matters
	}
	last := b.first + len(content)
	joined := strings.Join(content, "\n")
	if text.lines[last-1].eol < text.lines[last-1].end {
		joined += "\n"
	}
	if len(joined) < p.rules.MinBytes && !p.rules.Force {
		p.plan.Small++
		return
	}
	p.plan.Blocks = append(p.plan.Blocks, Block{
		text: text, first: b.first, last: last, content: content, message: p.message,
		Request: compress.Request{
			Files:  []compress.File{{Path: b.path, Language: b.language, Content: joined}},
			Query:  tail(query, maxQueryBytes),
			Rate:   p.rules.Rate,
			Model:  p.model,
			Tenant: p.rules.Tenant,
		},
	})
}

const (
	// contentBytes is what is remembered of a line, blockBytes about what is made for a block beside it.
	contentBytes = 16
	blockBytes   = 512
)

// maxQueryBytes bounds the question. Pasted walls of text end in the question more often than they begin with it.
const maxQueryBytes = 4096

// tail returns the end of s, at most n bytes, from the start of a rune on.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[len(s)-n:], "")
}

// shareBudget gives each block its part of the tokens of X-Pith-Budget. The budget counts for the blocks of one message
// together and each message has it anew: a share of the whole conversation would change whenever a turn is added, and with it
// the bytes of every older turn.
func shareBudget(blocks []Block, budget int) {
	if budget == 0 {
		return
	}
	size := map[int]int{}
	for i := range blocks {
		size[blocks[i].message] += blocks[i].bytes()
	}
	for i := range blocks {
		b := &blocks[i]
		b.Request.Budget = max(1, budget*b.bytes()/max(1, size[b.message]))
	}
}

func joinLines(lines []textLine) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(lines[i].text)
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// joinTexts puts what is not empty on lines of its own.
func joinTexts(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}
