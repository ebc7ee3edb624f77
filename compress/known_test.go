package compress

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pith/parsers"
)

// A countingSplitter counts the files that are cut.
type countingSplitter struct {
	indents
	n    atomic.Int64
	late bool
}

func (p *countingSplitter) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	p.n.Add(1)
	f, err := p.indents.Parse(ctx, path, src)
	f.Late = p.late
	return f, err
}

// tinyEmbedding knows words of three letters and more by their letters.
type tinyEmbedding struct{}

func (tinyEmbedding) ID() string { return "tiny" }

func (tinyEmbedding) Embed(word string) (vector []int8, question, code float32, ok bool) {
	if len(word) < 3 {
		return nil, 0, 0, false
	}
	vector = make([]int8, 7)
	for _, c := range word {
		vector[c%7] += 40
	}
	return vector, 1.5, 0.7, true
}

// What is known of a file saves time and decides no byte: an engine that was asked other questions
// answers as one that nothing is known to, and so does one whose memory holds next to nothing.
func TestKnownFilesDecideNothing(t *testing.T) {
	asked := engine(t, func(o *Options) { o.Embedding = tinyEmbedding{} })
	small := engine(t, func(o *Options) { o.Embedding, o.KnownBytes = tinyEmbedding{}, 2*knownFixed })
	for n, query := range []string{"how are refunds paid?", "where is stock reserved?", "refund", "", "totals"} {
		for _, by := range []string{rankWords, rankBM25} {
			req := ask(func(r *Request) {
				r.Query, r.Ranker, r.Explain = query, by, true
				r.Files = append(r.Files, File{Path: "b.txt", Content: fmt.Sprint(sample, "\n# ", n/2, "\n")})
			})
			fresh := compress(t, engine(t, func(o *Options) { o.Embedding = tinyEmbedding{} }), req)
			for name, e := range map[string]*Engine{"asked before": asked, "with little memory": small} {
				res := compress(t, e, req)
				if res.Text != fresh.Text || !slices.EqualFunc(res.Chunks, fresh.Chunks, func(a, b ChunkResult) bool {
					return fmt.Sprint(a) == fmt.Sprint(b)
				}) {
					t.Errorf("%q by %s, %s: another result than afresh", query, by, name)
				}
			}
		}
	}
}

// A file is cut once for a tenant, its path and its language, and anew for all others and where the
// grammar ran out of time.
func TestKnownFilesAreTheirTenants(t *testing.T) {
	cutter := &countingSplitter{}
	e := engine(t, func(o *Options) { o.Splitter = cutter })
	for _, step := range []struct {
		name   string
		adjust func(*Request)
		late   bool
		cuts   int64
	}{
		{name: "the first question", adjust: func(*Request) {}, cuts: 1},
		{name: "another question", adjust: func(r *Request) { r.Query = "stock" }},
		{name: "another tenant", adjust: func(r *Request) { r.Tenant = "b" }, cuts: 1},
		{name: "another path", adjust: func(r *Request) { r.Files[0].Path = "other.txt" }, cuts: 1},
		{name: "the first path again", adjust: func(r *Request) { r.Query = "refund" }},
		{name: "late", adjust: func(r *Request) { r.Tenant = "c" }, late: true, cuts: 1},
		{name: "after a late one", adjust: func(r *Request) { r.Tenant = "c" }, cuts: 1},
	} {
		before := cutter.n.Load()
		cutter.late = step.late
		compress(t, e, ask(step.adjust))
		if got := cutter.n.Load() - before; got != step.cuts {
			t.Errorf("%s: %d cuts, want %d", step.name, got, step.cuts)
		}
	}
}

// The memory holds no more than its bound, the files used last.
func TestKnownFilesAreBounded(t *testing.T) {
	m, err := newMemory(3 * knownFixed)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		m.add(fmt.Sprint(n), newKnown("x\n", parsers.File{}, wordCounter{}))
		m.find("0")
		if m.bytes > m.limit || m.bytes < 0 {
			t.Fatalf("%d bytes, the bound is %d", m.bytes, m.limit)
		}
	}
	m.add("large", newKnown(sample, parsers.File{}, wordCounter{}))
	for key, want := range map[string]bool{"0": true, "9": true, "5": false} {
		if _, ok := m.find(key); ok != want {
			t.Errorf("file %s is kept: %v, want %v", key, ok, want)
		}
	}
}
