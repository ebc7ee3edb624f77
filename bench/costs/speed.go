package costs

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"pith/bench"
	"pith/bench/synthetic"
	"pith/compress"
)

// A Shape is a kind of context: functions of Lines lines, until there are Functions of them or
// Tokens tokens.
type Shape struct {
	Name      string
	Lines     int
	Functions int
	Tokens    int
}

// Shapes are the contexts of the published cost model and larger ones.
func Shapes() []Shape {
	return []Shape{
		{Name: "short functions, 5k", Lines: 15, Tokens: 5000},
		{Name: "short functions, 20k", Lines: 15, Tokens: 20000},
		{Name: "100-line functions, 20k", Lines: 100, Tokens: 20000},
		{Name: "one 400-line function", Lines: 400, Functions: 1},
		{Name: "short functions, 100k", Lines: 15, Tokens: 100000},
		{Name: "short functions, 400k", Lines: 15, Tokens: 400000},
	}
}

// A Speed compares the published schedule with the engine's over the same weights, and both with
// the device's own speed.
type Speed struct {
	// Compressor scores through Meter, and remembers results as a server does.
	Compressor bench.Compressor
	Meter      *Meter
	Counters   compress.Counters
	Machine    Machine
	// Rate is compressed / original tokens. If zero, 0.2.
	Rate float64
	// Turns is the number of questions over each context, the cold one included. If zero, 10.
	Turns int
	Cold  Cold
	// Published runs beside, on each context for as long as its Limit; the whole is extrapolated
	// from there. Without a Scorer it does not run.
	Published PublishedSchedule
	// Progress is told what runs. May be nil.
	Progress func(what string)
}

// A Machine says what the model and its device can do.
type Machine struct {
	// TokenFLOP and LossFLOP are the operations in products with weights that a token and a loss
	// take.
	TokenFLOP, LossFLOP float64
	// Products do nothing but multiply matrices through the same runtime; the first is what the
	// model is compared with.
	Products []Product
	// Runtime is the processor time spent inside the runtime so far. May be nil.
	Runtime func() time.Duration
}

// A Product multiplies matrices of one number format for about d and returns the operations that it
// did.
type Product struct {
	Format string
	Run    func(ctx context.Context, d time.Duration) (flop float64, err error)
}

const (
	firstQuestion = "How does the store decide that a lease is past its deadline, and what error does the caller " +
		"get for the key?"
	productTime    = 500 * time.Millisecond
	productRepeats = 3
)

// questions are what is asked in further turns, over the same files.
var questions = []string{
	"Where is the checksum of a replica compared with the journal's version before the window is rotated?",
	"What happens to the total when a record's owner is larger than the limit?",
	"Which function reserves a ticket, and how many retries does it make?",
	"When is an error returned for a manifest that is past its region?",
	"How is the weight of a bucket computed from its offset?",
	"Who calls Publish on a session after the cursor was verified?",
	"Is the header's parent updated before or after the segment is merged?",
	"What does Format do with a limit of zero?",
	"Why would Load return zero for a key that is in the journal?",
}

// Run measures each shape once. Timings of a busy machine vary; what compares is the ratio of two
// columns of one row, and better that of processor times.
func (s Speed) Run(ctx context.Context, shapes []Shape) (SpeedReport, error) {
	if s.Rate == 0 {
		s.Rate = 0.2
	}
	if s.Turns == 0 {
		s.Turns = len(questions) + 1
	}
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	var rep SpeedReport
	rep.Model, rep.Device = s.Meter.Info()
	rep.Deadline = s.Cold.Deadline.Seconds()
	for _, p := range s.Machine.Products {
		s.Progress("matrix products, " + p.Format)
		best, err := p.best(ctx)
		if err != nil {
			return rep, fmt.Errorf("multiply %s: %w", p.Format, err)
		}
		rep.Products = append(rep.Products, best)
	}
	// The first run of a session allocates; it must not be charged to the first shape.
	if _, _, err := s.turn(ctx, "warm up", synthetic.Go(15, 7, func(n int, _ string) bool { return n == 10 }),
		firstQuestion); err != nil {
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

// best repeats a product and keeps the fastest: what others take of the machine only slows it down.
func (p Product) best(ctx context.Context) (ProductSpeed, error) {
	out := ProductSpeed{Format: p.Format}
	for range productRepeats {
		stop := watch()
		flop, err := p.Run(ctx, productTime)
		if err != nil {
			return out, err
		}
		took := stop()
		out.PerSecond = max(out.PerSecond, flop/took.Clock)
		if took.CPU > 0 {
			out.PerCPU = max(out.PerCPU, flop/took.CPU)
		}
	}
	return out, nil
}

func (s Speed) measure(ctx context.Context, shape Shape, seed uint64) (SpeedRow, error) {
	counter := s.Counters.For("")
	row := SpeedRow{Shape: shape.Name}
	text := synthetic.Go(shape.Lines, seed, func(n int, text string) bool {
		row.Functions = n
		if shape.Functions > 0 {
			return n >= shape.Functions
		}
		// Counting after every function from the start would be quadratic; code has more than three
		// bytes a token.
		return len(text) >= shape.Tokens*3 && counter.Count(text) >= shape.Tokens
	})
	row.Tokens = counter.Count(text)
	runtime.GC() // what making the text left must not be charged to the question
	resetPeak()
	before := allocated()
	res, cold, err := s.turn(ctx, shape.Name, text, firstQuestion)
	if err != nil {
		return row, err
	}
	row.Cold = cold
	row.Memory = allocated().since(before)
	row.Memory.PeakMiB = peakMemory()
	for i := range min(s.Turns-1, len(questions)) {
		_, turn, err := s.turn(ctx, fmt.Sprintf("%s, turn %d", shape.Name, i+2), text, questions[i])
		if err != nil {
			return row, err
		}
		row.Turns = append(row.Turns, turn)
	}
	_, again, err := s.turn(ctx, shape.Name+", the first question again", text, firstQuestion)
	if err != nil {
		return row, err
	}
	row.Repeat = again.Expense
	if s.Cold.Requests > 0 {
		if row.ColdSpread, err = s.coldRequests(ctx, shape, row.Functions, seed); err != nil {
			return row, fmt.Errorf("cold requests: %w", err)
		}
	}
	if s.Published.Scorer == nil {
		return row, nil
	}
	s.Progress(shape.Name + ", published schedule")
	stop := watch()
	sample, err := s.Published.Run(ctx, choices(text, res), firstQuestion)
	took := stop()
	row.Published = &PublishedCost{Sample: sample, Expense: Expense{took.Clock / sample.Share, took.CPU / sample.Share}}
	return row, err
}

// turn asks a question over text.
func (s Speed) turn(ctx context.Context, what, text, query string) (compress.Result, Turn, error) {
	s.Progress(what)
	s.Meter.take()
	inside := s.runtime()
	stop := watch()
	res, err := s.Compressor.Compress(ctx, s.request(text, query))
	t := Turn{Expense: stop()}
	var losses int
	t.Cost, losses = s.Meter.take()
	t.FLOP = float64(t.Cost.Tokens)*s.Machine.TokenFLOP + float64(losses)*s.Machine.LossFLOP
	if t.CPU > 0 {
		t.GoShare = max(0, 1-(s.runtime()-inside).Seconds()/t.CPU)
	}
	return res, t, err
}

func (s Speed) runtime() time.Duration {
	if s.Machine.Runtime == nil {
		return 0
	}
	return s.Machine.Runtime()
}

func (s Speed) request(text, query string) compress.Request {
	return compress.Request{
		Files: []compress.File{{Path: "store.go", Content: text}}, Query: query,
		Rate: s.Rate, Ranker: "ami",
	}
}

// watch starts measuring; the returned function says what was spent since.
func watch() func() Expense {
	start, used := time.Now(), processorTime()
	return func() Expense { return Expense{time.Since(start).Seconds(), processorTime() - used} }
}

// allocated is what Go has allocated so far.
func allocated() Memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Memory{AllocMiB: float64(m.TotalAlloc) / (1 << 20), Objects: int(m.Mallocs)}
}

// choices hands the engine's decisions to the published schedule, so that both score the same
// functions.
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
