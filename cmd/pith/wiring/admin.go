package wiring

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

	"pith/cmd/pith/cli"
	"pith/configs"
	"pith/dashboard"
	"pith/proxy"
)

// WithDashboard gives a configuration a place for the dashboard where it has none: a free port of
// this machine, and a token that nobody knows.
func WithDashboard(cfg configs.Config) configs.Config {
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

// StartAdmin serves metrics and the dashboard on their own address when cfg names one. A link that
// opens the dashboard once goes to announce, where that is not nil.
func StartAdmin(
	ctx context.Context,
	cfg configs.Admin,
	b Parts,
	server *proxy.Server,
	announce io.Writer,
	log *slog.Logger,
) (io.Closer, error) {
	board := dashboard.New(dashboard.Options{
		Gatherer: b.Registry, RequestLog: b.RequestLog, Parts: b.Health,
		Token: string(cfg.Token), Version: cli.Version(),
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
