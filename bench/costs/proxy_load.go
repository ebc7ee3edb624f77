package costs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"
)

// A LoadRow is one kind of request at a fixed rate, whatever the answers take: who is late at one
// request is late at the next ones too, and that is counted. The two proxies take turns of a second
// each.
type LoadRow struct {
	Kind     string    `json:"kind"`
	Rate     int       `json:"rate"`
	Requests int       `json:"requests"`
	Bare     Quantiles `json:"bare_ms"`
	Pith     Quantiles `json:"pith_ms"`
	// Ratio is Pith's quantiles over the bare ones.
	Ratio Quantiles `json:"ratio"`
}

// StreamMemory is what streams cost that are open and silent: bytes of heap and stacks for each,
// above those of the same streams without a proxy, the ends of the connections in this process
// included for all three.
type StreamMemory struct {
	Streams int `json:"streams"`
	Bare    int `json:"bare_bytes"`
	Pith    int `json:"pith_bytes"`
}

// loads measures what passes at a fixed rate, and again while somebody looks at the dashboard.
func (p Proxy) loads(ctx context.Context, bare, pith *url.URL) (rows []LoadRow, err error) {
	for _, kind := range kinds {
		if kind.code {
			continue
		}
		row, err := p.load(ctx, bare, pith, kind)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", kind.name, err)
		}
		rows = append(rows, row)
		if p.Watch == nil {
			continue
		}
		kind.name += ", dashboard open"
		if row, err = p.watched(ctx, bare, pith, kind); err != nil {
			return rows, fmt.Errorf("%s: %w", kind.name, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// watched is load while somebody looks.
func (p Proxy) watched(ctx context.Context, bare, pith *url.URL, k bodyKind) (LoadRow, error) {
	looking, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.Watch(looking) }()
	row, err := p.load(ctx, bare, pith, k)
	stop()
	if looked := <-done; looked != nil && !errors.Is(looked, context.Canceled) {
		err = cmp.Or(err, fmt.Errorf("look at the dashboard: %w", looked))
	}
	return row, err
}

// load sends requests at p.Rate for p.Seconds to each proxy in turn.
func (p Proxy) load(ctx context.Context, bare, pith *url.URL, k bodyKind) (LoadRow, error) {
	p.Progress(fmt.Sprintf("%s, %d requests a second", k.name, p.Rate))
	row := LoadRow{Kind: k.name, Rate: p.Rate}
	body := k.body(1000, 0)
	took := map[*url.URL][]float64{}
	for second := range 2 * (p.Seconds + 1) {
		to := []*url.URL{bare, pith}[second%2]
		times, err := burst(ctx, to, k.mode, body, p.Rate)
		if err != nil {
			return row, err
		}
		if second >= 2 { // the first second of each opens the connections
			took[to] = append(took[to], times...)
		}
	}
	row.Requests = len(took[pith])
	row.Bare, row.Pith = quantiles(took[bare]), quantiles(took[pith])
	row.Ratio = Quantiles{P50: row.Pith.P50 / row.Bare.P50, P99: row.Pith.P99 / row.Bare.P99}
	return row, nil
}

// burst sends n requests, evenly over a second, and returns how long after its moment each was
// answered.
func burst(ctx context.Context, to *url.URL, mode string, body []byte, n int) ([]float64, error) {
	times := make([]float64, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(n))
		time.Sleep(time.Until(due))
		wg.Go(func() {
			_, _, errs[i] = send(ctx, to, mode, body)
			times[i] = time.Since(due).Seconds() * 1000
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return times, nil
}

// streamMemory opens p.Streams streams straight to the upstream and through each proxy.
func (p Proxy) streamMemory(ctx context.Context, upstream, bare, pith *url.URL) (StreamMemory, error) {
	m := StreamMemory{Streams: p.Streams}
	var bytes [3]int
	for i, to := range []*url.URL{upstream, bare, pith} {
		var err error
		if bytes[i], err = holdStreams(ctx, to, p.Streams); err != nil {
			return m, err
		}
	}
	m.Bare, m.Pith = bytes[1]-bytes[0], bytes[2]-bytes[0]
	return m, nil
}

// holdStreams returns the bytes in use by each of n open streams.
func holdStreams(ctx context.Context, to *url.URL, n int) (int, error) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	before := memoryInUse()
	for range n {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.JoinPath("/v1/chat/completions").String(),
			bytes.NewReader([]byte(streamBody)))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := transport.RoundTrip(req)
		if err != nil {
			return 0, fmt.Errorf("open stream: %w", err)
		}
		defer func() { _ = res.Body.Close() }() // the context ends it
		if _, err := io.ReadFull(res.Body, make([]byte, len(firstEvent))); err != nil {
			return 0, fmt.Errorf("first event: %w", err)
		}
	}
	return (memoryInUse() - before) / n, nil
}

func memoryInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

const (
	streamBody = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`
	firstEvent = "data: {}\n\n"
)

// answerStream sends one event and is silent until the client leaves.
func answerStream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, firstEvent)
	_ = http.NewResponseController(w).Flush() // a client that is gone ends the wait below
	<-r.Context().Done()
}
