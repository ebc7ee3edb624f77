package explain

import (
	"context"
	"slices"
	"sync"
	"time"

	"pith/compress"
)

// A Request is what became of one request. Its texts are there only where requests are kept.
type Request struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Client   string    `json:"client,omitempty"`
	Upstream string    `json:"upstream,omitempty"`
	Dialect  string    `json:"dialect"`
	// Model is a row of the price table, or other.
	Model            string  `json:"model,omitempty"`
	Status           int     `json:"status,omitempty"`
	Aborted          bool    `json:"aborted,omitempty"`
	Decision         string  `json:"decision"`
	Reason           string  `json:"reason,omitempty"`
	OriginalTokens   int     `json:"original_tokens"`
	CompressedTokens int     `json:"compressed_tokens"`
	Ratio            float64 `json:"ratio"`
	Budget           int     `json:"budget"`
	LineTokens       int     `json:"line_tokens"`
	Cache            string  `json:"cache,omitempty"`
	CompressMS       float64 `json:"compress_ms"`
	TookMS           float64 `json:"took_ms,omitempty"`
	// Kept says that the request's blocks are kept and can be asked for.
	Kept bool `json:"kept"`
}

// An Account is a request with its blocks.
type Account struct {
	Request
	Blocks []Block `json:"blocks"`
}

// Bounds of what a RequestLog holds: summaries without texts, and the bytes of all texts together.
// One request may take half of them.
const (
	maxSummaries = 200
	maxKeptBytes = 64 << 20
)

// A RequestLog holds the summaries of the last requests, and the blocks of the last few where it is
// told to. It lives in memory alone. It is safe for concurrent use.
type RequestLog struct {
	// compress explains a request again, with the parts of its scores.
	compress func(context.Context, compress.Request) (compress.Result, error)

	mu sync.Mutex
	// keep is the number of requests whose blocks are kept.
	keep int
	// last are the last requests, the oldest first; whole those of them whose blocks are kept.
	last, whole []*entry
	bytes       int
	seen        int
	// hits and misses count requests whose blocks were all known, or not.
	hits, misses int64
}

// An entry is a request that is kept.
type entry struct {
	tenant  string
	request Request
	pieces  []Piece
	bytes   int
}

// NewRequestLog returns a RequestLog that keeps the blocks of as many requests as keep says. It
// asks engine for the parts of scores once somebody wants to see them.
func NewRequestLog(keep int, engine func(context.Context, compress.Request) (compress.Result, error)) *RequestLog {
	return &RequestLog{keep: keep, compress: engine}
}

// SetKeep changes how many requests are kept whole; beyond it the oldest are forgotten at once.
func (k *RequestLog) SetKeep(keep int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep = keep
	k.trim()
}

// Keeps says whether blocks are wanted.
func (k *RequestLog) Keeps() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keep > 0
}

// Saw takes a request that has ended, with its blocks where Keeps said so.
func (k *RequestLog) Saw(tenant string, r Request, pieces []Piece) {
	e := &entry{tenant: tenant, request: r}
	for _, p := range pieces {
		for _, f := range p.Request.Files {
			e.bytes += len(f.Content)
		}
		e.bytes += len(p.Result.Text) + 256*len(p.Result.Chunks)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen++
	switch r.Cache {
	case "hit":
		k.hits++
	case "miss":
		k.misses++
	}
	if k.last = append(k.last, e); len(k.last) > maxSummaries {
		k.last = k.last[len(k.last)-maxSummaries:]
	}
	if k.keep > 0 && len(pieces) > 0 && e.bytes <= maxKeptBytes/2 {
		e.pieces, e.request.Kept = pieces, true
		k.whole = append(k.whole, e)
		k.bytes += e.bytes
	}
	k.trim()
}

// trim forgets the blocks of the oldest requests.
func (k *RequestLog) trim() {
	for len(k.whole) > k.keep || k.bytes > maxKeptBytes {
		oldest := k.whole[0]
		k.whole = k.whole[1:]
		k.bytes -= oldest.bytes
		oldest.pieces, oldest.request.Kept = nil, false
	}
}

// Recent lists the last requests, the newest first, n at most, and how many there were.
func (k *RequestLog) Recent(n int) (list []Request, seen int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list = []Request{}
	for i := len(k.last) - 1; i >= 0 && len(list) < n; i-- {
		list = append(list, k.last[i].request)
	}
	return list, k.seen
}

// Cached counts the requests whose blocks the cache knew, and the others that asked it.
func (k *RequestLog) Cached() (hits, misses int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.hits, k.misses
}

// Holding says how many requests are kept whole of how many that may be, and their bytes.
func (k *RequestLog) Holding() (held, keep, bytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.whole), k.keep, k.bytes
}

// Own explains a request of a tenant that is kept. Others' are not found.
func (k *RequestLog) Own(ctx context.Context, tenant, id string) (Account, bool) {
	return k.explain(ctx, id, func(e *entry) bool { return e.tenant == tenant })
}

// Any explains any request that is kept, for who runs the server.
func (k *RequestLog) Any(ctx context.Context, id string) (Account, bool) {
	return k.explain(ctx, id, func(*entry) bool { return true })
}

func (k *RequestLog) explain(ctx context.Context, id string, may func(*entry) bool) (Account, bool) {
	e := k.find(id, may)
	if e == nil {
		return Account{}, false
	}
	a := Account{Request: e.request, Blocks: []Block{}}
	for _, p := range e.pieces {
		if p.Result.Ranker != "" && p.Result.Ranker != "none" {
			p.Result = k.withParts(ctx, p)
		}
		a.Blocks = append(a.Blocks, p.Block())
	}
	return a, true
}

// find returns a copy: blocks may be forgotten meanwhile.
func (k *RequestLog) find(id string, may func(*entry) bool) *entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range slices.Backward(k.whole) {
		if e.request.ID == id && may(e) {
			found := *e
			return &found
		}
	}
	return nil
}

// withParts is a kept result with the parts of its scores, which the way of a request has no use
// for. What was decided stays as it was.
func (k *RequestLog) withParts(ctx context.Context, p Piece) compress.Result {
	req := p.Request
	req.Explain = true
	again, err := k.compress(ctx, req)
	if err != nil || len(again.Chunks) != len(p.Result.Chunks) {
		return p.Result // without parts
	}
	res := p.Result
	res.Chunks = append([]compress.ChunkResult(nil), res.Chunks...)
	for i := range res.Chunks {
		if again.Chunks[i].StartLine == res.Chunks[i].StartLine {
			res.Chunks[i].Signals, res.Chunks[i].Parts = again.Chunks[i].Signals, again.Chunks[i].Parts
		}
	}
	return res
}
