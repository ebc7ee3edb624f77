package compress

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/klauspost/compress/s2"

	"pith/internal/cores"
)

// maxCached bounds a stored result once unpacked, in bytes, so that a lying store cannot fill the
// memory.
const maxCached = 256 << 20

// A Store keeps results. It never fails: a broken or slow one has nothing and takes nothing.
type Store interface {
	// Get returns what key holds.
	Get(ctx context.Context, key string) (value []byte, ok bool)
	// Add stores value unless key already holds one, and returns what it holds now: value itself
	// when the store is broken.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (now []byte)
}

// CacheOptions configure a Cache.
type CacheOptions struct {
	Store Store
	// Key hashes parts such that no two lists of parts collide.
	Key func(parts ...string) string
	// TTL is how long a result is kept. If zero, as long as the store's own rule says.
	TTL time.Duration
	// Gate lets in what no store answers. If nil, all is let in at once.
	Gate *Gate
	// MostWait is how long a request may wait at the Gate; one that would wait longer fails with
	// ErrBusy.
	MostWait time.Duration
}

// A Cache is an Engine that remembers. The first result of a request is frozen: all replicas that
// share the store answer with its bytes. Concurrent identical requests are computed once, on behalf
// of all of them: that one caller leaves ends only its own wait, and that the last one leaves the
// work. Errors are not remembered, and neither is what a deadline cut short (Result.Cut).
type Cache struct {
	next    *Engine
	opt     CacheOptions
	flights flights
}

// NewCache returns a Cache in front of next.
func NewCache(next *Engine, opt CacheOptions) *Cache { return &Cache{next: next, opt: opt} }

// Compress is Engine.Compress with Result.Cache set to hit or miss.
func (c *Cache) Compress(ctx context.Context, req Request) (Result, error) {
	start := time.Now()
	if err := req.check(); err != nil {
		return Result{}, err
	}
	key := c.opt.Key(c.next.parts(req)...)
	if value, ok := c.opt.Store.Get(ctx, key); ok {
		if res, err := unpack(value); err == nil { // what cannot be read is a miss
			res.Cache = "hit"
			res.TimingsMS = map[string]float64{"total": float64(time.Since(start)) / float64(time.Millisecond)}
			return res, nil
		}
	}
	compute := func(ctx context.Context) ([]byte, error) { return c.compute(ctx, key, req) }
	value, err := c.flights.do(ctx, key, compute)
	for req.Owed && errors.Is(err, ErrBusy) { // a flight of others, which was not owed
		value, err = c.flights.do(ctx, key, compute)
	}
	if err != nil {
		return Result{}, fmt.Errorf("compute result: %w", err)
	}
	res, err := unpack(value) // each waiter gets its own copy
	if err != nil {
		return Result{}, fmt.Errorf("read own result: %w", err)
	}
	res.Cache = "miss"
	return res, nil
}

// compute runs the engine and freezes its result.
func (c *Cache) compute(ctx context.Context, key string, req Request) (value []byte, err error) {
	res, err := c.run(ctx, req)
	if err != nil {
		return nil, err
	}
	value, err = pack(res)
	if err != nil || res.Cut {
		return value, err
	}
	now := c.opt.Store.Add(ctx, key, value, c.opt.TTL)
	if _, err := unpack(now); err != nil {
		return value, nil // the store holds something unreadable; what was computed still answers
	}
	return now, nil
}

// run runs the engine once the gate lets it.
func (c *Cache) run(ctx context.Context, req Request) (res Result, err error) {
	if c.opt.Gate == nil {
		return c.next.Compress(ctx, req)
	}
	size := 0
	for _, f := range req.Files {
		size += len(f.Content)
	}
	leave, err := c.opt.Gate.enter(ctx, size, c.opt.MostWait, req.Owed)
	if err != nil {
		return res, err
	}
	done := false
	defer func() { leave(done) }()
	defer cores.GiveWay()()
	res, err = c.next.Compress(ctx, req)
	done = err == nil
	return res, err
}

// parts lists all that decides the bytes of req's result.
func (e *Engine) parts(req Request) []string {
	encoding, _ := e.opt.Counters.For(req.Model).Encoding()
	model := ""
	vectors := ""
	if e.opt.Embedding != nil {
		vectors = e.opt.Embedding.ID()
	}
	if e.opt.Scorer != nil {
		model, _ = e.opt.Scorer.Info()
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	list := []string{
		"compress", Version, model, encoding, e.opt.Ranker, string(e.opt.Speed), e.opt.Deadline.String(),
		number(e.opt.FineRatio), number(*e.opt.Beta), e.opt.Compat,
		number(e.opt.DefaultRate), number(e.opt.Coverage), vectors, strconv.FormatBool(e.opt.Retrieval != nil),
		req.Tenant, req.Query, strconv.Itoa(req.Budget), number(req.Rate), req.Model, req.Ranker, string(req.Speed),
		string(req.Stage),
		req.Compat, req.WayBack, strconv.FormatBool(req.Explain), strconv.FormatBool(req.Sparse),
	}
	for _, f := range req.Files {
		list = append(list, f.Path, f.Language, f.Content)
	}
	return list
}

// pack writes a result with gob and not with JSON, which would replace bytes that are not UTF-8.
func pack(res Result) ([]byte, error) {
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(res); err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	// The encoder makes room for text that does not shrink; a store would keep all of that, and
	// count the bytes in use.
	return bytes.Clone(s2.Encode(nil, buf.Bytes())), nil
}

func unpack(value []byte) (Result, error) {
	if n, err := s2.DecodedLen(value); err != nil || n > maxCached {
		return Result{}, errors.New("decode result: bad length")
	}
	data, err := s2.Decode(nil, value)
	if err != nil {
		return Result{}, fmt.Errorf("decode result: %w", err)
	}
	var res Result
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&res); err != nil {
		return Result{}, fmt.Errorf("decode result: %w", err)
	}
	for i := range res.Chunks { // gob drops empty slices, JSON tells them from none
		if res.Chunks[i].KeptLines == nil {
			res.Chunks[i].KeptLines = [][2]int{}
		}
	}
	if res.Chunks == nil {
		res.Chunks = []ChunkResult{}
	}
	return res, nil
}
