package pruning

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/evolve"
	"pith/evolve/llm"
	"pith/evolve/search"
	"pith/evolve/workers"
	"pith/parsers/processes"
	"pith/perplexity"
	"pith/tokens"
)

// runFlags are what a resumed run may do differently: where it runs and what it may spend, not
// what it finds.
type runFlags struct {
	workers, concurrency int
	budget               llm.Budget
	baselines            string
	redis                string
	patience             time.Duration
	config, format       string
}

// keyVariables are looked at in this order for an endpoint's key. A key is never a flag: flags show
// in process lists.
var keyVariables = []string{"PITH_EVOLVE_KEY", "OPENAI_API_KEY"}

func (e *runFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(
		&e.workers, "workers", 0,
		"prompts evaluated at once (default 1, with --redis 16); the result does not depend on it",
	)
	f.IntVar(&e.concurrency, "concurrency", 4, "requests to an endpoint at once")
	f.StringVar(
		&e.redis,
		"redis",
		"",
		"have processes of 'pith evolve worker' evaluate, through the Redis at this URL (or "+redisVariable+")",
	)
	f.DurationVar(
		&e.patience, "patience", 15*time.Second,
		"how long a worker may hold an evaluation before it is handed out again, longer where evaluations take long",
	)
	f.Int64Var(
		&e.budget.Tokens, "token-budget", 0,
		"stop after that many tokens at an endpoint, earlier parts of the run included",
	)
	f.Float64Var(&e.budget.Money, "money-budget", 0, "stop after that much money; needs the prices")
	f.StringVar(
		&e.baselines, "baselines", string(evolve.BaselinesAll),
		"what the answer is held against: none, random (as many prompts again as the search asked about) or all",
	)
	f.Float64Var(&e.budget.Prices.In, "price-in", 0, "price of a million tokens read")
	f.Float64Var(&e.budget.Prices.Out, "price-out", 0, "price of a million tokens written")
	f.StringVar(&e.config, "config", "", "configuration file, for the local model's settings")
	f.StringVar(&e.format, "format", "text", "text or json")
}

// do runs or resumes dir and prints the report.
func (e *runFlags) do(cmd *cobra.Command, dir *evolve.RunDir, task *evolve.Task, path string) (err error) {
	defer func() { err = errors.Join(err, dir.Close()) }()
	if e.budget.Prices == (llm.Prices{}) {
		e.budget.Prices = dir.Prices()
	}
	if e.budget.Money > 0 && e.budget.Prices == (llm.Prices{}) {
		return cli.Usagef("--money-budget needs --price-in and --price-out")
	}
	if err := evolve.Baselines(e.baselines).Check(); err != nil {
		return cli.Usage(err)
	}
	cfg, err := wiring.LoadConfig(
		e.config, wiring.Overrides{ModelDir: dir.Spec.Backend.ModelDir, Device: dir.Spec.Backend.Device})
	if err != nil {
		return err
	}
	run := &evolve.Run{
		Dir: dir, Task: task, Workers: e.workers, Budget: e.budget, Baselines: evolve.Baselines(e.baselines),
	}
	view := newProgressView(cmd.ErrOrStderr(), dir.Spec)
	opened, err := e.equip(cmd.Context(), run, cfg, view)
	defer func() { err = errors.Join(err, opened.close()) }()
	if err != nil {
		return err
	}
	run.OnStatus, run.OnNote = view.show, view.note
	stop := view.start()
	report, err := run.Do(cmd.Context())
	stop()
	if err != nil {
		return stopped(err, dir, report, path)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "report:", filepath.Join(path, "report.html"))
	return cli.PrintAs(cmd.OutOrStdout(), e.format, report, report.WriteText)
}

// stopped says how to go on after a stop, and after an error as soon as there is an answer to lose.
func stopped(err error, dir *evolve.RunDir, report *evolve.Report, path string) error {
	if report != nil {
		err = fmt.Errorf("%w; a provisional report is in %s (`pith evolve show`; `export --force` takes it)", err, path)
	}
	stops := errors.Is(err, context.Canceled) || errors.Is(err, llm.ErrBudgetSpent)
	if errors.Is(err, context.Canceled) { // main is quiet about interrupts; how to go on has to be said
		err = errors.New("interrupted")
	}
	if !stops && dir.Answers().Len() == 0 || errors.Is(err, evolve.ErrDiverged) {
		return err
	}
	return fmt.Errorf("%w; what was asked is kept, go on with `pith evolve resume %s`", err, path)
}

// closers are what a run opened, to be closed in reverse order.
type closers []func() error

func (c closers) close() error {
	var err error
	for _, f := range slices.Backward(c) {
		err = errors.Join(err, f())
	}
	return err
}

// equip gives a run its model, its tokenizer and, where the task needs one, its syntax checker.
// What it opened is to be closed even if it fails.
func (e *runFlags) equip(
	ctx context.Context,
	run *evolve.Run,
	cfg configs.Config,
	view *progressView,
) (opened closers, err error) {
	if run.Task.Scorer.Type == "parses" {
		pool, err := processes.NewPool(processes.Options{
			Timeout: cfg.Parsers.Timeout, MaxBytes: int(cfg.Parsers.MaxBytes),
		})
		if err != nil {
			return nil, fmt.Errorf("start parsers: %w", err)
		}
		run.Syntax, opened = syntax{pool}, append(opened, pool.Close)
	}
	run.Tokenize, run.TokenizerName = search.Words, search.TokenizerWords
	if run.Dir.Spec.Backend.Model != "" {
		err = e.useEndpoint(run, view)
	} else {
		var model *perplexity.Model
		if model, err = useLocal(run, cfg); err == nil {
			opened = append(opened, model.Close)
		}
	}
	if err != nil || redisURL(e.redis) == "" {
		return opened, err
	}
	queue, err := e.share(ctx, run, view)
	if err != nil {
		return opened, err
	}
	return append(opened, queue.Close), nil
}

// useEndpoint asks an endpoint, or leaves asking one to workers.
func (e *runFlags) useEndpoint(run *evolve.Run, view *progressView) error {
	b := run.Dir.Spec.Backend
	run.Length = tokens.New().For(b.Model).Count
	if shared := redisURL(e.redis) != ""; shared != (b.Endpoint == "") {
		return cli.Usagef("with --redis the workers name the --endpoint, without it the run does")
	} else if shared {
		run.Backend.ID = sharedID(b.Model)
		return nil
	}
	endpoint, err := llm.NewEndpoint(llm.EndpointOptions{
		BaseURL: b.Endpoint, Model: b.Model, Key: endpointKey(), Concurrency: e.concurrency, OnWait: view.wait,
	})
	if err != nil {
		return err
	}
	run.Backend = endpoint.Backend(b.Endpoint)
	return nil
}

// share lets workers stand in for the run's own model.
func (e *runFlags) share(ctx context.Context, run *evolve.Run, view *progressView) (*workers.Queue, error) {
	queue, err := workers.Open(ctx, workers.QueueOptions{
		URL: redisURL(e.redis), Model: run.Backend.ID, Patience: e.patience, OnWait: view.wait,
	})
	if errors.Is(err, llm.ErrOptions) {
		return nil, cli.Usage(err)
	}
	if err != nil {
		return nil, err
	}
	if run.Dir.Spec.Backend.Model != "" {
		run.Backend = llm.Backend{ID: run.Backend.ID, Apart: true, Classifier: queue, Generator: queue}
	} else {
		run.Backend = llm.Backend{ID: run.Backend.ID, LM: queue}
	}
	if run.Workers == 0 {
		run.Workers = 16
	}
	return queue, nil
}

// useLocal opens the local model. A run that leaves evaluations to workers needs it for its tokens.
func useLocal(run *evolve.Run, cfg configs.Config) (*perplexity.Model, error) {
	model, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return nil, fmt.Errorf("open the local model (or name an --endpoint): %w", err)
	}
	run.Backend = localBackend(model)
	run.Length = func(text string) int { return len(model.Tokenizer().Encode(text)) }
	if run.Dir.Spec.Units == "tokens" {
		run.Tokenize, run.TokenizerName = tokenizer(model.Tokenizer()), search.TokenizerOf(model.Card().Name)
	}
	return model, nil
}

func localBackend(model *perplexity.Model) llm.Backend {
	id, _ := model.Info()
	return llm.Backend{ID: id, LM: localLM{model, new(atomic.Int64)}}
}

func endpointKey() string {
	for _, name := range keyVariables {
		if key := os.Getenv(name); key != "" {
			return key
		}
	}
	return ""
}

// localLM gives the log-probabilities of a local model.
type localLM struct {
	model *perplexity.Model
	calls *atomic.Int64
}

// LogProbs scores each call in a scope of its own. All examples of a prompt come in one call, which
// shares its beginning among them; what the model remembers of other calls must not change which
// sequences meet in a run, as the last bits of a loss depend on that, and a run taken up again
// remembers less than one that was never killed.
func (l localLM) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	seqs := make([]perplexity.Sequence, len(queries))
	for i, q := range queries {
		seqs[i] = perplexity.Sequence{Given: q.Prompt, Text: q.Continuation, Shared: q.Shared}
	}
	scored, err := l.model.Score(perplexity.InScope(ctx, fmt.Sprintf("evolve %d", l.calls.Add(1))), seqs)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(scored))
	for i, s := range scored {
		for _, loss := range s.Text {
			out[i] -= loss.NLL
		}
	}
	return out, nil
}

// tokenizer cuts text at the model's token boundaries, except inside a character: a mask must not
// break one.
func tokenizer(t *perplexity.Tokenizer) search.Tokenizer {
	return func(text string) ([]string, error) {
		var pieces []string
		from := 0
		for _, token := range t.Encode(text) {
			if at := token.Offset; at > from && isRuneStart(text, at) {
				pieces = append(pieces, text[from:at])
				from = at
			}
		}
		if from < len(text) {
			pieces = append(pieces, text[from:])
		}
		return pieces, nil
	}
}

func isRuneStart(text string, at int) bool { return text[at]&0xc0 != 0x80 }

// syntax asks the grammars.
type syntax struct{ pool *processes.Pool }

func (s syntax) Parses(ctx context.Context, language, code string) (bool, error) {
	file, err := s.pool.ParseAs(ctx, language, []byte(code))
	if err != nil {
		return false, err
	}
	if file.SyntaxErrors < 0 {
		return false, fmt.Errorf("no grammar for %q: %s", language, file.Fallback)
	}
	return file.SyntaxErrors == 0, nil
}
