package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/explain"
)

type compressFlags struct {
	config, modelDir, device string
	format, speed            string
	request                  compress.Request
	stage                    string
}

func compressCommand() *cobra.Command {
	var flags compressFlags
	cmd := &cobra.Command{
		Use:   "compress [-q QUERY] [--budget N | --rate R] [PATH|-]...",
		Short: "Shorten files, folders or standard input for a question",
		Long: `Shorten files, folders or standard input for a question, to standard output.

Of a folder the source files count: not those that .gitignore names, nor hidden ones, nor data and
prose (Markdown is read). What was read and what was passed over is listed on standard error. A file
that is named itself may be any text.`,
		Example: `  pith compress -q "How are idle connections closed?" --rate 0.2 server.go
  git ls-files '*.py' | xargs pith compress -q "Where is the cache key built?" --budget 4000 --format diff`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd, args)
		},
	}
	flags.addTo(cmd.Flags())
	cmd.Flags().StringVar(&flags.format, "format", "text",
		"text, json, diff or explain (a table of functions with the reason for each)")
	return cmd
}

// formatExplain is the format that is a table of chunks.
const formatExplain = "explain"

// addTo adds the flags that say what is compressed, and how.
func (c *compressFlags) addTo(f *pflag.FlagSet) {
	f.StringVarP(&c.request.Query, "query", "q", "",
		"what the text is wanted for; without it, order in the file decides")
	f.IntVar(&c.request.Budget, "budget", 0, "tokens allowed for the output")
	f.Float64Var(&c.request.Rate, "rate", 0,
		"compressed / original tokens, above 0 and up to 1 (default: compress.rate, or what the question needs)")
	f.StringVar(&c.request.Model, "model", "",
		"upstream model whose tokenizer counts (default: the gpt-4o family's)")
	f.StringVar(&c.stage, "stage", "fine", "coarse (whole functions) or fine (blocks inside them too)")
	f.StringVar(&c.request.Ranker, "ranker", "auto",
		"auto, ami, bm25, words or hybrid; auto does without a model where there is none, ami and hybrid do not")
	f.StringVar(&c.speed, "speed", "exact",
		"how much the model reads: exact (everything), balanced or fast (what words rank first)")
	f.StringVar(&c.request.Compat, "compat", "", `"longcodezip" follows the published reference's rules`)
	f.StringVar(&c.config, "config", "", "configuration file")
	f.StringVar(&c.modelDir, "model-dir", "",
		"folder with model.onnx and tokenizer.json, or the name of an installed model (default: the embedded one)")
	f.StringVar(&c.device, "device", "", "auto, cpu, cuda or cuda:N; only auto falls back")
}

func (c *compressFlags) validate(cmd *cobra.Command) error {
	flags := cmd.Flags()
	switch {
	case flags.Changed("budget") && flags.Changed("rate"):
		return cli.Usagef("--budget and --rate exclude each other")
	case flags.Changed("budget") && c.request.Budget <= 0:
		return cli.Usagef("--budget %d: must be positive", c.request.Budget)
	case flags.Changed("rate") && !(c.request.Rate > 0 && c.request.Rate <= 1):
		return cli.Usagef("--rate %g: must be above 0 and at most 1 (0.2 keeps a fifth)", c.request.Rate)
	case !slices.Contains([]string{"text", "json", "diff", formatExplain}, c.format):
		return cli.Usagef("--format %q: want text, json, diff or explain", c.format)
	}
	return nil
}

func (c *compressFlags) run(cmd *cobra.Command, paths []string) (err error) {
	if err := c.validate(cmd); err != nil {
		return err
	}
	changes := wiring.Overrides{ModelDir: c.modelDir, Device: c.device}
	if c.request.Ranker != "auto" {
		changes.Ranker = c.request.Ranker
	}
	cfg, err := wiring.LoadConfig(c.config, changes)
	if err != nil {
		return err
	}
	files, err := readInputs(cmd.Context(), paths, cmd.InOrStdin(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	// One's own files are trusted, so the grammars may run in this process.
	cfg.Parsers.InProcess = true
	// A person at a terminal waits for the full ranking; only the request path has a deadline.
	cfg.Compress.Deadline = 0
	engine, err := wiring.NewEngine(
		cfg, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if encoding, exact := engine.Counters.For(c.request.Model).Encoding(); c.request.Model != "" && !exact {
		fmt.Fprintf(cmd.ErrOrStderr(), "no tokenizer of model %s is known; %s stands in for it\n",
			c.request.Model, encoding)
	}

	c.request.Files, c.request.Explain = files, c.format == formatExplain
	c.request.Stage, c.request.Speed = compress.Stage(c.stage), compress.Speed(c.speed)
	res, err := c.compress(cmd.Context(), engine, cmd.ErrOrStderr())
	if err != nil {
		return wiring.AsUsage(err)
	}
	return c.print(cmd.OutOrStdout(), cmd.ErrOrStderr(), res)
}

// compress runs the engine with a spinner beside it when a person is watching.
func (c *compressFlags) compress(
	ctx context.Context, engine *wiring.Engine, errOut io.Writer,
) (compress.Result, error) {
	stop := cli.Spin(errOut, fmt.Sprintf("compressing %d file(s)", len(c.request.Files)))
	defer stop()
	return engine.Compress(ctx, c.request)
}

func (c *compressFlags) print(out, errOut io.Writer, res compress.Result) error {
	for _, note := range res.Notes() {
		fmt.Fprintln(errOut, note)
	}
	switch c.format {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(res)
	case "diff":
		if err := cli.PrintDiff(out, c.request.Files, res.Files); err != nil {
			return err
		}
	case formatExplain:
		if err := explain.WriteTable(out, explain.Chunks(res)); err != nil {
			return err
		}
	default:
		if _, err := io.WriteString(out, res.Text); err != nil {
			return err
		}
		if !strings.HasSuffix(res.Text, "\n") && res.Text != "" && cli.IsTerminal(out) {
			fmt.Fprintln(out)
		}
	}
	reason := ""
	if res.RankerReason != "" {
		reason = " (" + res.RankerReason + ")"
	}
	device := ""
	if res.Device != "" {
		device = " on " + res.Device
	}
	if r := res.Reading; r != nil && r.Settled > 0 {
		device += fmt.Sprintf(", which read %d of %d chunks", r.Ranked, r.Ranked+r.Settled+r.Late)
	}
	fmt.Fprintf(errOut, "%d -> %d tokens, %.1f times smaller; ranked by %s%s%s\n",
		res.OriginalTokens, res.CompressedTokens, res.Ratio, res.Ranker, reason, device)
	return nil
}
