package wiring

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"pith/configs"
	"pith/perplexity"
	"pith/perplexity/remote"
)

// A textScorer is a model in this process or on a server.
type textScorer interface {
	Info() (id, device string)
	Score(ctx context.Context, seqs []perplexity.Sequence) ([]perplexity.Losses, error)
}

// NewRemote makes the scorer that cfg names, without asking it anything.
func NewRemote(cfg configs.Config, log *slog.Logger) (*remote.Scorer, error) {
	opt := remote.Options{
		URL: cfg.Scorer.URL, Protocol: cfg.Scorer.Protocol, Model: cfg.Scorer.Model, Version: cfg.Scorer.Version,
		Key: string(cfg.Scorer.Key), Timeout: cfg.Scorer.Timeout, Requests: cfg.Scorer.Requests,
		Changed: func(ready bool, why error) {
			if ready {
				log.Info("the remote scorer is asked again")
				return
			}
			log.Warn("the remote scorer is left alone until a probe finds it well", "err", why)
		},
	}
	fsys := perplexity.Embedded()
	if cfg.Model.Dir != "" {
		fsys = os.DirFS(cfg.Model.Dir)
	}
	golden, err := perplexity.ReadGolden(fsys)
	switch {
	case opt.Protocol == remote.OpenAI && (cfg.Model.Dir == "" || errors.Is(err, fs.ErrNotExist)):
		// The embedded model's scores are not those of what such a server has.
	case err != nil:
		return nil, cfg.At("model.dir", err)
	default:
		opt.Golden = &golden
	}
	if opt.Protocol == remote.KServe {
		if opt.Layout, err = perplexity.OpenLayout(fsys); err != nil {
			return nil, cfg.At("model.dir", err)
		}
	}
	return remote.New(opt)
}

// startRemote is NewRemote, with the server probed. One that does not answer is waited for beside
// the requests, whose blocks go out as they came; one that answers and is no scorer is an error.
func startRemote(ctx context.Context, cfg configs.Config, log *slog.Logger) (*remote.Scorer, error) {
	s, err := NewRemote(cfg, log)
	if err != nil {
		return nil, err
	}
	switch err := s.Start(ctx); {
	case errors.Is(err, remote.ErrRefused):
		s.Close()
		return nil, cfg.At("scorer.url", err)
	case err != nil:
		log.Warn("the remote scorer does not answer; blocks that need it go out as they came until it does", "err", err)
	}
	return s, nil
}

// remoteMetrics shows a remote scorer's own figures; those that it shares with a model in this
// process are shown as a model's.
func remoteMetrics(s *remote.Scorer) []prometheus.Collector {
	figure := func(name, help string, value func(remote.Stats) float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "pith_scorer_" + name, Help: help},
			func() float64 { return value(s.Stats()) })
	}
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pith_scorer_up",
			Help: "1 while the remote scorer is asked, 0 while it is left alone.",
		}, func() float64 {
			if s.Stats().Ready {
				return 1
			}
			return 0
		}),
		figure("failures_total", "Calls after which the remote scorer was left alone.",
			func(s remote.Stats) float64 { return float64(s.Failures) }),
		figure("skipped_total", "Calls that came while it was left alone.",
			func(s remote.Stats) float64 { return float64(s.Skipped) }),
		figure("refused_total", "Calls with a text that the remote scorer did not take.",
			func(s remote.Stats) float64 { return float64(s.Refused) }),
		figure("probes_total", "Probes of the remote scorer.",
			func(s remote.Stats) float64 { return float64(s.Probes) }),
		figure("sent_bytes_total", "Bytes of the requests to the remote scorer, without heads.",
			func(s remote.Stats) float64 { return float64(s.Sent) }),
		figure("received_bytes_total", "Bytes of its answers, without heads.",
			func(s remote.Stats) float64 { return float64(s.Received) }),
	}
}
