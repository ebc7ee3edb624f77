package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// A tallyHandler adds up the log lines of requests on their way to another handler.
type tallyHandler struct {
	slog.Handler
	*wrapTally
}

// A wrapTally is what became of the requests of a run.
type wrapTally struct {
	mu                   sync.Mutex
	requests, compressed int
	before, after        int64
	// whole and less count requests by reason: those that went out as they came, and those of which
	// some code did, or was cut or ranked by less than was asked for.
	whole, less map[string]int
}

func newTallyHandler(next slog.Handler) tallyHandler {
	return tallyHandler{next, &wrapTally{whole: map[string]int{}, less: map[string]int{}}}
}

// Enabled also takes the lines that the other handler leaves out.
func (h tallyHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h tallyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tallyHandler{h.Handler.WithAttrs(attrs), h.wrapTally}
}

func (h tallyHandler) WithGroup(name string) slog.Handler {
	return tallyHandler{h.Handler.WithGroup(name), h.wrapTally}
}

func (h tallyHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "request" || r.Message == "turn" {
		h.add(r)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (t *wrapTally) add(r slog.Record) {
	var decision, reason string
	var before, after int64
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "decision":
			decision = a.Value.String()
		case "reason":
			reason = a.Value.String()
		case "original_tokens":
			before = a.Value.Int64()
		case "compressed_tokens":
			after = a.Value.Int64()
		}
		return true
	})
	if decision == "" {
		return // no request to a model
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	t.before += before
	t.after += after
	into := t.whole
	if decision == "compressed" {
		t.compressed++
		into = t.less
	}
	if reason != "" {
		into[reason]++
	}
}

// print says what was saved, kept and passed, and why.
func (t *wrapTally) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests == 0 {
		fmt.Fprintln(w, "pith: no request to a model came through Pith")
		return
	}
	fmt.Fprintf(w, "pith: %d requests, %d of them with code made shorter\n", t.requests, t.compressed)
	if t.before > 0 {
		fmt.Fprintf(w, "pith: code in them: %d tokens sent of %d, %.0f %% saved (what was sent again counts again)\n",
			t.after, t.before, 100*float64(t.before-t.after)/float64(t.before))
	}
	printReasons(w, "left as it came", t.whole)
	printReasons(w, "made shorter, but not all of it, or not as well as was asked for,", t.less)
}

func printReasons(w io.Writer, what string, of map[string]int) {
	reasons := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(of[b]-of[a], cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		fmt.Fprintf(w, "pith: %s in %d: %s\n", what, of[reason], reason)
	}
}
