// Package costs measures what scoring takes, what the proxy adds to a request, and what
// conversations cost at a provider.
package costs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pith/bench/synthetic"
)

// A Proxy measures what a handler adds to a request against the standard library's bare reverse
// proxy. Both stand in front of the same upstream, on loopback, and take turns, so that a busy
// machine slows both.
type Proxy struct {
	// Handler builds the handler under test in front of an upstream, where Serve is nil.
	Handler func(upstream *url.URL) (http.Handler, error)
	// Requests is the number of pairs for each row. If zero, 300.
	Requests int
	// Compressions is the number of pairs where every request brings new code. If zero, 10.
	Compressions int
	// Sizes are body sizes in bytes. If empty, 1, 100 and 500 KB.
	Sizes []int
	// Rate is the requests a second of the load rows, Seconds how long each proxy gets them. If
	// zero, 1000 and 10.
	Rate, Seconds int
	// Streams is the number of silent streams whose memory is measured. If zero, 1000.
	Streams int
	// Overload measures what requests without code wait under five times the code that can be
	// compressed, and nothing else.
	Overload bool
	// Serve starts the proxy under test in front of an upstream; end ends it. In a process of its
	// own it does not wait for those who load it. If nil, Handler is served in this one.
	Serve func(ctx context.Context, upstream *url.URL) (at *url.URL, end func(), err error)
	// Watch looks at the dashboard of the handler until its context ends. If nil, nobody looks.
	Watch func(context.Context) error
	// Progress is told what runs. May be nil.
	Progress func(what string)
}

// A ProxyRow is one kind of request. Times are in milliseconds; Added is of the paired differences.
type ProxyRow struct {
	Kind  string `json:"kind"`
	Bytes int    `json:"bytes"`
	Pairs int    `json:"pairs"`
	// Decision and Cache are the headers of the last answer.
	Decision string    `json:"decision"`
	Cache    string    `json:"cache"`
	Bare     Quantiles `json:"bare_ms"`
	Pith     Quantiles `json:"pith_ms"`
	Added    Quantiles `json:"added_ms"`
}

// Quantiles are the median and the 99th percentile: the smallest value that so many are not above
// (nearest rank).
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// A ProxyReport is what Proxy.Run measured.
type ProxyReport struct {
	Rows    []ProxyRow   `json:"rows"`
	Load    []LoadRow    `json:"load"`
	Streams StreamMemory `json:"streams"`
	// Overload is there where it was asked for, and the others are not.
	Overload *OverloadReport `json:"overload,omitempty"`
}

// A bodyKind is a way of filling a body. unique bodies have other code in each request, asking ones
// another question in a message of its own behind the same code and its first question. The code
// comes in so many files; zero is one.
type bodyKind struct {
	name   string
	mode   string
	code   bool
	unique bool
	asking bool
	files  int
}

var kinds = []bodyKind{
	{name: "switched off", mode: "off"},
	{name: "prose, left alone", mode: "auto"},
	{name: "new code, compressed", mode: "force", code: true, unique: true},
	{name: "new code in 20 files, compressed", mode: "force", code: true, unique: true, files: 20},
	{name: "same code again", mode: "force", code: true},
	{name: "same code, next question", mode: "force", code: true, asking: true},
}

// Run starts upstream and both proxies and measures every kind at every size.
func (p Proxy) Run(ctx context.Context) (ProxyReport, error) {
	p = p.withDefaults()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	upstream, err := listen(ctx, http.HandlerFunc(answer))
	if err != nil {
		return ProxyReport{}, err
	}
	var rep ProxyReport
	pith, end, err := p.Serve(ctx, upstream)
	if err != nil {
		return rep, fmt.Errorf("start the proxy: %w", err)
	}
	defer end()
	bare, err := listen(ctx, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }})
	if err != nil {
		return rep, err
	}
	if p.Overload {
		rep.Overload, err = p.overload(ctx, pith)
		return rep, err
	}
	for _, kind := range kinds {
		for _, size := range p.Sizes {
			p.Progress(fmt.Sprintf("%s, %d bytes", kind.name, size))
			row, err := p.measure(ctx, bare, pith, kind, size)
			if err != nil {
				return rep, fmt.Errorf("%s, %d bytes: %w", kind.name, size, err)
			}
			rep.Rows = append(rep.Rows, row)
		}
	}
	if rep.Load, err = p.loads(ctx, bare, pith); err != nil {
		return rep, err
	}
	p.Progress(fmt.Sprintf("%d silent streams", p.Streams))
	rep.Streams, err = p.streamMemory(ctx, upstream, bare, pith)
	return rep, err
}

func (p Proxy) withDefaults() Proxy {
	if p.Requests == 0 {
		p.Requests = 300
	}
	if p.Compressions == 0 {
		p.Compressions = 10
	}
	p.Rate, p.Seconds, p.Streams = cmp.Or(p.Rate, 1000), cmp.Or(p.Seconds, 10), cmp.Or(p.Streams, 1000)
	if len(p.Sizes) == 0 {
		p.Sizes = []int{1000, 100_000, 500_000}
	}
	if p.Progress == nil {
		p.Progress = func(string) {}
	}
	if p.Serve == nil {
		p.Serve = func(ctx context.Context, upstream *url.URL) (at *url.URL, end func(), err error) {
			handler, err := p.Handler(upstream)
			if err != nil {
				return nil, nil, err
			}
			at, err = listen(ctx, handler)
			return at, func() {}, err // it ends with ctx
		}
	}
	return p
}

// warmUp is the number of pairs before those that count: connections open, pools fill.
const warmUp = 5

func (p Proxy) measure(ctx context.Context, bare, pith *url.URL, k bodyKind, size int) (ProxyRow, error) {
	pairs := p.Requests
	if k.unique {
		pairs = p.Compressions
	}
	row := ProxyRow{Kind: k.name, Pairs: pairs}
	var through, direct, added []float64
	for i := range warmUp + pairs {
		body := k.body(size, i)
		row.Bytes = len(body)
		// Whoever goes second finds the body in the processor's cache.
		order := []*url.URL{bare, pith}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		took := make(map[*url.URL]float64, 2)
		for _, to := range order {
			d, header, err := send(ctx, to, k.mode, body)
			if err != nil {
				return row, err
			}
			took[to] = d.Seconds() * 1000
			if to == pith {
				row.Decision, row.Cache = header.Get("X-Pith-Decision"), header.Get("X-Pith-Cache")
			}
		}
		if i >= warmUp {
			direct, through, added = append(direct, took[bare]), append(through, took[pith]),
				append(added, took[pith]-took[bare])
		}
	}
	row.Bare, row.Pith, row.Added = quantiles(direct), quantiles(through), quantiles(added)
	return row, nil
}

// body is the nth chat request, of about size bytes.
func (k bodyKind) body(size, n int) []byte {
	content := strings.Repeat("The quick answer is that the weather stays as it was. ", size/54+1)[:size]
	if k.code {
		seed := uint64(0)
		if k.unique {
			seed = uint64(n) + 1
		}
		files := max(k.files, 1)
		enough := func(_ int, text string) bool { return len(text) >= size/files }
		content = ""
		for i := range files {
			path := ""
			if files > 1 {
				path = fmt.Sprintf(" store/file%d.go", i)
			}
			content += "```go" + path + "\n" + synthetic.Go(15, seed<<8+uint64(i), enough) + "```\n\n"
		}
		content += firstQuestion
	}
	type message map[string]string
	messages := []message{{"role": "user", "content": content}}
	if k.asking {
		question := fmt.Sprintf("%d. %s", n+1, questions[n%len(questions)])
		messages = append(messages, message{"role": "assistant", "content": "By its deadline."},
			message{"role": "user", "content": question})
	}
	body, err := json.Marshal(map[string]any{"model": "gpt-4o", "messages": messages})
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return body
}

// answer is the upstream: it reads the request and sends a short completion.
func answer(w http.ResponseWriter, r *http.Request) {
	var head [len(streamBody)]byte
	n, _ := io.ReadFull(r.Body, head[:]) // a shorter body asks for no stream
	_, _ = io.Copy(io.Discard, r.Body)   // the client's own error says more than this side's
	if string(head[:n]) == streamBody {
		answerStream(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",`+
		`"content":"Yes."},"finish_reason":"stop"}]}`)
}

func send(ctx context.Context, to *url.URL, mode string, body []byte) (time.Duration, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.JoinPath("/v1/chat/completions").String(),
		bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Pith-Mode", mode)
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, nil, err
	}
	if res.StatusCode != http.StatusOK {
		return 0, nil, fmt.Errorf("answered %s", res.Status)
	}
	return time.Since(start), res.Header, nil
}

// listen serves handler on a free loopback port until ctx ends.
func listen(ctx context.Context, handler http.Handler) (*url.URL, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(errors.New("no loopback port"), err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}, nil
}

// quantiles sorts values, of which there is at least one.
func quantiles(values []float64) Quantiles {
	slices.Sort(values)
	rank := func(percent int) float64 { return values[(percent*len(values)+99)/100-1] }
	return Quantiles{P50: rank(50), P99: rank(99)}
}

// WriteText prints the report as a table.
func (r ProxyReport) WriteText(w io.Writer) error {
	if r.Overload != nil {
		return r.Overload.writeText(w)
	}
	fmt.Fprintln(w, "milliseconds; added: of the paired differences")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "request\tbytes\tpairs\tbare p50\tp99\tpith p50\tp99\tadded p50\tp99\tdecision\tcache")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\n", row.Kind, row.Bytes, row.Pairs,
			row.Bare.P50, row.Bare.P99,
			row.Pith.P50, row.Pith.P99, row.Added.P50, row.Added.P99, row.Decision, row.Cache)
	}
	fmt.Fprintln(t, "\nat a fixed rate\ta second\trequests\tbare p50\tp99\tpith p50\tp99\tratio p50\tp99")
	for _, row := range r.Load {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\n", row.Kind, row.Rate, row.Requests,
			row.Bare.P50, row.Bare.P99,
			row.Pith.P50, row.Pith.P99, row.Ratio.P50, row.Ratio.P99)
	}
	fmt.Fprintf(t, "\n%d silent streams: %.1f KiB each added by pith, %.1f KiB by the bare proxy\n", r.Streams.Streams,
		float64(r.Streams.Pith)/1024, float64(r.Streams.Bare)/1024)
	return t.Flush()
}
