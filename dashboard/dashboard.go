// Package dashboard shows what a running Pith does: a page for browsers, live, and the same as
// JSON.
//
// It reads the figures that the metrics have, and of requests what an explain.RequestLog holds. It
// is served beside the metrics, never on the clients' listener, and lets nobody in without its
// token or a one-time link.
package dashboard

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pith/explain"
)

// Options say what is shown and to whom.
type Options struct {
	// Gatherer has the figures.
	Gatherer prometheus.Gatherer
	// RequestLog has the requests.
	RequestLog *explain.RequestLog
	// Parts says how what Pith stands on is.
	Parts func(context.Context) []Part
	// Token lets in who brings it, as a bearer token or in the page's form. Empty: nobody.
	Token string
	// Version is that of the program.
	Version string
	// Every is the time between two samples. If zero, two seconds.
	Every time.Duration
}

// A Part is something that Pith stands on: Redis, the model, the parse processes.
type Part struct {
	Name string `json:"name"`
	// State is ok, busy, failing or off.
	State  string `json:"state"`
	Detail string `json:"detail"`
}

// A Dashboard is the page with what it shows. It is safe for concurrent use.
type Dashboard struct {
	opts     Options
	sessions *sessions
	handler  http.Handler
	history  history
	streams  chan struct{}
	// now is the state of the last sample, as JSON; changed is closed when the next one is there.
	mu      sync.Mutex
	now     []byte
	changed chan struct{}
}

// maxStreams bounds the pages that are open at one time.
const maxStreams = 16

//go:embed static
var assets embed.FS

// New returns a Dashboard. Run has it sample.
func New(o Options) *Dashboard {
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.Parts == nil {
		o.Parts = func(context.Context) []Part { return nil }
	}
	d := &Dashboard{
		opts:     o,
		sessions: newSessions(o.Token),
		streams:  make(chan struct{}, maxStreams),
		changed:  make(chan struct{}),
	}
	d.handler = d.routes()
	return d
}

// Run samples until ctx ends.
func (d *Dashboard) Run(ctx context.Context) {
	tick := time.NewTicker(d.opts.Every)
	defer tick.Stop()
	for {
		d.sample(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sample takes the figures and wakes the pages.
func (d *Dashboard) sample(ctx context.Context) {
	data, err := json.Marshal(d.state(ctx))
	if err != nil { // numbers and strings only; a NaN would be ours
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = data
	close(d.changed)
	d.changed = make(chan struct{})
}

// latest is the last state, and a channel that is closed when there is another.
func (d *Dashboard) latest() ([]byte, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now, d.changed
}

// OneTimeURL is a link under base that opens the dashboard once, within ten minutes.
func (d *Dashboard) OneTimeURL(base string) string {
	key := rand.Text()
	d.sessions.allow(key, time.Now().Add(oneTimeLife))
	return base + "/dashboard?key=" + key
}

// Handler serves /dashboard and what lies below.
func (d *Dashboard) Handler() http.Handler { return d.handler }

func (d *Dashboard) routes() http.Handler {
	files, err := fs.Sub(assets, "static")
	if err != nil { // it is part of the program
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dashboard", d.page)
	mux.HandleFunc("POST /dashboard/login", d.login)
	// The page's own files tell nothing of what it shows.
	mux.Handle("GET /dashboard/static/", http.StripPrefix("/dashboard/static/", http.FileServerFS(files)))
	mux.Handle("GET /dashboard/state", d.closed(d.showState))
	mux.Handle("GET /dashboard/events", d.closed(d.stream))
	mux.Handle("GET /dashboard/requests/{id}", d.closed(d.showRequest))
	return guarded(mux)
}

// policy lets the page load nothing but its own files and lets nobody frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
