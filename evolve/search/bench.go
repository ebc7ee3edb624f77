package search

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"
)

// A BenchRow sums up one algorithm on the planted problems of one kind. Evaluations are distinct
// prompts.
type BenchRow struct {
	Kind      PlantedKind `json:"kind"`
	Algorithm Algorithm   `json:"algorithm"`
	Seeds     int         `json:"seeds"`
	// Solved counts the seeds whose answer is within 1 % of the optimum: the gap is at most a
	// hundredth of what the optimum gains over the full prompt.
	Solved int `json:"solved"`
	// Gap is the median share of the possible gain that was missed.
	Gap float64 `json:"gap"`
	// Evaluations is the median over whole runs; Reach the median until the fitness of GGA's answer
	// was first seen, over the seeds that reached it.
	Evaluations float64 `json:"evaluations"`
	Reach       float64 `json:"reach"`
	Reached     int     `json:"reached"`
	// Saving is the median, over all seeds, of GGA's Reach divided by this algorithm's; zero where
	// it never got there.
	Saving float64 `json:"saving"`
}

// BenchOptions choose what Bench runs.
type BenchOptions struct {
	Algorithms []Algorithm
	// Seeds is the number of problems of each kind; problem s has 60 to 300 units.
	Seeds   int
	Workers int
}

// Bench runs algorithms on planted problems, each with its published defaults, beside GGA as
// published.
func Bench(ctx context.Context, opt BenchOptions) ([]BenchRow, error) {
	var rows []BenchRow
	for _, kind := range PlantedKinds() {
		outcomes := make([]map[Algorithm]benchRun, opt.Seeds)
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, opt.Workers))
		for s := range outcomes {
			g.Go(func() (err error) {
				outcomes[s], err = benchSeed(ctx, kind, uint64(s+1), opt.Algorithms)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		for _, a := range opt.Algorithms {
			rows = append(rows, benchRow(kind, a, outcomes))
		}
	}
	return rows, nil
}

// outcome is one run on one planted problem.
type benchRun struct {
	gap, evaluations, reach float64 // reach is 0 when GGA's fitness was not reached
	saving                  float64
}

// PlantedSize is the number of units of the planted problem of a seed: 60 to 300, spread evenly.
func PlantedSize(seed uint64) int { return 60 + int(seed*97%241) }

func benchSeed(
	ctx context.Context,
	kind PlantedKind,
	seed uint64,
	algorithms []Algorithm,
) (map[Algorithm]benchRun, error) {
	p := NewPlanted(kind, PlantedSize(seed), seed)
	published, err := Run(ctx, p.Problem(), Options{Algorithm: GGA, Seed: seed, Reference: true})
	if err != nil {
		return nil, err
	}
	goal := published.Best.Fitness
	baseline := reached(published.History, goal)
	out := map[Algorithm]benchRun{}
	for _, a := range algorithms {
		r := published
		if a != GGA {
			if r, err = Run(ctx, p.Problem(), Options{Algorithm: a, Seed: seed}); err != nil {
				return nil, fmt.Errorf("%s on %s problem %d: %w", a, kind, seed, err)
			}
		}
		o := benchRun{evaluations: float64(r.Stats.Prompts), reach: reached(r.History, goal)}
		o.gap = (p.Optimum - r.Best.Fitness) / (p.Optimum - plantedFull)
		if o.reach > 0 {
			o.saving = baseline / o.reach
		}
		out[a] = o
	}
	return out, nil
}

// reached counts the distinct prompts up to the first whose fitness is goal, or 0.
func reached(history []Candidate, goal float64) float64 {
	seen := map[string]bool{}
	for _, c := range history {
		seen[c.Text] = true
		if !c.Partial && c.Fitness >= goal {
			return float64(len(seen))
		}
	}
	return 0
}

func benchRow(kind PlantedKind, a Algorithm, outcomes []map[Algorithm]benchRun) BenchRow {
	row := BenchRow{Kind: kind, Algorithm: a, Seeds: len(outcomes)}
	var gaps, evaluations, reaches, savings []float64
	for _, m := range outcomes {
		o := m[a]
		gaps, evaluations, savings = append(gaps, o.gap), append(evaluations, o.evaluations), append(savings, o.saving)
		if o.gap <= 0.01 {
			row.Solved++
		}
		if o.reach > 0 {
			row.Reached++
			reaches = append(reaches, o.reach)
		}
	}
	row.Gap, row.Evaluations = median(gaps), median(evaluations)
	row.Reach, row.Saving = median(reaches), median(savings)
	return row
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// WriteBench prints rows as a table.
func WriteBench(w io.Writer, rows []BenchRow) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "problem\talgorithm\tsolved\tmedian gap\tevaluations\tto GGA's fitness\treached\tsaving\t")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%d/%d\t%.2f %%\t%.0f\t%.0f\t%d/%d\t%.1fx\t\n", r.Kind, r.Algorithm, r.Solved, r.Seeds,
			100*r.Gap, r.Evaluations, r.Reach, r.Reached, r.Seeds, r.Saving)
	}
	return tw.Flush()
}
