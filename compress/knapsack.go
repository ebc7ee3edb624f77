package compress

import (
	"math"
	"slices"
)

// A step is one stop of the walk over a function in line order. Steps with skip > 0 are decisions: the block that begins
// here is kept and the walk goes on inside it, or it is left out and the walk goes on at step skip. Steps with skip == 0
// are lines of an enclosing frame, which stay.
type step struct {
	tokens int
	value  float64
	skip   int
}

// maxCells bounds the table of one function: 2^21 float64 cells are 16 MiB. Beyond it tokens are counted in coarser units,
// rounded up, so that the choice still fits and is the best one for a budget smaller by less than one unit per step.
const maxCells = 1 << 21

// A knapsack chooses blocks of one function. It is the 0/1 knapsack of LongCodeZip, section III-D, with two additions that
// keep it exact: a block inside a nested statement needs that statement's frame, and each gap costs a marker.
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

// best is the dynamic programme: cell (step, state, tokens left) is the largest value from step to the end.
type best struct {
	cells []float64
	width int // budget in units, plus one
	unit  int
}

func (b *best) row(step, state int) []float64 {
	at := (step*states + state) * b.width
	return b.cells[at : at+b.width]
}

func (b *best) units(tokens int) int { return (tokens + b.unit - 1) / b.unit }

// impossible is the value of what does not fit. Adding to it changes nothing.
var impossible = math.Inf(-1)

// pack returns which steps are kept under budget tokens, and false if not even the frame fits. Of equal values the one
// that keeps less wins.
func (k knapsack) pack(budget int) ([]bool, bool) {
	if budget < 0 {
		return nil, false
	}
	table := k.fill(budget)
	state, left := gapClosed, table.width-1
	if table.row(0, state)[left] == impossible {
		return nil, false
	}
	kept := make([]bool, len(k.steps))
	for i := 0; i < len(k.steps); {
		s := k.steps[i]
		next, price := s.after(state), table.units(s.tokens)
		if s.skip > 0 {
			fee := k.fee(table, state)
			out := at(table.row(s.skip, gapOpen), left-fee)
			if at(table.row(i+1, next), left-price)+s.value <= out {
				state = gapOpen
				left -= fee
				i = s.skip
				continue
			}
		}
		kept[i] = true
		left -= price
		state = next
		i++
	}
	return kept, true
}

// at is row[i], impossible before the row's start.
func at(row []float64, i int) float64 {
	if i < 0 {
		return impossible
	}
	return row[i]
}

// fee is what leaving something out costs: a marker, unless a gap is open.
func (k knapsack) fee(table *best, state int) int {
	if state == gapOpen {
		return 0
	}
	return table.units(k.marker)
}

// fill computes the table from the last step to the first.
func (k knapsack) fill(budget int) *best {
	table := &best{unit: 1}
	rows := (len(k.steps) + 1) * states
	table.unit += (budget + 1) * rows / maxCells
	table.width = budget/table.unit + 1
	table.cells = make([]float64, rows*table.width)
	for i, s := range slices.Backward(k.steps) {
		price := min(table.units(s.tokens), table.width)
		for state := range states {
			row, rest := table.row(i, state), table.row(i+1, s.after(state))
			for left := range price {
				row[left] = impossible
			}
			for left, value := range rest[:table.width-price] {
				row[price+left] = s.value + value
			}
			if s.skip == 0 {
				continue
			}
			fee := min(k.fee(table, state), table.width)
			for left, value := range table.row(s.skip, gapOpen)[:table.width-fee] {
				row[fee+left] = max(row[fee+left], value)
			}
		}
	}
	return table
}

// after is the state behind a kept step: its lines close the gap. A kept block whose lines all come later leaves it open.
func (s step) after(state int) int {
	if s.tokens > 0 {
		return gapClosed
	}
	return state
}
