package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"pith/configs"
	"pith/dashboard"
	"pith/proxy"
)

// withDashboard gives a configuration a place for the dashboard where it has none: a free port of
// this machine, and a token that nobody knows.
func withDashboard(cfg configs.Config) configs.Config {
	if cfg.Admin.Listen == "" {
		cfg.Admin.Listen, cfg.Admin.Token = "127.0.0.1:0", configs.Secret(rand.Text())
	}
	return cfg
}

// An admin is the listener for metrics and the dashboard, closed or not.
type admin struct {
	server *http.Server
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func (a *admin) Close() error {
	a.stop()
	err := a.server.Close()
	a.done.Wait()
	return err
}

// startAdmin serves metrics and the dashboard on their own address when cfg names one. A link that
// opens the dashboard once goes to announce, where that is not nil.
func startAdmin(
	ctx context.Context,
	cfg configs.Admin,
	b serverParts,
	server *proxy.Server,
	announce io.Writer,
	log *slog.Logger,
) (io.Closer, error) {
	board := dashboard.New(dashboard.Options{
		Gatherer: b.registry, Keeper: b.keeper, Parts: b.parts, Token: string(cfg.Token), Version: version(),
	})
	mux := http.NewServeMux()
	mux.Handle("/dashboard", board.Handler())
	mux.Handle("/dashboard/", board.Handler())
	mux.Handle("/", server.AdminHandler())
	ctx, stop := context.WithCancel(ctx)
	a := &admin{stop: stop, server: &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 90 * time.Second,
	}}
	if cfg.Listen == "" {
		return a, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		stop()
		return nil, fmt.Errorf("admin: %w", err)
	}
	a.done.Go(func() { board.Run(ctx) })
	a.done.Go(func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	})
	at := listener.Addr().String()
	log.Info("serving metrics and the dashboard", "admin", at)
	if announce != nil {
		fmt.Fprintf(announce, "dashboard, this link opens it once: %s\n", board.OneTimeURL("http://"+at))
	}
	return a, nil
}

// parts says how that is on which the server stands.
func (b serverParts) parts(context.Context) []dashboard.Part {
	list := []dashboard.Part{b.redisPart(), b.modelPart(), b.parsersPart()}
	held, keep, bytes := b.keeper.Holding()
	kept := dashboard.Part{Name: "kept requests", State: "off", Detail: "dashboard.keep is 0"}
	if keep > 0 {
		kept = dashboard.Part{
			Name:   "kept requests",
			State:  "ok",
			Detail: fmt.Sprintf("%d of %d, %.1f MiB", held, keep, float64(bytes)/(1<<20)),
		}
	}
	return append(list, kept)
}

func (b serverParts) redisPart() dashboard.Part {
	p := dashboard.Part{Name: "Redis", State: "off", Detail: "results are kept in memory"}
	shared, ok := b.stores.bank.(bank)
	if !ok {
		return p
	}
	stats, state := shared.redis.Stats(), shared.redis.State()
	p.State = map[string]string{"closed": "ok", "half-open": "busy", "open": "failing"}[state]
	p.Detail = fmt.Sprintf(
		"%d calls, %d failed, %d not made while it was left alone",
		stats.Calls,
		stats.Failures,
		stats.Skipped,
	)
	return p
}

func (b serverParts) modelPart() dashboard.Part {
	if b.engine.model == nil {
		return dashboard.Part{
			Name:   "model",
			State:  "off",
			Detail: fmt.Sprint("ranking does without: ", b.engine.modelErr),
		}
	}
	s := b.engine.model.Stats()
	p := dashboard.Part{
		Name:  "model",
		State: "ok",
		Detail: fmt.Sprintf(
			"%s; %d batches run, %d wait, %d tokens in flight",
			b.engine.describe(),
			s.Running,
			s.Queued,
			s.Tokens,
		),
	}
	if s.Queued > 0 {
		p.State = "busy"
	}
	return p
}

func (b serverParts) parsersPart() dashboard.Part {
	s := b.engine.pool.Stats()
	p := dashboard.Part{
		Name:  "parse workers",
		State: "ok",
		Detail: fmt.Sprintf(
			"%d files parsed, %d known, %d cut by lines, %d timeouts, %d workers lost",
			s.Parses,
			s.Known,
			s.Fallbacks,
			s.Timeouts,
			s.Deaths,
		),
	}
	if s.Deaths+s.Timeouts > 0 {
		p.State = "busy"
	}
	return p
}
