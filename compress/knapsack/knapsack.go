// Package knapsack chooses what stays of a text under a budget: the exact multiple-choice knapsack
// over a tree whose gaps cost.
package knapsack

import (
	"math"
	"slices"
	"sync"
)

// A Form is one way in which a step may stay.
type Form struct {
	Tokens int
	Value  float64
	// Leads and Trails say that it begins or ends with lines left out: there it shares the marker
	// of the gap beside it. Tokens counts the marker of a trailing gap and not that of a leading
	// one.
	Leads, Trails bool
}

// A Step is one stop of the walk over the input in line order: what stands there stays in one of
// its forms and the walk goes on at the next step, or it is left out with all that is inside and
// the walk goes on at step Skip. A step with Skip == 0 stays.
type Step struct {
	Forms []Form
	Skip  int
	// Alone is the price of leaving out a step that opens and closes a text of its own (a file
	// among several); such a step shares no gap with its neighbours. 0 for all others.
	Alone int
}

// Keep is a step of one form.
func Keep(tokens int, value float64, skip int) Step {
	return Step{Forms: []Form{{Tokens: tokens, Value: value}}, Skip: skip}
}

const (
	// maxCells bounds the table: 2^18 float64 cells are 2 MiB. Beyond it tokens are counted in
	// coarser units, rounded up, so that the choice still fits and is the best one for a budget
	// smaller by less than one unit a step.
	maxCells = 1 << 18
	// coarsest is the largest unit. Where more would be needed, each step lost so much to rounding
	// that little would stay: the choice is then made by price.
	coarsest = 24
)

// A Tree is the multiple-choice knapsack over a tree (LongCodeZip, section III-D, has one form
// a block and no tree): what is nested needs what is around it, and each gap costs a marker. It is
// exact up to the size that maxCells and coarsest allow; beyond it no choice of as many tokens is
// worth more, and a little of the budget may be left. What was worked out for one budget serves for
// smaller ones: Steps must not change between two calls of Pack but by way of Free.
type Tree struct {
	Steps []Step
	// Marker is the cost of opening a gap.
	Marker int

	table best
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
	// marker is the Tree's when it was filled.
	marker int
}

func (b *best) row(index, state int) []float64 {
	at := (index*states + state) * b.width
	return b.cells[at : at+b.width]
}

func (b *best) units(tokens int) int { return (tokens + b.unit - 1) / b.unit }

// impossible is the value of what does not fit. Adding to it changes nothing.
var impossible = math.Inf(-1)

// Left is the choice of a step that is left out.
const Left = -1

// Pack returns the form of each step under budget tokens: its number, or Left; steps inside of one
// that is left out have Left. It returns false if not even what must stay fits. Of equal
// values the choice that keeps less wins.
func (k *Tree) Pack(budget int) (chosen []int, ok bool) {
	if budget < 0 {
		return nil, false
	}
	if k.unit(budget) > coarsest {
		return k.byPrice(budget)
	}
	k.prepare(budget)
	table := &k.table
	state, room := gapClosed, budget/table.unit
	if table.row(0, state)[room] == impossible {
		return nil, false
	}
	chosen = slices.Repeat([]int{Left}, len(k.Steps))
	for i := 0; i < len(k.Steps); {
		s := &k.Steps[i]
		want := table.row(i, state)[room]
		if s.Skip > 0 {
			price, after := k.out(table, s, state)
			if at(table.row(s.Skip, after), room-price) == want {
				state, room, i = after, room-price, s.Skip
				continue
			}
		}
		for n, f := range s.Forms {
			price, after := k.in(table, i, f, state)
			if at(table.row(i+1, after), room-price)+f.Value == want {
				chosen[i] = n
				state, room, i = after, room-price, i+1
				break
			}
		}
	}
	return chosen, true
}

// out is the price of leaving a step out, in units, and the state behind it.
func (k *Tree) out(table *best, s *Step, state int) (price, after int) {
	switch {
	case s.Alone > 0:
		return table.units(s.Alone), gapClosed
	case state == gapOpen:
		return 0, gapOpen
	}
	return table.units(k.Marker), gapOpen
}

// in is the price in units of a form of step i, and the state behind it. A form without lines
// leaves a gap open.
func (k *Tree) in(table *best, i int, f Form, state int) (price, after int) {
	tokens := f.Tokens
	if f.Leads && state == gapClosed {
		tokens += k.Marker
	}
	switch {
	case k.Steps[i].Alone > 0:
		after = gapClosed
	case f.Trails:
		after = gapOpen
	case f.Tokens > 0:
		after = gapClosed
	default:
		after = state
	}
	return table.units(tokens), after
}

// at is row[i], impossible before the row's start.
func at(cells []float64, i int) float64 {
	if i < 0 {
		return impossible
	}
	return cells[i]
}

func (k *Tree) rows() int { return (len(k.Steps) + 1) * states }

// unit is in how many tokens a table for budget would count.
func (k *Tree) unit(budget int) int { return 1 + (budget+1)*k.rows()/maxCells }

// prepare fills the table, unless what it holds reaches to budget in the same units. It is made
// wider than asked for by one part in headroom: the next budget is near this one.
func (k *Tree) prepare(budget int) {
	rows, unit := k.rows(), k.unit(budget)
	t := &k.table
	if t.unit == unit && t.marker == k.Marker && budget/unit < t.width {
		return
	}
	t.unit, t.marker, t.width = unit, k.Marker, (budget+budget/headroom)/unit+1
	t.room(rows * t.width)
	k.fill()
}

const headroom = 16

// room makes the table hold size cells, of any value.
func (b *best) room(size int) {
	if size > cap(b.cells) {
		b.free()
		b.cells, _ = tables.Get().([]float64)
	}
	switch {
	case size <= cap(b.cells):
	case size <= smallTable:
		b.cells = make([]float64, size)
	default:
		b.cells = make([]float64, max(size, maxCells+maxCells/headroom))
	}
	b.cells = b.cells[:size]
}

// tables are large ones of Trees that were freed, all of one size: they would be most of what
// choosing leaves to the garbage collector.
var tables sync.Pool

// smallTable is the size in cells up to which a table is not worth keeping.
const smallTable = 1 << 13

func (b *best) free() {
	if cap(b.cells) > smallTable {
		tables.Put(b.cells) //nolint:staticcheck // the slice's head is 24 bytes where its cells are megabytes
	}
	b.cells = nil
}

// Free lets other Trees have the table of k, which may be used on.
func (k *Tree) Free() {
	k.table.free()
	k.table = best{}
}

// fill computes the table from the last step to the first.
func (k *Tree) fill() {
	t := &k.table
	for state := range states {
		clear(t.row(len(k.Steps), state))
	}
	for i := len(k.Steps) - 1; i >= 0; i-- {
		s := &k.Steps[i]
		for state := range states {
			cells, put := t.row(i, state), set
			if s.Skip > 0 {
				price, after := k.out(t, s, state)
				put(cells, t.row(s.Skip, after), price, 0)
				put = raise
			}
			for _, f := range s.Forms {
				price, after := k.in(t, i, f, state)
				put(cells, t.row(i+1, after), price, f.Value)
				put = raise
			}
		}
	}
}

// set takes over what rest holds, shifted by price and with value added.
func set(cells, rest []float64, price int, value float64) {
	price = min(price, len(cells))
	for room := range cells[:price] {
		cells[room] = impossible
	}
	cells = cells[price:]
	for room, v := range rest[:len(cells)] {
		cells[room] = v + value
	}
}

// raise does so where that is more.
func raise(cells, rest []float64, price int, value float64) {
	if price >= len(cells) {
		return
	}
	cells = cells[price:]
	for room, v := range rest[:len(cells)] {
		if v += value; v > cells[room] {
			cells[room] = v
		}
	}
}
