package proxy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"pith/compress"
)

// Freeze says where the proxy remembers the blocks that went out as they came because of the clock or of load.
//
// A result of the engine repeats; a timeout does not. Were such a block compressed one turn later, the bytes of an old turn
// would change and the provider's prompt cache of the whole conversation with them, which costs more than the block saves. So the
// first form sent for a block stays its form for as long as a provider may have it cached.
type Freeze struct {
	// Store shares the memory among replicas and restarts. If nil, it is this process's alone.
	Store compress.Store
	// Key hashes parts such that no two lists of parts collide. If nil, an HMAC with a secret of this process.
	Key func(parts ...string) string
}

const (
	// frozenFor is the longest life of a provider's prompt cache on offer (Anthropic's extended one hour).
	frozenFor = time.Hour
	// frozenKeys bounds the local memory: about 16 MB of keys.
	frozenKeys = 1 << 16
)

// A form is how a block was sent.
type form int

const (
	formUnknown form = iota
	formOriginal
	formCompressed
)

// A ledger remembers the form in which blocks were sent first.
type ledger struct {
	local  *lru.Cache[string, entry]
	shared compress.Store
	key    func(parts ...string) string
}

type entry struct {
	form  form
	until time.Time
}

func newLedger(f Freeze) (*ledger, error) {
	local, err := lru.New[string, entry](frozenKeys)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l := &ledger{local: local, shared: f.Store, key: f.Key}
	if l.key == nil {
		l.key = keyedHash([]byte(rand.Text()))
	}
	return l, nil
}

// keyOf covers everything that a block's form may depend on.
func (l *ledger) keyOf(r compress.Request) string {
	f := r.Files[0]
	return l.key("proxy form 1", r.Tenant, r.Model, r.Query, strconv.Itoa(r.Budget), strconv.FormatFloat(r.Rate, 'g', -1, 64), f.Path, f.Language, f.Content)
}

// sent returns the form in which the block of key was sent before.
func (l *ledger) sent(ctx context.Context, key string) form {
	if e, ok := l.local.Get(key); ok && time.Now().Before(e.until) {
		return e.form
	}
	if l.shared != nil {
		if _, ok := l.shared.Get(ctx, key); ok {
			l.local.Add(key, entry{formOriginal, time.Now().Add(frozenFor)})
			return formOriginal
		}
	}
	return formUnknown
}

// note remembers that the block of key goes out in form f. A block that was once sent compressed keeps that form: one timeout does
// not change what the provider holds.
func (l *ledger) note(ctx context.Context, key string, f form) {
	if e, ok := l.local.Get(key); ok && e.form == formCompressed && time.Now().Before(e.until) {
		f = formCompressed
	}
	l.local.Add(key, entry{f, time.Now().Add(frozenFor)})
	if f == formOriginal && l.shared != nil {
		l.shared.Add(ctx, key, []byte("original"), frozenFor)
	}
}

// keyedHash returns a function that hashes a list of parts. Each part is preceded by its length, so that ("ab", "c") and
// ("a", "bc") differ.
func keyedHash(secret []byte) func(parts ...string) string {
	return func(parts ...string) string {
		h := hmac.New(sha256.New, secret)
		var n [8]byte
		for _, p := range parts {
			binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
			h.Write(n[:])
			h.Write([]byte(p))
		}
		return hex.EncodeToString(h.Sum(nil))
	}
}
