package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// An Algorithm names a search.
type Algorithm string

// The searches. The first four follow the paper and its reference code; Guided is ours.
const (
	TAPruning Algorithm = "tapruning" // threshold accepting sweeps, one token at a time
	SAHC      Algorithm = "sahc"      // the same sweeps, strict improvements only
	GGA       Algorithm = "gga"       // generational genetic algorithm
	SSGA      Algorithm = "ssga"      // steady-state genetic algorithm
	Guided    Algorithm = "guided"    // measured effects propose many deletions at once
)

// Algorithms lists them all.
func Algorithms() []Algorithm { return []Algorithm{TAPruning, SAHC, GGA, SSGA, Guided} }

// An Objective says which candidate of a run is its answer.
type Objective string

// The objectives. Front answers as Best does; the front itself is in Result.Front whatever the
// objective.
const (
	Best     Objective = "best"     // highest fitness, then shortest
	Shortest Objective = "shortest" // shortest that does not lose against the full prompt
	Front    Objective = "front"
)

// The paper's limits (table 9).
const (
	DefaultMaxPrompts = 10_000
	DefaultMinLength  = 15
)

// Options steer a search. The zero value of a field means its default.
type Options struct {
	// Algorithm is Guided if empty.
	Algorithm Algorithm
	// Objective is Best if empty.
	Objective Objective
	// Seed starts the random numbers. Same seed, same run, on any number of workers.
	Seed uint64
	// Reference keeps the published code's quirks where they change results: the ratio test of
	// TAPruning on negative fitness and its tokenising anew after every sweep, and the worst-ranked
	// parents that outlive a wasted offspring slot.
	Reference bool
	// MaxPrompts stops a search after that many explored prompts. If zero, DefaultMaxPrompts.
	MaxPrompts int
	// MinLength stops an evolution when the mean length of its population is no greater. If zero,
	// DefaultMinLength.
	MinLength int
	// Delta is the share of the best fitness that TAPruning accepts. If zero, 0.96.
	Delta float64
	// Ahead is the number of trials handed out before earlier ones are folded: TAPruning evaluates
	// that many removals on the guess that all are rejected (same answer, more evaluations), SSGA
	// breeds with results that many children old (a different, equally repeatable run). If zero, 1:
	// as published.
	Ahead int
	// Halving and Racing end the evaluation of hopeless candidates early. See there.
	Halving, Racing bool
	// Evolution holds the sizes of GGA and SSGA.
	Evolution Evolution
	// OnGeneration is told after every generation or sweep; an error ends the search. May be nil.
	OnGeneration func(Progress) error
}

// Evolution holds the sizes of the genetic searches; a zero means the default of the paper's table
// 9.
type Evolution struct {
	Population int     // 30
	Offspring  int     // 50
	Mutations  int     // 4: a child loses 1 to 4 units
	Tournament float64 // 0.2 of the population, drawn with replacement
	// Scatter starts from copies that each lack 5 to 20 % of their units, not from plain copies.
	Scatter bool
}

// Progress is the state of a search after a generation.
type Progress struct {
	Generation int       `json:"generation"`
	Best       Candidate `json:"best"`
	// Mean fitness and length of the population or, for the other searches, of the current prompt.
	MeanFitness float64 `json:"mean_fitness"`
	MeanLength  float64 `json:"mean_length"`
	Stats       Stats   `json:"stats"`
	// Digest stands for every evaluation so far, in order: two runs with the same digest are the
	// same run.
	Digest string `json:"digest"`
	// Full is the whole prompt and Front the best for each length so far, for those who watch.
	Full  Candidate   `json:"-"`
	Front []Candidate `json:"-"`
}

// Stats count what a search spent.
type Stats struct {
	// Explored is the number of prompts in the paper's count; GGA counts wasted slots in reference
	// mode.
	Explored int `json:"explored"`
	// Prompts is the number of distinct texts evaluated, Examples the rewards asked for.
	Prompts  int `json:"prompts"`
	Examples int `json:"examples"`
}

// A Result is what a search found.
type Result struct {
	// Best is the answer under the objective, judged by search fitness; the held-out splits have
	// yet to speak.
	Best Candidate
	// Full is the whole prompt.
	Full Candidate
	// History holds every candidate evaluated, in order, Full first.
	History []Candidate
	// Front holds the candidates that no other beats in both length and fitness, shortest first.
	Front []Candidate
	Stats Stats
}

// ErrOptions marks options that make no sense.
var ErrOptions = errors.New("bad search options")

// Check says what of o makes no sense.
func (o Options) Check() error {
	_, err := o.withDefaults()
	return err
}

func (o Options) withDefaults() (Options, error) {
	if o.Algorithm == "" {
		o.Algorithm = Guided
	}
	if o.Objective == "" {
		o.Objective = Best
	}
	if !slices.Contains(Algorithms(), o.Algorithm) {
		return o, fmt.Errorf("%w: algorithm %q is not one of %v", ErrOptions, o.Algorithm, Algorithms())
	}
	if !slices.Contains([]Objective{Best, Shortest, Front}, o.Objective) {
		return o, fmt.Errorf("%w: objective %q is not best, shortest or front", ErrOptions, o.Objective)
	}
	if o.Delta < 0 || o.Delta > 1 {
		return o, fmt.Errorf("%w: delta %g is outside (0, 1]", ErrOptions, o.Delta)
	}
	setDefault(&o.MaxPrompts, DefaultMaxPrompts)
	setDefault(&o.MinLength, DefaultMinLength)
	setDefault(&o.Delta, 0.96)
	setDefault(&o.Ahead, 1)
	setDefault(&o.Evolution.Population, 30)
	setDefault(&o.Evolution.Offspring, 50)
	setDefault(&o.Evolution.Mutations, 4)
	setDefault(&o.Evolution.Tournament, 0.2)
	return o, nil
}

func setDefault[T int | float64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Run runs one algorithm on p. When ctx ends it returns what it has with ctx's error: the best
// so far is still of use.
func Run(ctx context.Context, p Problem, opt Options) (Result, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Result{}, err
	}
	if p.Examples <= 0 || len(p.Template.Units) == 0 {
		return Result{}, fmt.Errorf("%w: a search needs a template and at least one example", ErrOptions)
	}
	s := &search{archive: newArchive(p), opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, 0x5052554e45))}
	err = s.run(ctx)
	return s.result(), err
}

// search is one run of one algorithm.
type search struct {
	*archive
	opt        Options
	rng        *rand.Rand
	generation int
}

func (s *search) run(ctx context.Context) error {
	full := s.candidate(FullMask(len(s.problem.Template.Units)))
	if err := s.evaluate(ctx, []*Candidate{&full}); err != nil {
		return fmt.Errorf("evaluate the full prompt: %w", err)
	}
	s.stats.Explored++
	switch s.opt.Algorithm {
	case TAPruning, SAHC:
		return s.climb(ctx, full)
	case GGA:
		return s.evolve(ctx, full, s.generationalBrood)
	case SSGA:
		return s.evolve(ctx, full, s.steadyBrood)
	default:
		return s.guided(ctx, full)
	}
}

func (s *search) spent() bool { return s.stats.Explored >= s.opt.MaxPrompts }

// report tells OnGeneration how the given candidates do.
func (s *search) report(population []Candidate) error {
	s.generation++
	if s.opt.OnGeneration == nil {
		return nil
	}
	pr := Progress{Generation: s.generation, Best: s.best(s.opt.Objective), Stats: s.stats, Digest: s.digest()}
	pr.Full, pr.Front = s.history[0], ParetoFront(s.history)
	for _, c := range population {
		pr.MeanFitness += c.Fitness / float64(len(population))
	}
	pr.MeanLength = meanLength(population)
	return s.opt.OnGeneration(pr)
}

func (s *search) result() Result {
	r := Result{History: s.history, Stats: s.stats}
	if len(s.history) == 0 {
		return r
	}
	r.Full, r.Front, r.Best = s.history[0], ParetoFront(s.history), s.best(s.opt.Objective)
	if s.answer != nil && s.opt.Objective != Shortest {
		r.Best = *s.answer
	}
	return r
}

func meanLength(population []Candidate) float64 {
	sum := 0
	for _, c := range population {
		sum += c.Length
	}
	return float64(sum) / float64(len(population))
}

// ParetoFront returns the candidates that no other beats in both length and fitness, shortest
// first. Partial ones are left out: their fitness is over fewer examples.
func ParetoFront(history []Candidate) []Candidate {
	sorted := slices.DeleteFunc(slices.Clone(history), func(c Candidate) bool { return c.Partial })
	slices.SortStableFunc(sorted, func(a, b Candidate) int {
		if a.Length != b.Length {
			return a.Length - b.Length
		}
		return compareFitness(b, a)
	})
	var front []Candidate
	top := math.Inf(-1)
	for _, c := range sorted {
		if c.Fitness > top {
			front, top = append(front, c), c.Fitness
		}
	}
	return front
}

func compareFitness(a, b Candidate) int {
	switch {
	case a.Fitness < b.Fitness:
		return -1
	case a.Fitness > b.Fitness:
		return 1
	}
	return 0
}
