package perplexity

import (
	"sync/atomic"

	"pith/perplexity/onnxgraph"
)

// A passState is what the network keeps of a run of tokens. It lies in blocks of blockTokens
// tokens: in each, for each channel its heads, for each head its tokens. It lives as long as
// somebody holds it.
type passState struct {
	tokens int
	data   [][]byte
	from   *blocks
	refs   atomic.Int32
}

// newState returns a state of tokens tokens, held once.
func newState(from *blocks, tokens int) (*passState, error) {
	data, err := from.take((tokens + blockTokens - 1) / blockTokens)
	if err != nil {
		return nil, err
	}
	s := &passState{tokens: tokens, data: data, from: from}
	s.refs.Store(1)
	return s, nil
}

// bytes is the memory that s takes.
func (s *passState) bytes() int { return len(s.data) * s.from.size }

// tokenBytes is the size of one token's state.
func tokenBytes(channels []onnxgraph.Channel) int {
	n := 0
	for _, c := range channels {
		n += c.Heads * c.Row()
	}
	return n
}

// hold keeps s from being freed until one drop more. The caller must know that somebody holds it
// now.
func (s *passState) hold() *passState {
	s.refs.Add(1)
	return s
}

// drop lets go of s.
func (s *passState) drop() {
	if s.refs.Add(-1) == 0 {
		s.from.give(s.data)
		s.data = nil
	}
}

// write copies the states of the rows' pasts into the inputs of a run, each to the right end of its
// place.
func (buf *buffers) write(b batch, channels []onnxgraph.Channel) {
	buf.past = growEach(buf.past, len(channels))
	skip := 0 // bytes of a block that the channels before c take
	for i, c := range channels {
		place := b.past * c.Row()
		buf.past[i] = grow(buf.past[i], len(b.rows)*c.Heads*place)
		for r, p := range b.rows {
			for h := range c.Heads {
				to := buf.past[i][(r*c.Heads+h)*place:][:place]
				at := (b.past - p.start) * c.Row()
				clear(to[:at])
				for _, s := range p.past {
					at += s.copyHead(to[at:], skip+h*blockTokens*c.Row(), c.Row())
				}
			}
		}
		skip += blockTokens * c.Heads * c.Row()
	}
}

// copyHead copies the tokens of one head, rows of row bytes that begin at the offset at of each
// block, and returns their size.
func (s *passState) copyHead(to []byte, at, row int) int {
	n, left := 0, s.tokens*row
	for _, data := range s.data {
		size := min(left-n, blockTokens*row)
		n += copy(to[n:], data[at:][:size])
	}
	return n
}

// setHead is the reverse of copyHead.
func (s *passState) setHead(from []byte, at, row int) {
	for _, data := range s.data {
		from = from[copy(data[at:][:min(len(from), blockTokens*row)], from):]
	}
}

// read takes the states that the rows leave out of the outputs of a run.
func (buf *buffers) read(b batch, channels []onnxgraph.Channel, from *blocks) error {
	for r, p := range b.rows {
		if !p.leave {
			continue
		}
		s, err := newState(from, p.end-p.start)
		if err != nil {
			return err
		}
		at := 0
		for i, c := range channels {
			place, first := b.own, 0
			if c.Whole {
				place, first = b.past+b.own, b.past
			}
			for h := range c.Heads {
				rows := buf.left[i][((r*c.Heads+h)*place+first)*c.Row():]
				s.setHead(rows[:s.tokens*c.Row()], at, c.Row())
				at += blockTokens * c.Row()
			}
		}
		p.state = s
	}
	return nil
}

func growEach(s [][]byte, n int) [][]byte {
	if len(s) < n {
		return make([][]byte, n)
	}
	return s
}
