package bench

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"pith/compress"
)

// A Shape is a kind of context: functions of Lines lines, until there are Functions of them or Tokens tokens.
type Shape struct {
	Name      string
	Lines     int
	Functions int
	Tokens    int
}

// Shapes are the contexts of the published cost model and two sizes around them.
func Shapes() []Shape {
	return []Shape{
		{Name: "short functions, 5k", Lines: 15, Tokens: 5000},
		{Name: "short functions, 20k", Lines: 15, Tokens: 20000},
		{Name: "100-line functions, 20k", Lines: 100, Tokens: 20000},
		{Name: "one 400-line function", Lines: 400, Functions: 1},
		{Name: "short functions, 100k", Lines: 15, Tokens: 100000},
	}
}

// A Speed compares the published schedule with the engine's over the same weights and session.
type Speed struct {
	// Compressor scores through Meter.
	Compressor Compressor
	Meter      *Meter
	Counters   compress.Counters
	// Rate is compressed / original tokens. If zero, 0.2.
	Rate float64
	// PublishedTokens is the largest context that the published schedule runs on too, since it takes minutes on large
	// ones. If zero, 25,000.
	PublishedTokens int
	// Progress is told what runs. May be nil.
	Progress func(what string)
}

// A SpeedRow is one shape's figures. Times are in seconds, on the clock or of the processor.
type SpeedRow struct {
	Shape     string `json:"shape"`
	Functions int    `json:"functions"`
	Tokens    int    `json:"tokens"`
	// Cold is the first question over the context, Warm another question over the same. ColdCPU is the processor time of
	// Cold.
	Cold    float64 `json:"cold_s"`
	ColdCPU float64 `json:"cold_cpu_s"`
	Warm    float64 `json:"warm_s"`
	Ours    Cost    `json:"ours"`
	// Scoring is the share of Cold that was spent inside the scorer.
	Scoring float64 `json:"scoring_share"`
	// PeakMiB is the largest resident memory of the process during Cold.
	PeakMiB int `json:"peak_mib"`
	// Published, PublishedCPU and Reference are the times and cost of the published schedule; zero where it did not run.
	Published    float64 `json:"published_s"`
	PublishedCPU float64 `json:"published_cpu_s"`
	Reference    Cost    `json:"reference"`
}

// A SpeedReport is what Speed.Run measured.
type SpeedReport struct {
	Device string     `json:"device"`
	Model  string     `json:"model"`
	Rows   []SpeedRow `json:"rows"`
}

const (
	firstQuestion  = "How does the store decide that a lease is past its deadline, and what error does the caller get for the key?"
	secondQuestion = "Where is the checksum of a replica compared with the journal's version before the window is rotated?"
)

// Run measures each shape once. Timings of a busy machine vary; what compares is the ratio of two columns of one row.
func (s Speed) Run(ctx context.Context, shapes []Shape) (SpeedReport, error) {
	if s.Rate == 0 {
		s.Rate = 0.2
	}
	if s.PublishedTokens == 0 {
		s.PublishedTokens = 25000
	}
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	var rep SpeedReport
	rep.Model, rep.Device = s.Meter.Info()
	// The first run of a session allocates; it must not be charged to the first shape.
	if _, _, err := s.ours(ctx, "warm up", syntheticGo(15, 7, func(n int, _ string) bool { return n == 10 }), firstQuestion); err != nil {
		return rep, err
	}
	for i, shape := range shapes {
		row, err := s.measure(ctx, shape, uint64(i))
		if err != nil {
			return rep, fmt.Errorf("%s: %w", shape.Name, err)
		}
		rep.Rows = append(rep.Rows, row)
	}
	return rep, nil
}

func (s Speed) measure(ctx context.Context, shape Shape, seed uint64) (SpeedRow, error) {
	counter := s.Counters.For("")
	row := SpeedRow{Shape: shape.Name}
	text := syntheticGo(shape.Lines, seed, func(n int, text string) bool {
		row.Functions = n
		if shape.Functions > 0 {
			return n >= shape.Functions
		}
		// Counting after every function from the start would be quadratic; code has more than three bytes a token.
		return len(text) >= shape.Tokens*3 && counter.Count(text) >= shape.Tokens
	})
	row.Tokens = counter.Count(text)
	s.Meter.take()
	resetPeak()
	res, took, err := s.ours(ctx, shape.Name, text, firstQuestion)
	if err != nil {
		return row, err
	}
	row.PeakMiB = peakMemory()
	cost, scoring := s.Meter.take()
	row.Cold, row.ColdCPU = took.clock, took.processor
	row.Ours, row.Scoring = cost, min(1, scoring.Seconds()/took.clock)
	if _, took, err = s.ours(ctx, shape.Name+", another question", text, secondQuestion); err != nil {
		return row, err
	}
	row.Warm = took.clock
	if row.Tokens > s.PublishedTokens {
		return row, nil
	}
	s.Progress(shape.Name + ", published schedule")
	stop := watch()
	row.Reference, err = Published{Scorer: s.Meter, Tokens: counter.Count}.Run(ctx, choices(text, res), firstQuestion)
	took = stop()
	row.Published, row.PublishedCPU = took.clock, took.processor
	return row, err
}

func (s Speed) ours(ctx context.Context, what, text, query string) (compress.Result, spent, error) {
	s.Progress(what)
	stop := watch()
	res, err := s.Compressor.Compress(ctx, compress.Request{
		Files: []compress.File{{Path: "store.go", Content: text}}, Query: query, Rate: s.Rate, Ranker: "ami",
	})
	return res, stop(), err
}

// spent is seconds on the clock and of the processor.
type spent struct{ clock, processor float64 }

// watch starts measuring; the returned function says what was spent since.
func watch() func() spent {
	start, used := time.Now(), processorTime()
	return func() spent { return spent{time.Since(start).Seconds(), processorTime() - used} }
}

// choices hands the engine's decisions to the published schedule, so that both score the same functions.
func choices(text string, res compress.Result) []Choice {
	lines := strings.SplitAfter(text, "\n")
	var out []Choice
	for _, c := range res.Chunks {
		out = append(out, Choice{
			Text:     strings.Join(lines[c.StartLine-1:c.EndLine], ""),
			Selected: c.Decision != compress.Omitted,
			Pruned:   c.Decision == compress.Pruned,
		})
	}
	return out
}

// WriteText prints the report as a table.
func (r SpeedReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "model %.12s on %s; seconds on the clock and (cpu) of the processor; tok/s: context tokens over cold time\n", r.Model, r.Device)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "context\ttokens\tcold (cpu)\twarm\ttok/s\tpasses (calls)\tin scorer\tpeak MiB\tpublished (cpu)\tpasses\ttokens in\tfaster (cpu)")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%d\t%.2f (%.2f)\t%.2f\t%.0f\t%d (%d)\t%.0f %%\t%d", row.Shape, row.Tokens, row.Cold, row.ColdCPU, row.Warm,
			float64(row.Tokens)/row.Cold, row.Ours.Passes, row.Ours.Calls, 100*row.Scoring, row.PeakMiB)
		if row.Published > 0 {
			fmt.Fprintf(t, "\t%.2f (%.2f)\t%d\t%d\t%.1f (%.1f)\n", row.Published, row.PublishedCPU, row.Reference.Passes, row.Reference.Tokens,
				row.Published/row.Cold, row.PublishedCPU/max(row.ColdCPU, 0.01))
		} else {
			fmt.Fprintln(t, "\t-\t-\t-\t-")
		}
	}
	return t.Flush()
}
