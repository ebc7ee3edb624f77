package costs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	// overloadSize is the new code of one request, in bytes; overloadFactor is how many times what
	// the engine can do comes.
	overloadSize   = 20_000
	overloadFactor = 5
	// passRate is how many requests without code come a second beside it.
	passRate = 50
	// probes is how many requests tell what the engine can do.
	probes = 10
)

// An OverloadReport is what requests without code wait while much more code comes than the engine
// can do, whatever the answers take, and what becomes of the code.
type OverloadReport struct {
	// Capacity is the requests with new code that are compressed in a second when they come one
	// behind the other, Rate how many then came.
	Capacity float64 `json:"capacity"`
	Rate     float64 `json:"rate"`
	// Unloaded and Loaded are of the requests without code, Ratio is Loaded over Unloaded.
	Unloaded Quantiles `json:"unloaded_ms"`
	Loaded   Quantiles `json:"loaded_ms"`
	Ratio    Quantiles `json:"ratio"`
	// Outcomes are the requests with code by the decision's words, most first.
	Outcomes []OverloadOutcome `json:"outcomes"`
}

// An OverloadOutcome is one decision's share.
type OverloadOutcome struct {
	Decision string    `json:"decision"`
	Requests int       `json:"requests"`
	Took     Quantiles `json:"took_ms"`
}

// overload loads pith with five times the code that it can compress.
func (p Proxy) overload(ctx context.Context, pith *url.URL) (*OverloadReport, error) {
	code := bodyKind{name: "new code", mode: "auto", code: true, unique: true}
	nth := 0
	next := func() []byte { nth++; return code.body(overloadSize, nth) }
	p.Progress("what the engine can do")
	start := time.Now()
	for range probes {
		if _, _, err := send(ctx, pith, code.mode, next()); err != nil {
			return nil, err
		}
	}
	rep := &OverloadReport{Capacity: probes / time.Since(start).Seconds()}
	rep.Rate = overloadFactor * rep.Capacity
	p.Progress("requests without code, alone")
	unloaded, err := p.pass(ctx, pith)
	if err != nil {
		return nil, err
	}
	p.Progress(fmt.Sprintf("the same beside %.0f requests a second with new code", rep.Rate))
	l := loader{took: map[string][]float64{}}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	l.wg.Go(func() { l.run(loading, ctx, pith, code.mode, next, rep.Rate) })
	loaded, err := p.pass(ctx, pith)
	stop()
	l.wg.Wait()
	if err = errors.Join(err, l.err); err != nil {
		return nil, err
	}
	rep.Unloaded, rep.Loaded = quantiles(unloaded), quantiles(loaded)
	rep.Ratio = Quantiles{P50: rep.Loaded.P50 / rep.Unloaded.P50, P99: rep.Loaded.P99 / rep.Unloaded.P99}
	rep.Outcomes = l.outcomes()
	return rep, nil
}

// pass sends requests without code for p.Seconds.
func (p Proxy) pass(ctx context.Context, pith *url.URL) (all []float64, err error) {
	body := bodyKind{}.body(1000, 0)
	for range p.Seconds {
		times, err := burst(ctx, pith, "auto", body, passRate)
		if err != nil {
			return nil, err
		}
		all = append(all, times...)
	}
	return all, nil
}

// A loader sends requests at a rate, whatever the answers take, and collects what became of them.
type loader struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	took map[string][]float64
	err  error
}

func (l *loader) run(loading, ctx context.Context, to *url.URL, mode string, next func() []byte, rate float64) {
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/rate), time.Microsecond))
	defer tick.Stop()
	for loading.Err() == nil {
		body := next()
		l.wg.Go(func() {
			took, header, err := send(ctx, to, mode, body)
			l.add(took, header, err)
		})
		select {
		case <-tick.C:
		case <-loading.Done():
		}
	}
}

func (l *loader) add(took time.Duration, header http.Header, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = err
		return
	}
	decision := strings.ReplaceAll(header.Get("X-Pith-Decision"), "; left=1", "")
	l.took[decision] = append(l.took[decision], took.Seconds()*1000)
}

func (l *loader) outcomes() (list []OverloadOutcome) {
	for decision, took := range l.took {
		list = append(list, OverloadOutcome{Decision: decision, Requests: len(took), Took: quantiles(took)})
	}
	slices.SortFunc(list, func(a, b OverloadOutcome) int { return b.Requests - a.Requests })
	return list
}

func (r OverloadReport) writeText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "new code of %d KB, compressed one behind the other: %.1f a second; then %.1f a second came\n",
		overloadSize/1000, r.Capacity, r.Rate)
	fmt.Fprintln(t, "requests without code, ms\tp50\tp99")
	for _, row := range []struct {
		name string
		q    Quantiles
	}{{"alone", r.Unloaded}, {"beside it", r.Loaded}, {"ratio", r.Ratio}} {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\n", row.name, row.q.P50, row.q.P99)
	}
	fmt.Fprintln(t, "requests with code\tnumber\tp50 ms\tp99")
	for _, o := range r.Outcomes {
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\n", o.Decision, o.Requests, o.Took.P50, o.Took.P99)
	}
	return t.Flush()
}
