package retrieval

import (
	"github.com/tidwall/gjson"
)

// A placement says what becomes of an item of an answer (a content block, an output item).
type placement int

const (
	placeShown placement = iota
	// placeHidden is a call of our tool: no event of it goes out.
	placeHidden
	// placeHeld is reasoning: it goes out with the item behind it, unless that is a call of our
	// tool. A client sends reasoning back, and a provider refuses reasoning that has lost what it
	// led to.
	placeHeld
)

// An item is one of an answer's items as it arrives.
type item struct {
	place placement
	// raw is the item's JSON, parts what its deltas add, by the member that they are for; citations
	// are those that they add.
	raw       string
	parts     map[string][]byte
	citations []string
	// index is its index for the client, -1 while it is not shown.
	index int64
}

// items are the items of a stream, in both dialects whose events name the item that they belong to
// by an index.
type items struct {
	// member is the name of the index in events: "index" or "output_index".
	member string
	// shown counts the items that the client was shown.
	shown int64
	// of this round: the items by the upstream's index and in order, events that are held back.
	byIndex map[int64]*item
	order   []*item
	held    []string
}

// begin adds the item that an event opens.
func (s *items) begin(index int64, raw string, place placement) *item {
	it := &item{place: place, raw: raw, parts: map[string][]byte{}, index: -1}
	if s.byIndex == nil {
		s.byIndex = map[int64]*item{}
	}
	s.byIndex[index] = it
	s.order = append(s.order, it)
	return it
}

// route returns the events that go out for one of an item: none, or it and those that were held
// back before it, under the client's indexes.
func (s *items) route(data string) []string {
	it := s.byIndex[gjson.Get(data, s.member).Int()]
	switch {
	case it == nil:
		return []string{data}
	case it.place == placeHidden:
		return nil
	case it.place == placeHeld:
		s.held = append(s.held, data)
		return nil
	}
	return append(s.release(), s.place(it, data))
}

// release returns what is held back: something follows it, or the round is the last.
func (s *items) release() []string {
	out := make([]string, 0, len(s.held)+1)
	for _, data := range s.held {
		it := s.byIndex[gjson.Get(data, s.member).Int()]
		it.place = placeShown
		out = append(out, s.place(it, data))
	}
	s.held = nil
	return out
}

func (s *items) place(it *item, data string) string {
	if it.index < 0 {
		it.index = s.shown
		s.shown++
	}
	return reindex(data, s.member, it.index)
}

// asked reports that our tool was called in this round.
func (s *items) asked() bool {
	for _, it := range s.order {
		if it.place == placeHidden {
			return true
		}
	}
	return false
}

// next forgets a round.
func (s *items) next() { s.byIndex, s.order, s.held = nil, nil, nil }
