package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/internal/textfile"
	"pith/proxy"
)

// A configSource is a configuration and where it came from.
type configSource struct {
	cfg  configs.Config
	path string // of the file; empty if there is none
	load func() (configs.Config, error)
	// announce gets the link to the dashboard; nil where none is wanted.
	announce io.Writer
}

// A reloader puts new settings in force while the site serves. A configuration that is wrong
// changes nothing.
type reloader struct {
	configSource
	site        *proxy.Site
	backend     wiring.Parts
	certificate *certificateFile
	log         *slog.Logger
}

// settle is how long a file must lie still: editors and volume mounts write in several steps.
const settle = 200 * time.Millisecond

// start reloads on SIGHUP and when the file changes, until ctx ends. The function that it returns
// waits for that end.
func (r *reloader) start(ctx context.Context) (wait func(), err error) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch the configuration: %w", err)
	}
	if r.path != "" {
		// The folder, because a file that is replaced is another file.
		if err := watcher.Add(filepath.Dir(r.path)); err != nil {
			r.log.Warn("the configuration file is not watched; SIGHUP reloads it", "err", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer signal.Stop(hangup)
		r.run(ctx, hangup, watcher)
		_ = watcher.Close() // nothing is waited for any more
	})
	return func() { cancel(); done.Wait() }, nil
}

func (r *reloader) run(ctx context.Context, hangup <-chan os.Signal, watcher *fsnotify.Watcher) {
	seen, _ := textfile.Read(r.path, textfile.MaxSettings) // unreadable is as good as empty: what follows differs
	still := time.NewTimer(settle)
	still.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-watcher.Events:
			still.Reset(settle)
			continue
		case err := <-watcher.Errors:
			r.log.Warn("watching the configuration", "err", err)
			continue
		case <-hangup: // whatever the file says: a key in a file of its own may have changed
		case <-still.C:
			if now, err := textfile.Read(r.path, textfile.MaxSettings); r.path == "" || err != nil ||
				bytes.Equal(now, seen) {
				continue
			}
		}
		seen, _ = textfile.Read(r.path, textfile.MaxSettings)
		r.reload() //nolint:contextcheck // requests bring their own
	}
}

// reload logs one line that says what became of it.
func (r *reloader) reload() {
	changed, waiting, err := r.take()
	switch {
	case err != nil:
		r.log.Error("new configuration refused; the old one stays in force", "err", err)
	case len(waiting) > 0:
		r.log.Warn("configuration reloaded; some of it waits for a restart", "changed", changed, "waiting", waiting)
	default:
		r.log.Info("configuration reloaded", "changed", changed)
	}
}

func (r *reloader) take() (changed, waiting []string, err error) {
	next, err := r.load()
	if err != nil {
		return nil, nil, err
	}
	next, changed, waiting = r.cfg.Reload(next)
	// What is in force from the old one and from the new one has to fit together.
	if err := next.Validate(); err != nil {
		return nil, nil, err
	}
	certificate, err := r.certificate.read()
	if err != nil {
		return nil, nil, err
	}
	b := r.backend
	if err := b.Engine.NeedsModel(next); err != nil {
		return nil, nil, err
	}
	if b.Engine, err = b.Engine.With(next.Compress, wiring.MarkersOf(next, b.Keyer)); err != nil {
		return nil, nil, err
	}
	opt, err := wiring.ServerOptions(next, b, r.log)
	if err != nil {
		return nil, nil, err
	}
	if err := r.site.Replace(opt); err != nil {
		return nil, nil, err
	}
	b.RequestLog.SetKeep(next.Dashboard.Keep)
	r.certificate.use(certificate)
	r.cfg = next
	return changed, waiting, nil
}
