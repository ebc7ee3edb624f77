package search

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// A PlantedKind is a family of planted problems.
type PlantedKind string

// The kinds. In Additive ones every unit helps or harms by itself. In Interacting ones it also acts
// on its next two neighbours. In Deceptive ones runs of two to four units harm when any but all of
// them are dropped, and help when all are.
const (
	Additive    PlantedKind = "additive"
	Interacting PlantedKind = "interacting"
	Deceptive   PlantedKind = "deceptive"
)

// PlantedKinds lists them all.
func PlantedKinds() []PlantedKind { return []PlantedKind{Additive, Interacting, Deceptive} }

const (
	plantedExamples = 16
	// plantedFull and plantedBest are the fitness of the full prompt and of the optimum, on the
	// reward scale of the paper's classification tasks.
	plantedFull, plantedBest = 50.0, 150.0
	// plantedSpread is how far the reward of one example may be from the mean.
	plantedSpread = 40.0
	// plantedWidth is the widest term: the optimum is exact because a dynamic programme remembers
	// that many units less one.
	plantedWidth = 4
	// plantedRune is the text of the first unit; unit i is the rune i places on.
	plantedRune = '\u4e00'
)

// A term is a table over the dropped-bits of width neighbouring units.
type term struct {
	start, width int
	table        []float64
}

// PlantedProblem is a synthetic problem with a known optimum. It is an Evaluator of its own texts.
type PlantedProblem struct {
	Kind PlantedKind
	// Optimum is the highest fitness any mask reaches.
	Optimum float64
	size    int
	terms   []term
	lowest  float64
	// tilt gives each pair of examples its own deviation; the two of a pair cancel out.
	tilt [plantedExamples / 2][]float64
}

// NewPlanted makes a problem of size units (and one slot) from a seed.
func NewPlanted(kind PlantedKind, size int, seed uint64) *PlantedProblem {
	p := &PlantedProblem{Kind: kind, size: size}
	rng := rand.New(rand.NewPCG(seed, uint64(size)))
	p.plant(rng)
	worst, best := p.extreme(-1), p.extreme(1)
	scale := (plantedBest - plantedFull) / best
	for _, t := range p.terms {
		for k := range t.table {
			t.table[k] *= scale
		}
	}
	p.Optimum = plantedFull + best*scale
	p.lowest = plantedFull + worst*scale
	for k := range p.tilt {
		p.tilt[k] = make([]float64, size)
		for i := range p.tilt[k] {
			p.tilt[k][i] = rng.NormFloat64()
		}
	}
	return p
}

// plant draws the terms. A table's entry for "nothing dropped" is always zero.
func (p *PlantedProblem) plant(rng *rand.Rand) {
	for i := 0; i < p.size; {
		width := 1
		if p.Kind == Deceptive && rng.IntN(4) == 0 {
			width = 2 + rng.IntN(plantedWidth-1)
		}
		width = min(width, p.size-i)
		if width == 1 {
			p.terms = append(p.terms, term{i, 1, []float64{0, rng.NormFloat64()}})
		} else {
			p.terms = append(p.terms, trap(i, width, 0.5+rng.Float64()))
		}
		i += width
	}
	if p.Kind != Interacting {
		return
	}
	for i := 0; i+2 < p.size; i++ {
		near, far := 0.8*rng.NormFloat64(), 0.8*rng.NormFloat64()
		table := make([]float64, 8)
		for bits := range table {
			if bits&3 == 3 {
				table[bits] += near
			}
			if bits&5 == 5 {
				table[bits] += far
			}
		}
		p.terms = append(p.terms, term{i, 3, table})
	}
}

// trap harms in proportion to the units dropped, until all are: then it helps.
func trap(start, width int, size float64) term {
	table := make([]float64, 1<<width)
	for bits := range table {
		for k := range width {
			if bits>>k&1 == 1 {
				table[bits] -= size / 2
			}
		}
	}
	table[len(table)-1] = size * float64(width) / 2
	return term{start, width, table}
}

// extreme returns the largest (sign 1) or smallest (sign -1) sum of terms over all masks, by a
// dynamic programme from left to right whose state is the dropped-bits of the last plantedWidth
// units.
func (p *PlantedProblem) extreme(sign float64) float64 {
	const states = 1 << plantedWidth
	ending := make([][]term, p.size)
	for _, t := range p.terms {
		last := t.start + t.width - 1
		ending[last] = append(ending[last], t)
	}
	value := make([]float64, states)
	for s := 1; s < states; s++ {
		value[s] = math.Inf(-1)
	}
	for i := range p.size {
		next := make([]float64, states)
		for s := range next {
			next[s] = math.Inf(-1)
		}
		for s, v := range value {
			for bit := range 2 {
				to := (s<<1 | bit) & (states - 1)
				next[to] = math.Max(next[to], v+sign*endingSum(ending[i], to))
			}
		}
		value = next
	}
	top := math.Inf(-1)
	for _, v := range value {
		top = math.Max(top, v)
	}
	return sign * top
}

// endingSum adds the terms that end at the newest unit of a state, whose bit is the lowest.
func endingSum(terms []term, state int) float64 {
	sum := 0.0
	for _, t := range terms {
		bits := 0
		for k := range t.width {
			bits |= (state >> (t.width - 1 - k) & 1) << k
		}
		sum += t.table[bits]
	}
	return sum
}

// Problem wraps p for a search.
func (p *PlantedProblem) Problem() Problem {
	t := Template{Slots: []string{"x"}}
	for i := range p.size {
		t.Units = append(t.Units, Unit{Text: string(plantedRune + rune(i))})
	}
	t.Units = append(t.Units, Unit{Text: "{x}", Fixed: true})
	return Problem{Template: t, Examples: plantedExamples, Low: p.lowest - plantedSpread, High: 200, Evaluator: p}
}

// Evaluate answers trials.
func (p *PlantedProblem) Evaluate(_ context.Context, trials []Trial) ([][]float64, error) {
	out := make([][]float64, len(trials))
	for k, t := range trials {
		dropped, err := p.dropped(t.Text)
		if err != nil {
			return nil, err
		}
		fitness := p.fitness(dropped)
		for e := t.From; e < t.To; e++ {
			out[k] = append(out[k], fitness+p.deviation(dropped, e))
		}
	}
	return out, nil
}

// dropped reads off a text which units it lacks.
func (p *PlantedProblem) dropped(text string) ([]bool, error) {
	dropped := make([]bool, p.size)
	for i := range dropped {
		dropped[i] = true
	}
	for _, r := range text {
		switch i := int(r - plantedRune); {
		case i >= 0 && i < p.size:
			dropped[i] = false
		case r > 0x7f:
			return nil, fmt.Errorf("planted problem: %q is not one of its %d units", r, p.size)
		}
	}
	return dropped, nil
}

func (p *PlantedProblem) fitness(dropped []bool) float64 {
	sum := plantedFull
	for _, t := range p.terms {
		bits := 0
		for k := range t.width {
			if dropped[t.start+k] {
				bits |= 1 << k
			}
		}
		sum += t.table[bits]
	}
	return sum
}

// deviation is what sets example e apart from the mean: bounded, and opposite for the two examples
// of a pair.
func (p *PlantedProblem) deviation(dropped []bool, e int) float64 {
	angle := 0.0
	for i, w := range p.tilt[e/2] {
		if dropped[i] {
			angle += w
		}
	}
	d := plantedSpread * math.Sin(angle)
	if e%2 == 1 {
		return -d
	}
	return d
}
