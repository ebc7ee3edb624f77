package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/configs"
	"pith/parsers"
	"pith/parsers/processes"
	"pith/perplexity"
	"pith/perplexity/remote"
)

// errUnhealthy is doctor's verdict when a part does not work; the lines above it say which and what
// to do.
var errUnhealthy = errors.New("something does not work; see above")

func doctorCommand() *cobra.Command {
	var config, ready string
	var changes wiring.Overrides
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what works on this machine, and what to do about what does not",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ready != "" {
				return askReady(cmd.Context(), ready)
			}
			cfg, err := wiring.LoadConfig(config, changes)
			if err != nil {
				return err
			}
			return diagnose(cmd.Context(), cfg, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "configuration file")
	f.StringVar(&changes.Upstream, "upstream", "", "base URL of the LLM API")
	f.StringVar(&changes.ModelDir, "model-dir", "",
		"folder with model.onnx and tokenizer.json, or the name of an installed model")
	f.StringVar(&changes.Device, "device", "", "auto, cpu, cuda or cuda:N; only auto falls back")
	f.StringVar(&ready, "ready", "", "only ask whether the proxy at this URL is ready (for container health checks)")
	return cmd
}

// A finding is one line of the report. An advice without an error is a hint, not a failure.
type finding struct {
	part, state string
	err         error
	advice      string
}

func diagnose(ctx context.Context, cfg configs.Config, w io.Writer) error {
	healthy := true
	var findings []finding
	if cfg.Scorer.URL != "" {
		findings = append(findings, checkRemote(ctx, cfg))
	} else {
		findings = append(findings, checkRuntime(cfg.Model), checkModel(ctx, cfg))
	}
	findings = append(findings,
		checkParsers(ctx, cfg.Parsers),
		checkCache(ctx, cfg.Cache),
		checkUpstream(ctx, cfg.Server.Upstream),
	)
	for _, u := range cfg.Upstreams {
		findings = append(findings, checkUpstream(ctx, u.URL))
	}
	if ctx.Err() != nil { // what was not looked at is not what does not work
		return ctx.Err()
	}
	for _, f := range findings {
		mark := "ok  "
		if f.err != nil {
			mark, healthy = "FAIL", false
			f.state = f.err.Error()
		}
		fmt.Fprintf(w, "%s %-9s %s\n", mark, f.part, f.state)
		if f.advice != "" {
			fmt.Fprintf(w, "               %s\n", f.advice)
		}
	}
	if !healthy {
		return errUnhealthy
	}
	return nil
}

func checkRuntime(cfg configs.Model) finding {
	library, err := perplexity.FindLibrary(cfg.Runtime)
	if err == nil {
		err = perplexity.Setup(library)
	}
	if err != nil {
		return finding{part: "runtime", err: err, advice: "Until then requests are ranked by words only."}
	}
	return finding{part: "runtime", state: "ONNX Runtime from " + library}
}

// checkModel loads the model, measures how fast it scores code on this machine and says which speed
// that is good for.
func checkModel(ctx context.Context, cfg configs.Config) finding {
	m, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return finding{part: "model", err: err}
	}
	defer m.Close()
	seqs := sampleOfCode(200, 32)
	// The first run allocates, which is no measure of the next ones.
	if _, err := m.Score(ctx, seqs[:1]); err != nil {
		return finding{part: "model", err: fmt.Errorf("score: %w", err)}
	}
	start, scored := time.Now(), 0
	results, err := m.Score(ctx, seqs)
	if err != nil {
		return finding{part: "model", err: fmt.Errorf("score: %w", err)}
	}
	for _, r := range results {
		scored += len(r.Given) + len(r.Text)
	}
	card := m.Card()
	rate := float64(scored) / time.Since(start).Seconds()
	f := finding{
		part: "model", advice: card.DeviceReason,
		state: fmt.Sprintf("%s on device %s, up to %d tokens, %.0f tokens/s on %d cores",
			card.Name, card.Device, card.MaxTokens, rate, runtime.NumCPU()),
	}
	speed := compress.SuggestSpeed(rate, min(cfg.Compress.Deadline, comfortable))
	if string(speed) != cfg.Compress.Speed {
		f.advice = strings.TrimSpace(fmt.Sprintf(
			"%s\n               compress.speed is %s; %s suits this rate (PITH_SPEED=%[3]s).",
			f.advice, cfg.Compress.Speed, speed))
	}
	return f
}

// sampleOfCode makes texts of some tokens each.
func sampleOfCode(tokensEach, count int) []perplexity.Sequence {
	seqs := make([]perplexity.Sequence, count)
	for i := range seqs {
		seqs[i] = perplexity.Sequence{
			Given: strings.Repeat(fmt.Sprintf("x%d = f(y)\n", i), tokensEach/8),
			Text:  "Where is x set?", WantGiven: true,
		}
	}
	return seqs
}

// comfortable is how long scoring may take without a person noticing much of it. The deadline is
// the last resort and longer.
const comfortable = 800 * time.Millisecond

func checkParsers(ctx context.Context, cfg configs.Parsers) finding {
	pool, err := processes.NewPool(processes.Options{Workers: 1, Timeout: cfg.Timeout})
	if err != nil {
		return finding{part: "parsers", err: err}
	}
	defer pool.Close()
	var fallbacks []string
	for _, language := range parsers.Languages() {
		file, err := pool.ParseAs(ctx, language, []byte("\n"))
		if err != nil {
			return finding{part: "parsers", err: err}
		}
		if file.Fallback != "" {
			fallbacks = append(fallbacks, language+" ("+file.Fallback+")")
		}
	}
	if len(fallbacks) > 0 {
		return finding{part: "parsers", err: fmt.Errorf("cut by lines only: %s", strings.Join(fallbacks, ", "))}
	}
	return finding{
		part: "parsers",
		state: fmt.Sprintf("%d languages in child processes: %s", len(parsers.Languages()),
			strings.Join(parsers.Languages(), ", ")),
	}
}

func checkCache(ctx context.Context, cfg configs.Cache) finding {
	if cfg.RedisURL == "" {
		return finding{
			part: "cache", state: fmt.Sprintf("in memory, up to %v", cfg.MemoryBytes),
			advice: "Set PITH_REDIS_URL and PITH_CACHE_SECRET to share results between replicas and restarts.",
		}
	}
	redis, err := cache.NewRedis(cache.RedisOptions{URL: string(cfg.RedisURL), Secret: []byte(cfg.Secret)})
	if err != nil {
		return finding{part: "cache", err: err}
	}
	defer redis.Close()
	if err := redis.Ping(ctx); err != nil {
		advice := "Requests are served all the same, from memory."
		if strings.HasPrefix(string(cfg.RedisURL), "rediss") {
			advice += " The URL asks for TLS: is that what this port speaks?"
		}
		return finding{part: "cache", err: fmt.Errorf("redis: %w", err), advice: advice}
	}
	return finding{part: "cache", state: "Redis answers"}
}

// checkUpstream asks the API for its root; any answer at all means that it is reachable.
func checkUpstream(ctx context.Context, upstream string) finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, upstream, nil)
	if err != nil {
		return finding{part: "upstream", err: err}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return finding{
			part: "upstream", err: err,
			advice: "Check the upstream's address and the network; requests would fail with 502.",
		}
	}
	res.Body.Close()
	return finding{part: "upstream", state: upstream + " answers"}
}

func askReady(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/readyz", nil)
	if err != nil || req.URL.Host == "" {
		return cli.Usagef("--ready %s: want a URL such as http://127.0.0.1:8484", base)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no Pith answers at %s: %w", base, err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", base, res.Status)
	}
	return nil
}

// checkRemote probes the server and measures how fast it scores.
func checkRemote(ctx context.Context, cfg configs.Config) finding {
	const part = "scorer"
	s, err := wiring.NewRemote(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return finding{part: part, err: err}
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		advice := "Until it answers, blocks that need the model go out as they came."
		if errors.Is(err, remote.ErrRefused) {
			advice = "pith serve does not start with it; see docs/scaling.md."
		}
		return finding{part: part, err: err, advice: advice}
	}
	seqs := sampleOfCode(200, 32)
	before, start := s.Stats().Model.Scored, time.Now()
	if _, err := s.Score(ctx, seqs); err != nil {
		return finding{part: part, err: err}
	}
	rate := float64(s.Stats().Model.Scored-before) / time.Since(start).Seconds()
	return finding{part: part, state: fmt.Sprintf("%s, %.0f tokens/s with %d requests at once", s.About(), rate,
		cfg.Scorer.Requests)}
}
