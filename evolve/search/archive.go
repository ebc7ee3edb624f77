package search

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// An archive evaluates candidates, remembers the rewards of every text and keeps the history. It is
// not safe for concurrent use: one goroutine searches, many evaluate.
type archive struct {
	problem Problem
	// rows holds, for each text, the rewards of its first examples.
	rows    map[string][]float64
	history []Candidate
	// top is the history's best under each objective, so that progress costs nothing.
	top    map[Objective]int
	answer *Candidate
	stats  Stats
	sum    hash.Hash
}

func newArchive(p Problem) *archive {
	return &archive{problem: p, rows: map[string][]float64{}, top: map[Objective]int{}, sum: sha256.New()}
}

// candidate renders a mask over the original template.
func (l *archive) candidate(m Mask) Candidate {
	c := Candidate{Mask: m, Text: l.problem.Template.Render(m)}
	c.Length = l.length(c.Text, m.Kept())
	return c
}

func (l *archive) length(text string, kept int) int {
	if l.problem.Length == nil {
		return kept
	}
	return l.problem.Length(text)
}

// EvaluateMasks returns the candidates of masks over p's template, judged on all examples, in
// order.
func EvaluateMasks(ctx context.Context, p Problem, masks []Mask) ([]Candidate, error) {
	l := newArchive(p)
	refs := make([]*Candidate, len(masks))
	for i, m := range masks {
		c := l.candidate(m)
		refs[i] = &c
	}
	if err := l.evaluate(ctx, refs); err != nil {
		return nil, err
	}
	return l.history, nil
}

// evaluate sets the fitness of candidates from all examples and enters them into the history, in
// order.
func (l *archive) evaluate(ctx context.Context, cs []*Candidate) error {
	if err := l.extend(ctx, cs, l.problem.Examples); err != nil {
		return err
	}
	for _, c := range cs {
		l.enter(c)
	}
	return nil
}

// extend asks for the rewards of the first upTo examples of every candidate, where they are not
// known yet.
func (l *archive) extend(ctx context.Context, cs []*Candidate, upTo int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var trials []Trial
	asked := map[string]bool{}
	for _, c := range cs {
		if known := len(l.rows[c.Text]); known < upTo && !asked[c.Text] {
			asked[c.Text] = true
			trials = append(trials, Trial{Text: c.Text, From: known, To: upTo})
		}
	}
	if len(trials) == 0 {
		return nil
	}
	rewards, err := l.problem.Evaluator.Evaluate(ctx, trials)
	if err != nil {
		return err
	}
	for i, t := range trials {
		if err := l.learn(t, rewards[i]); err != nil {
			return err
		}
	}
	return nil
}

// learn stores the rewards of one trial.
func (l *archive) learn(t Trial, rewards []float64) error {
	if len(rewards) != t.To-t.From {
		return fmt.Errorf("evaluator gave %d rewards for %d examples", len(rewards), t.To-t.From)
	}
	if t.From == 0 {
		l.stats.Prompts++
	}
	l.stats.Examples += len(rewards)
	l.rows[t.Text] = append(l.rows[t.Text], rewards...)
	return nil
}

// enter sets the candidate's fitness from the rewards known and appends it to the history.
func (l *archive) enter(c *Candidate) {
	row := l.rows[c.Text]
	c.Fitness, c.Partial = Mean(row), len(row) < l.problem.Examples
	l.record(*c)
}

// record appends to the history and to the digest.
func (l *archive) record(c Candidate) {
	var fitness [8]byte
	binary.LittleEndian.PutUint64(fitness[:], math.Float64bits(c.Fitness))
	l.sum.Write([]byte(c.Text))
	l.sum.Write(fitness[:])
	l.history = append(l.history, c)
	now := len(l.history) - 1
	for _, o := range []Objective{Best, Shortest} {
		if now == 0 || (!c.Partial && l.better(o, c, l.history[l.top[o]])) {
			l.top[o] = now
		}
	}
}

// better reports whether a is a better answer than b. Ties go to the one that came first.
func (l *archive) better(o Objective, a, b Candidate) bool {
	if o == Shortest {
		floor := l.history[0].Fitness
		if okA, okB := a.Fitness >= floor, b.Fitness >= floor; okA != okB || !okA {
			return okA && !okB || okA == okB && a.Fitness > b.Fitness
		}
		if a.Length != b.Length {
			return a.Length < b.Length
		}
		return a.Fitness > b.Fitness
	}
	if a.Fitness != b.Fitness {
		return a.Fitness > b.Fitness
	}
	return a.Length < b.Length
}

func (l *archive) best(o Objective) Candidate {
	if o != Shortest {
		o = Best
	}
	return l.history[l.top[o]]
}

func (l *archive) digest() string { return hex.EncodeToString(l.sum.Sum(nil)[:16]) }

// Mean adds in the order of the examples, so that it is the same to the last bit on every run.
func Mean(row []float64) float64 {
	sum := 0.0
	for _, r := range row {
		sum += r
	}
	return sum / float64(len(row))
}
