package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/configs"
	"pith/evolve"
	"pith/parsers"
	"pith/perplexity"
	"pith/tokens"
)

// evolveFlags are what a resumed run may do differently: where it runs and what it may spend, not what it finds.
type evolveFlags struct {
	workers, concurrency int
	budget               evolve.Budget
	config, format       string
}

// keyVariables are looked at in this order for an endpoint's key. A key is never a flag: flags show in process lists.
var keyVariables = []string{"PITH_EVOLVE_KEY", "OPENAI_API_KEY"}

func (e *evolveFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&e.workers, "workers", 1, "prompts evaluated at once; the result does not depend on it")
	f.IntVar(&e.concurrency, "concurrency", 4, "requests to an endpoint at once (its key is read from "+keyVariables[0]+" or "+keyVariables[1]+")")
	f.Int64Var(&e.budget.Tokens, "token-budget", 0, "stop after that many tokens at an endpoint, earlier parts of the run included")
	f.Float64Var(&e.budget.Money, "money-budget", 0, "stop after that much money; needs the prices")
	f.Float64Var(&e.budget.InPrice, "price-in", 0, "price of a million tokens read")
	f.Float64Var(&e.budget.OutPrice, "price-out", 0, "price of a million tokens written")
	f.StringVar(&e.config, "config", "", "configuration file, for the local model's settings")
	f.StringVar(&e.format, "format", "text", "text or json")
}

// do runs or resumes dir and prints the report.
func (e *evolveFlags) do(cmd *cobra.Command, dir *evolve.RunDir, task *evolve.Task, path string) (err error) {
	defer func() { err = errors.Join(err, dir.Close()) }()
	if e.budget.Money > 0 && e.budget.InPrice+e.budget.OutPrice == 0 {
		return usagef("--money-budget needs --price-in and --price-out")
	}
	cfg, err := loadConfig(e.config, configChanges{modelDir: dir.Spec.Backend.ModelDir, device: dir.Spec.Backend.Device})
	if err != nil {
		return err
	}
	run := &evolve.Run{Dir: dir, Task: task, Workers: e.workers}
	release, err := e.equip(run, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	show, stop := showRun(cmd.ErrOrStderr(), dir.Spec.MaxPrompts)
	run.OnStatus = show
	report, err := run.Do(cmd.Context())
	stop()
	if errors.Is(err, context.Canceled) || errors.Is(err, evolve.ErrBudgetSpent) {
		return fmt.Errorf("%w; what was asked is kept, go on with `pith evolve resume %s`", err, path)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "report:", filepath.Join(path, "report.html"))
	return printAs(cmd.OutOrStdout(), e.format, report, report.WriteText)
}

// equip gives a run its model, its tokenizer and, where the task needs one, its syntax checker.
func (e *evolveFlags) equip(run *evolve.Run, cfg configs.Config) (release func() error, err error) {
	release = func() error { return nil }
	if run.Task.Scorer.Type == "parses" {
		pool, err := parsers.NewPool(parsers.Options{Timeout: cfg.Parsers.Timeout, MaxBytes: int(cfg.Parsers.MaxBytes)})
		if err != nil {
			return nil, fmt.Errorf("start parsers: %w", err)
		}
		run.Syntax, release = syntax{pool}, pool.Close
	}
	run.Tokenize, run.TokenizerName = evolve.Words, "words"
	if b := run.Dir.Spec.Backend; b.Endpoint != "" {
		e.budget.AlreadySpent = run.Dir.Spent()
		endpoint, err := evolve.NewEndpoint(evolve.EndpointOptions{
			BaseURL: b.Endpoint, Model: b.Model, Key: endpointKey(),
			Concurrency: e.concurrency, Budget: e.budget,
		})
		if err != nil {
			return nil, errors.Join(err, release())
		}
		run.Backend, run.Spent = endpoint.Backend(b.Endpoint), endpoint.Spent
		run.Length = tokens.New().For(b.Model).Count
		return release, nil
	}
	model, err := openModel(cfg.Model)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the local model (or name an --endpoint): %w", err), release())
	}
	id, _ := model.Info()
	run.Backend = evolve.Backend{ID: id, LM: localLM{model}}
	run.Length = func(text string) int { return len(model.Tokenizer().Encode(text)) }
	if run.Dir.Spec.Units == "tokens" {
		run.Tokenize, run.TokenizerName = tokenizer(model.Tokenizer()), "tokens of "+model.Card().Name
	}
	closeParsers := release
	return func() error { return errors.Join(model.Close(), closeParsers()) }, nil
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
type localLM struct{ model *perplexity.Model }

func (l localLM) LogProbs(ctx context.Context, queries []evolve.Query) ([]float64, error) {
	seqs := make([]perplexity.Sequence, len(queries))
	for i, q := range queries {
		seqs[i] = perplexity.Sequence{Given: q.Prompt, Text: q.Continuation}
	}
	scored, err := l.model.Score(ctx, seqs)
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

// tokenizer cuts text at the model's token boundaries, except inside a character: a mask must not break one.
func tokenizer(t *perplexity.Tokenizer) evolve.Tokenizer {
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
type syntax struct{ pool *parsers.Pool }

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

// printAs writes v as JSON or lets text write it.
func printAs(w io.Writer, format string, v any, text func(io.Writer) error) error {
	switch format {
	case "text":
		return text(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	return usagef("--format %q is neither text nor json", format)
}
