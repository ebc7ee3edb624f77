// Package fleet measures several Pith processes that share a Redis: what they find of each other,
// what they lose when processes and servers die, and what the Redis has to do for it.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"pith/bench/served"
)

// A Fleet runs several Pith processes on one Redis under load and does to them what happens to
// replicas. Everything is real: the processes, a Redis with a replica and three sentinels, HTTP
// over loopback. The upstream, in this process, remembers what each turn looked like.
type Fleet struct {
	// Pith and Redis are the programs.
	Pith, Redis string
	// Keys are two virtual keys, of which the first has an allowance that is drawn on and the
	// second one that nobody uses up; Hashes are what the configuration has of them.
	Keys, Hashes [2]string
	// Replicas is how many processes share the load. If zero, 4.
	Replicas int
	// Clients have conversations at the same time, each of Turns turns with new code. If zero, 8
	// and 6.
	Clients, Turns int
	// Seconds is how long the allowance and the throughput are measured. If zero, 20.
	Seconds int
	// Progress is told what runs. May be nil.
	Progress func(what string)
}

// A Report is what a Fleet found.
type Report struct {
	Hits       []Hits     `json:"hits"`
	Chaos      Chaos      `json:"chaos"`
	Allowance  Allowance  `json:"allowance"`
	Throughput Throughput `json:"throughput"`
	Model      Model      `json:"model"`
}

// Hits is how many of the blocks of earlier turns were known, with so many replicas and turns
// that go to any of them.
type Hits struct {
	Replicas int     `json:"replicas"`
	Shared   bool    `json:"shared"` // by a Redis
	Requests int     `json:"requests"`
	HitShare float64 `json:"hit_share"`
}

// Chaos is what came of a load during which replicas and the Redis went and came.
type Chaos struct {
	Events   []string `json:"events"`
	Requests int      `json:"requests"`
	// Repeated counts the attempts that found a dead replica and went to another.
	Repeated int `json:"repeated"`
	// Lost counts requests that no replica answered, Wrong those with another request's answer.
	Lost  int `json:"lost"`
	Wrong int `json:"wrong"`
	// Turns counts turns that followed another, Changed those in which older messages had other
	// bytes than before.
	Turns   int `json:"turns"`
	Changed int `json:"changed"`
	// Compressed counts the turns whose new code was shortened.
	Compressed int `json:"compressed"`
	// Decisions counts the answers by what was done, where that was not to compress all.
	Decisions map[string]int `json:"decisions,omitempty"`
	// Allowance was drawn on all the while.
	Allowance Allowance `json:"allowance"`
}

// fleet is a Fleet at work.
type fleet struct {
	Fleet
	dir      string
	upstream *upstream
	client   *http.Client

	mu       sync.Mutex
	replicas []*served.Process
}

// Run measures.
func (f Fleet) Run(ctx context.Context) (_ Report, err error) {
	f.Replicas, f.Clients, f.Turns, f.Seconds = withDefault(f.Replicas, 4), withDefault(f.Clients, 8),
		withDefault(f.Turns, 6), withDefault(f.Seconds, 20)
	if f.Progress == nil {
		f.Progress = func(string) {}
	}
	dir, err := os.MkdirTemp("", "pith-fleet")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	run := &fleet{
		Fleet: f, dir: dir, upstream: newUpstream(),
		client: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	defer run.upstream.Close()
	defer run.stopAll()
	var report Report
	for _, step := range []func(context.Context, *Report) error{
		run.hits, run.measureModel, run.allowance,
		run.chaos, run.throughput,
	} {
		if err := step(ctx, &report); err != nil {
			return report, err
		}
	}
	return report, nil
}

func withDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// hits has the same conversations with one, two and more replicas, with a Redis and without.
func (f *fleet) hits(ctx context.Context, report *Report) error {
	for n := 1; n <= f.Replicas; n *= 2 {
		for _, shared := range []bool{false, true} {
			f.Progress(fmt.Sprintf("hits with %d replicas, Redis: %t", n, shared))
			url := ""
			if shared {
				r, err := startRedis(ctx, f.Redis, f.dir)
				if err != nil {
					return err
				}
				defer r.stop()
				url = "redis://" + r.addr
			}
			if err := f.scale(ctx, n, url); err != nil {
				return err
			}
			load := f.converse(ctx, fmt.Sprintf("hits %d %t", n, shared))
			if load.lost > 0 || load.known+load.new == 0 {
				return fmt.Errorf("%d requests without an answer, %d with one: %w", load.lost,
					load.known+load.new, load.err)
			}
			report.Hits = append(report.Hits, Hits{
				Replicas: n, Shared: shared, Requests: load.requests,
				HitShare: float64(load.known) / float64(load.known+load.new),
			})
			f.stopAll()
		}
	}
	return nil
}

// onRedis starts a Redis and all replicas on it; stop ends both.
func (f *fleet) onRedis(ctx context.Context) (r *redisServer, stop func(), err error) {
	if r, err = startRedis(ctx, f.Redis, f.dir); err != nil {
		return nil, nil, err
	}
	if err := f.scale(ctx, f.Replicas, "redis://"+r.addr); err != nil {
		r.stop()
		return nil, nil, err
	}
	return r, func() {
		f.stopAll()
		r.stop()
	}, nil
}

// chaos kills, adds and restarts replicas and has the Redis fail over while conversations go on.
func (f *fleet) chaos(ctx context.Context, report *Report) error {
	f.Progress("replicas and Redis go and come")
	guarded, err := startSentinels(ctx, f.Redis, f.dir)
	if err != nil {
		return err
	}
	defer guarded.stop()
	if err := f.scale(ctx, f.Replicas, guarded.url()); err != nil {
		return err
	}
	defer f.stopAll()
	f.upstream.forget()
	c := Chaos{}
	over, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(over)
		failed <- f.upset(ctx, guarded, &c)
	}()
	drawn := make(chan Allowance, 1)
	go func() { drawn <- f.drawOn(ctx, over) }()
	var total outcome
	for round := 0; ; round++ {
		total.add(f.converse(ctx, fmt.Sprint("chaos ", round)))
		select {
		case <-over:
		default:
			if ctx.Err() == nil {
				continue
			}
		}
		break
	}
	c.Allowance = <-drawn
	if err := errors.Join(<-failed, ctx.Err()); err != nil {
		return err
	}
	c.Requests, c.Repeated, c.Lost, c.Wrong = total.requests, total.repeated, total.lost, total.wrong
	c.Turns, c.Changed, c.Compressed = f.upstream.compare()
	c.Decisions = total.decisions
	report.Chaos = c
	return nil
}

// upset does what happens to a fleet.
func (f *fleet) upset(ctx context.Context, guarded *sentinels, c *Chaos) error {
	pause := func(seconds time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(seconds * time.Second):
		}
	}
	for _, event := range []struct {
		name string
		do   func() error
	}{
		{"a replica is killed", func() error { f.take(0).Kill(); return nil }},
		{"a replica is added", func() error { return f.grow(ctx, guarded.url()) }},
		{"a replica is told to end and another comes", func() error {
			old := f.take(0)
			if err := f.grow(ctx, guarded.url()); err != nil {
				return err
			}
			return old.Terminate()
		}},
		{"the Redis is killed and its replica takes over", func() error { return guarded.failOver(ctx) }},
		{"a replica is added", func() error { return f.grow(ctx, guarded.url()) }},
		{"a replica is killed", func() error { f.take(1).Kill(); return nil }},
	} {
		pause(3)
		c.Events = append(c.Events, event.name)
		if err := event.do(); err != nil {
			return fmt.Errorf("%s: %w", event.name, err)
		}
	}
	// What replicas let in each for itself, while no Redis answered, is worked off.
	pause(20)
	return ctx.Err()
}
