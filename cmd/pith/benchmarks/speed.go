package benchmarks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"

	"pith/bench/costs"
	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/configs"
	"pith/parsers/processes"
	"pith/perplexity"
)

type speedFlags struct {
	commonFlags

	measure        costs.Speed
	publishedLimit time.Duration
	largest        int
	profile        string
}

func speedCommand() *cobra.Command {
	var flags speedFlags
	cmd := &cobra.Command{
		Use: "speed",
		Short: "Compare the published scoring schedule with ours on the same weights, and both with plain " +
			"matrix products",
		Long: `Ask a question over synthetic Go files of 5,000 to 400,000 tokens, then nine further
questions over the same files, then the first once more; and run the published schedule (one pass
for each chunk, each line over all lines before it and each block, batch size one, every position
projected onto the vocabulary) on the same functions. A schedule that takes longer than
--published-time is sampled, and its whole is extrapolated from the part of its tokens that ran
("measured").

Plain matrix products through the same runtime, threads and device are the yardstick: "of products"
is the part of their speed that the model's own products with weights reached, by processor time on
a CPU. "in Go" is the processor time spent outside of the runtime. On a machine that does other work
too, compare the processor times (cpu).

With --cold-requests, that many more texts of each shape are asked about, each for the first time,
one after the other, with the ranker, the deadline and the parse workers of a server; all else runs
without a deadline and parses in this process. "cut short" counts where the deadline passed.

A model of Qwen2.5-Coder-0.5B's size with random weights is made by "pith model random DIR"; give it
with --model-dir.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.Float64Var(&flags.measure.Rate, "rate", 0.2, "compressed / original tokens")
	f.IntVar(&flags.measure.Turns, "turns", 10, "questions over each context")
	f.IntVar(&flags.largest, "largest", 400000, "largest context, in tokens")
	f.DurationVar(&flags.publishedLimit, "published-time", time.Minute,
		"time for the published schedule on each context; 0 leaves it out")
	f.IntVar(&flags.measure.Cold.Requests, "cold-requests", 0,
		"further texts of each shape, each asked about once within compress.deadline: p50, p99, max")
	f.StringVar(&flags.profile, "profile", "", "folder for processor and allocation profiles (cpu.pprof, allocs.pprof)")
	return cmd
}

func (s *speedFlags) run(cmd *cobra.Command) (err error) {
	if s.measure.Turns < 1 || s.publishedLimit < 0 || s.measure.Cold.Requests < 0 {
		return cli.Usagef("--turns %d, --published-time %v, --cold-requests %d: want at least one turn, and "+
			"nothing negative",
			s.measure.Turns, s.publishedLimit, s.measure.Cold.Requests)
	}
	cfg, err := s.load()
	if err != nil {
		return err
	}
	if cfg.Scorer.URL != "" {
		return cli.Usage(cfg.At("scorer.url", errors.New("speed measures a model in this process: leave it out")))
	}
	var engine *wiring.Engine
	count := func(text string) int { return len(engine.Model.Tokenizer().Encode(text)) }
	engine, err = newMeasuredEngine(cfg, func(next compress.Scorer) compress.Scorer {
		s.measure.Meter = costs.NewMeter(next, func(seq compress.Sequence) int {
			// The head of a longer one is cut off.
			return min(count(seq.Given)+count(seq.Text), engine.Model.Card().MaxTokens)
		})
		return s.measure.Meter
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	cfg.Parsers.InProcess = false // unlike for the rest
	workers, err := wiring.NewPool(cfg.Parsers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workers.Close()) }()
	if s.measure.Cold, err = s.cold(cfg.Compress, engine, workers); err != nil {
		return err
	}
	s.measure.Counters = wiring.NewCounters(engine.Counters)
	s.measure.Compressor = wiring.Apart(compress.NewCache(engine.Engine, compress.CacheOptions{
		Store: cache.NewMemory(64 << 20), Key: cache.NewKeyer(nil).Key,
	}))
	s.measure.Progress = phases(cmd)
	if s.publishedLimit > 0 {
		reference, err := s.reference(cfg, count)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, reference.Close()) }()
	}
	stop, err := s.machine(engine.Model)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	return s.report(cmd)
}

// cold is the engine's parts once more, with the deadline and the parse workers that they have in a
// server.
func (s *speedFlags) cold(cfg configs.Compress, parts *wiring.Engine, workers *processes.Pool) (costs.Cold, error) {
	cfg.Deadline = s.deadline
	within, err := parts.With(cfg, func(o *compress.Options) { o.Splitter = workers })
	if err != nil {
		return costs.Cold{}, err
	}
	return costs.Cold{Compressor: within, Deadline: s.deadline, Requests: s.measure.Cold.Requests}, nil
}

// reference opens the model a second time for the published schedule, so that neither profits from
// what the other left.
func (s *speedFlags) reference(cfg configs.Config, count func(string) int) (*perplexity.Model, error) {
	m, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return nil, err
	}
	s.measure.Published = costs.PublishedSchedule{Scorer: wiring.NewScorer(m), Tokens: count, Limit: s.publishedLimit}
	return m, nil
}

// machine makes the yardsticks; stop frees them.
func (s *speedFlags) machine(m *perplexity.Model) (stop func() error, err error) {
	card := m.Card()
	s.measure.Machine = costs.Machine{
		TokenFLOP: 2 * float64(card.TokenWeights), LossFLOP: 2 * float64(card.LossWeights), Runtime: m.RuntimeTime,
	}
	formats := []string{perplexity.Float32, perplexity.Int8}
	switch {
	case card.Device != "cpu" && card.Numbers == perplexity.Float16:
		formats = []string{perplexity.Float16, perplexity.Float32}
	case card.Device != "cpu":
		formats = []string{perplexity.Float32, perplexity.Float16}
	case card.Numbers == perplexity.Int8:
		formats = []string{perplexity.Int8, perplexity.Float32}
	}
	var open []*perplexity.Multiplier
	stop = func() error {
		var errs []error
		for _, x := range open {
			errs = append(errs, x.Close())
		}
		return errors.Join(errs...)
	}
	for _, format := range formats {
		x, err := perplexity.NewMultiplier(format, perplexity.Options{Device: card.Device})
		if err != nil {
			return stop, fmt.Errorf("multiply %s: %w", format, err)
		}
		open = append(open, x)
		s.measure.Machine.Products = append(s.measure.Machine.Products, costs.Product{Format: format, Run: x.Run})
	}
	return stop, nil
}

// report measures and prints. An interrupted run took minutes for the rows that it has.
func (s *speedFlags) report(cmd *cobra.Command) (err error) {
	if s.profile != "" {
		done, err := profiles(s.profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
	}
	var shapes []costs.Shape
	for _, shape := range costs.Shapes() {
		if shape.Tokens <= s.largest {
			shapes = append(shapes, shape)
		}
	}
	report, err := s.measure.Run(cmd.Context(), shapes)
	if len(report.Rows) == 0 {
		return err
	}
	return errors.Join(s.print(cmd.OutOrStdout(), report), err)
}

// profiles starts a processor profile; done ends it and writes the allocations beside it.
func profiles(dir string) (done func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(filepath.Join(dir, "allocs.pprof"))
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		runtime.GC() // the profile is as of the last collection
		err = pprof.Lookup("allocs").WriteTo(allocs, 0)
		return errors.Join(err, allocs.Close(), cpu.Close())
	}, nil
}

// phases prints each phase of a benchmark as a line.
func phases(cmd *cobra.Command) func(string) {
	progress := steps(cmd.ErrOrStderr())
	return func(what string) { progress(what, 0, 1) }
}
