// Package retrieval keeps omitted text and gives it back, to whoever asks over HTTP and to the
// model by a tool whose rounds the client does not see.
package retrieval

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/klauspost/compress/zstd"

	"pith/compress"
	"pith/internal/digest"
	"pith/internal/waits"
)

// Options say how the lines that markers stand for are had back. Markers carry hashes where the
// engine was told to write them (compress.Options.Retrieval); that and a Store go together.
type Options struct {
	// Store keeps originals. If nil, there is no retrieval, and a block whose markers carry hashes
	// goes out as it came.
	Store Store
	// Key hashes parts such that no two lists of parts collide; the tenant is one of them. If nil,
	// an HMAC with a secret of this process.
	Key func(parts ...string) string
	// Find looks up declarations for ?symbol=. If nil, none is found.
	Find Finder
	// TTL is how long a hash resolves after the last request that carried it. If zero, one hour.
	TTL time.Duration
	// Tool lets the model ask for omitted lines itself.
	Tool bool
	// Timeout bounds the search for a declaration.
	Timeout time.Duration
	// Admit lets one search for a declaration begin and returns what ends it, or false where too
	// many are at work. If nil, all may.
	Admit func() (release func(), ok bool)
}

// A Store keeps what was promised to be there for a time.
type Store interface {
	// Keep holds value under key for ttl from now on, in place of what key held, and reports
	// whether it does.
	Keep(ctx context.Context, key string, value []byte, ttl time.Duration) bool
	// Get returns what key holds, without lengthening its life.
	Get(ctx context.Context, key string) (value []byte, ok bool)
}

// A Finder returns where a file declares name: lines counted from 1, inclusive. compress.Engine is
// one.
type Finder interface {
	Find(ctx context.Context, f compress.File, name string) ([][2]int, error)
}

// ErrNotKept leaves a block as it came: a marker may carry a hash only if the hash will resolve.
var ErrNotKept = errors.New("original could not be kept")

const (
	// maxOriginal bounds what a lying store can make of an original, in bytes unpacked.
	maxOriginal = 64 << 20
	// lifetimes is how many lives of a promise an original is kept for. Each request that carries a
	// marker promises it anew; with a second life in hand, only one request in a TTL has to ask the
	// store.
	lifetimes = 2
	// keptKeys bounds what is remembered of them: about 16 MB of keys.
	keptKeys = 1 << 16
)

// Originals keeps the files behind markers, each for its tenant.
type Originals struct {
	opts Options
	// until remembers how long what this process kept stays kept.
	until *lru.Cache[string, time.Time]
	enc   *zstd.Encoder
	dec   *zstd.Decoder
}

// New returns Originals without any.
func New(opts Options) (*Originals, error) {
	opts.TTL = cmp.Or(opts.TTL, time.Hour)
	if opts.Key == nil {
		opts.Key = digest.Keyed([]byte(rand.Text()))
	}
	if opts.Admit == nil {
		opts.Admit = func() (func(), bool) { return func() {}, true }
	}
	o := &Originals{opts: opts}
	var errs [3]error
	o.until, errs[0] = lru.New[string, time.Time](keptKeys)
	// Without a stream neither has a goroutine, so there is nothing to close.
	o.enc, errs[1] = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	o.dec, errs[2] = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxOriginal))
	return o, errors.Join(errs[:]...)
}

// keyOf is where an original lies. A hash says nothing of its tenant; this does, so one tenant's
// hash leads another nowhere.
func (o *Originals) keyOf(tenant, id string) string {
	return o.opts.Key("proxy original 1", tenant, id)
}

// Keep keeps the files of req that the markers of res stand for, for at least TTL from now. An
// error wraps ErrNotKept where they are not kept.
func (o *Originals) Keep(ctx context.Context, req compress.Request, res compress.Result) error {
	errs := make([]error, len(res.Files))
	waits.Each(len(res.Files), func(i int) {
		hashes := res.Files[i].Hashes
		if len(hashes) == 0 {
			return
		}
		gap, ok := compress.ParseGap(hashes[0])
		if !ok || o.opts.Store == nil || i >= len(req.Files) {
			errs[i] = ErrNotKept
			return
		}
		errs[i] = o.keep(ctx, o.keyOf(req.Tenant, gap.Original), req.Files[i])
	})
	return cmp.Or(errs...)
}

func (o *Originals) keep(ctx context.Context, key string, f compress.File) error {
	now := time.Now()
	if until, ok := o.until.Get(key); ok && until.Sub(now) >= o.opts.TTL {
		return nil
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode original: %w", err)
	}
	if len(plain) > maxOriginal || !o.opts.Store.Keep(ctx, key, o.enc.EncodeAll(plain, nil), lifetimes*o.opts.TTL) {
		return ErrNotKept
	}
	o.until.Add(key, now.Add(lifetimes*o.opts.TTL))
	return nil
}

// get returns a tenant's original.
func (o *Originals) get(ctx context.Context, tenant, id string) (f compress.File, ok bool) {
	if o.opts.Store == nil {
		return f, false
	}
	value, ok := o.opts.Store.Get(ctx, o.keyOf(tenant, id))
	if !ok {
		return f, false
	}
	plain, err := o.dec.DecodeAll(value, nil)
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return compress.File{}, false // what cannot be read is not there
	}
	return f, true
}
