package compress

import (
	"math"
	"slices"
)

// A form is one way in which a step may stay.
type form struct {
	tokens int
	value  float64
	// leads and trails say that it begins or ends with lines left out: there it shares the marker
	// of the gap beside it. Tokens counts the marker of a trailing gap and not that of a leading
	// one.
	leads, trails bool
	// skips says that the walk goes on behind the step's subtree and not inside it.
	skips bool
}

// A step is one stop of the walk over the input in line order: what stands there stays in one of
// its forms and the walk goes on at the next step, or it is left out with all that is inside and
// the walk goes on at step skip. A step with skip == 0 stays.
type step struct {
	forms []form
	skip  int
	// alone is the price of leaving out a step that opens and closes a text of its own (a file
	// among several); such a step shares no gap with its neighbours. 0 for all others.
	alone int
}

// keep is a step of one form.
func keep(tokens int, value float64, skip int) step {
	return step{forms: []form{{tokens: tokens, value: value}}, skip: skip}
}

// maxCells bounds the table: 2^19 float64 cells are 4 MiB. Beyond it tokens are counted in coarser
// units, rounded up, so that the choice still fits and is the best one for a budget smaller by less
// than one unit a step.
const maxCells = 1 << 19

// A knapsack is the multiple-choice knapsack over a tree (LongCodeZip, section III-D, has one form
// a block and no tree): what is nested needs what is around it, and each gap costs a marker. It is
// exact.
type knapsack struct {
	steps []step
	// marker is the cost of opening a gap.
	marker int
}

// The states of the walk: does the next marker cost, or is a gap open?
const (
	gapClosed = iota
	gapOpen
	states
)

// best is the dynamic programme: cell (step, state, tokens left) is the largest value from step to
// the end.
type best struct {
	cells []float64
	width int // budget in units, plus one
	unit  int
}

func (b *best) row(index, state int) []float64 {
	at := (index*states + state) * b.width
	return b.cells[at : at+b.width]
}

func (b *best) units(tokens int) int { return (tokens + b.unit - 1) / b.unit }

// impossible is the value of what does not fit. Adding to it changes nothing.
var impossible = math.Inf(-1)

// left is the choice of a step that is left out.
const left = -1

// pack returns the form of each step under budget tokens: its number, or left; steps inside of one
// that is left out or skipped have left. It returns false if not even what must stay fits. Of equal
// values the choice that keeps less wins.
func (k knapsack) pack(budget int) (chosen []int, ok bool) {
	if budget < 0 {
		return nil, false
	}
	table := k.fill(budget)
	state, room := gapClosed, table.width-1
	if table.row(0, state)[room] == impossible {
		return nil, false
	}
	chosen = slices.Repeat([]int{left}, len(k.steps))
	for i := 0; i < len(k.steps); {
		s := &k.steps[i]
		want := table.row(i, state)[room]
		if s.skip > 0 {
			price, after := k.out(table, s, state)
			if at(table.row(s.skip, after), room-price) == want {
				state, room, i = after, room-price, s.skip
				continue
			}
		}
		for n, f := range s.forms {
			next, price, after := k.in(table, i, f, state)
			if at(table.row(next, after), room-price)+f.value == want {
				chosen[i] = n
				state, room, i = after, room-price, next
				break
			}
		}
	}
	return chosen, true
}

// out is the price of leaving a step out, in units, and the state behind it.
func (k knapsack) out(table *best, s *step, state int) (price, after int) {
	switch {
	case s.alone > 0:
		return table.units(s.alone), gapClosed
	case state == gapOpen:
		return 0, gapOpen
	}
	return table.units(k.marker), gapOpen
}

// in is where the walk goes on behind a form of step i, its price in units, and the state there. A
// form without lines leaves a gap open.
func (k knapsack) in(table *best, i int, f form, state int) (next, price, after int) {
	tokens := f.tokens
	if f.leads && state == gapClosed {
		tokens += k.marker
	}
	switch {
	case k.steps[i].alone > 0:
		after = gapClosed
	case f.trails:
		after = gapOpen
	case f.tokens > 0:
		after = gapClosed
	default:
		after = state
	}
	next = i + 1
	if f.skips {
		next = k.steps[i].skip
	}
	return next, table.units(tokens), after
}

// at is row[i], impossible before the row's start.
func at(cells []float64, i int) float64 {
	if i < 0 {
		return impossible
	}
	return cells[i]
}

// fill computes the table from the last step to the first.
func (k knapsack) fill(budget int) *best {
	table := &best{unit: 1}
	rows := (len(k.steps) + 1) * states
	table.unit += (budget + 1) * rows / maxCells
	table.width = budget/table.unit + 1
	table.cells = make([]float64, rows*table.width)
	for i := len(k.steps) - 1; i >= 0; i-- {
		s := &k.steps[i]
		for state := range states {
			cells := table.row(i, state)
			for room := range cells {
				cells[room] = impossible
			}
			if s.skip > 0 {
				price, after := k.out(table, s, state)
				raise(cells, table.row(s.skip, after), price, 0)
			}
			for _, f := range s.forms {
				next, price, after := k.in(table, i, f, state)
				raise(cells, table.row(next, after), price, f.value)
			}
		}
	}
	return table
}

// raise takes over what rest holds, shifted by price and with value added, where that is more.
func raise(cells, rest []float64, price int, value float64) {
	if price >= len(cells) {
		return
	}
	cells = cells[price:]
	for room, v := range rest[:len(cells)] {
		cells[room] = max(cells[room], v+value)
	}
}
