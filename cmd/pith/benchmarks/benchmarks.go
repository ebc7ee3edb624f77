// Package benchmarks has the commands of `pith bench`.
package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/configs"
)

// Command is `pith bench`.
func Command() *cobra.Command {
	short := "Measure quality, rivals, speed, the proxy's latency, the price of conversations and fleets of replicas"
	return cli.Group(&cobra.Command{Use: "bench", Short: short},
		historyCommand(), questionsCommand(), cleanCommand(), fieldCommand(),
		signalsCommand(), retentionCommand(), speedCommand(), proxyCommand(),
		sessionCommand(), fleetCommand())
}

// commonFlags are common to all benchmarks.
type commonFlags struct {
	config, modelDir, device, format, speed string
	// deadline is the configuration's, which load takes out of it.
	deadline time.Duration
}

func (b *commonFlags) add(cmd *cobra.Command) {
	b.addCommon(cmd, "text or json")
	cmd.Flags().StringVar(&b.speed, "speed", "exact", "exact, balanced or fast: how much the model reads")
}

// addCommon adds the flags of benchmarks that have their own way to say a speed. Where there are no
// formats to choose from, there is no flag for them.
func (b *commonFlags) addCommon(cmd *cobra.Command, formats string) {
	f := cmd.Flags()
	if b.format = "text"; formats != "" {
		f.StringVar(&b.format, "format", b.format, formats)
	}
	f.StringVar(&b.config, "config", "", "configuration file")
	f.StringVar(&b.modelDir, "model-dir", "",
		"folder with model.onnx and tokenizer.json, or the name of an installed model (default: the embedded one)")
	f.StringVar(&b.device, "device", "", "auto, cpu, cuda or cuda:N; only auto falls back")
}

// load reads the configuration for a benchmark that prints text, JSON and what formats adds:
// sources are one's own, and nothing is cut short.
func (b *commonFlags) load(formats ...string) (configs.Config, error) {
	formats = append([]string{"text", "json"}, formats...)
	if !slices.Contains(formats, b.format) {
		return configs.Config{}, cli.Usagef("--format %q: want one of %s", b.format, strings.Join(formats, ", "))
	}
	cfg, err := wiring.LoadConfig(b.config, wiring.Overrides{ModelDir: b.modelDir, Device: b.device})
	cfg.Parsers.InProcess = true
	b.deadline, cfg.Compress.Deadline = cfg.Compress.Deadline, 0
	if b.speed != "" {
		cfg.Compress.Speed = b.speed
	}
	return cfg, err
}

// A textReport is what a benchmark prints.
type textReport interface{ WriteText(w io.Writer) error }

func (b *commonFlags) print(w io.Writer, report textReport) error {
	switch page, ok := report.(interface{ WriteHTML(w io.Writer) error }); {
	case b.format == "text":
		return report.WriteText(w)
	case b.format == "html" && ok:
		return page.WriteHTML(w)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

// newMeasuredEngine is NewEngine for a benchmark: without a model there is nothing to measure.
func newMeasuredEngine(cfg configs.Config, between func(compress.Scorer) compress.Scorer) (*wiring.Engine, error) {
	e, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), func(o *compress.Options) {
		if o.Scorer != nil {
			o.Scorer = between(o.Scorer)
		}
	})
	if err != nil {
		return nil, err
	}
	if e.ModelErr != nil {
		return nil, errors.Join(e.ModelErr, e.Close())
	}
	return e, nil
}

// steps reports how far a benchmark is: a bar on a terminal, a line for each phase elsewhere.
func steps(w io.Writer) func(phase string, done, total int) {
	var bar *progressbar.ProgressBar
	last := ""
	return func(phase string, done, total int) {
		if phase != last {
			last, bar = phase, nil
			if !cli.IsTerminal(w) {
				fmt.Fprintf(w, "%s\n", phase)
			}
		}
		if !cli.IsTerminal(w) {
			if done > 0 && done%50 == 0 {
				fmt.Fprintf(w, "%s %d of %d\n", phase, done, total)
			}
			return
		}
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(phase),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
				progressbar.OptionClearOnFinish())
		}
		_ = bar.Set(done)
	}
}
