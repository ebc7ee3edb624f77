package proxy

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"pith/compress"
	"pith/internal/digest"
)

// Freeze says where the proxy remembers the blocks that went out as they came because of the clock
// or of load, and the turns that later requests go on from without repeating them.
//
// A result of the engine repeats; a timeout does not. Were such a block compressed one turn later,
// the bytes of an old turn would change and the provider's prompt cache of the whole conversation
// with them, which costs more than the block saves. So the first form sent for a block stays its
// form for as long as a provider may have it cached.
type Freeze struct {
	// Store shares the memory among replicas and restarts. If nil, it is this process's alone.
	Store compress.Store
	// Key hashes parts such that no two lists of parts collide. If nil, an HMAC with a secret of
	// this process.
	Key func(parts ...string) string
}

const (
	// frozenFor is the longest life of a provider's prompt cache on offer (Anthropic's extended one
	// hour).
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

// forms remember the form in which blocks were sent first.
type forms struct {
	local  *lru.Cache[string, sentForm]
	shared compress.Store
	key    func(parts ...string) string
}

// A sentForm is the form of one block, and how long it matters.
type sentForm struct {
	form  form
	until time.Time
}

func newForms(f Freeze) (*forms, error) {
	local, err := lru.New[string, sentForm](frozenKeys)
	if err != nil {
		return nil, fmt.Errorf("forms of blocks: %w", err)
	}
	m := &forms{local: local, shared: f.Store, key: f.Key}
	if m.key == nil {
		m.key = digest.Keyed([]byte(rand.Text()))
	}
	return m, nil
}

// keyOf covers everything that a block's form may depend on.
func (m *forms) keyOf(r compress.Request) string {
	f := r.Files[0]
	return m.key(
		"proxy form 1",
		r.Tenant,
		r.Model,
		r.Query,
		strconv.Itoa(r.Budget),
		strconv.FormatFloat(r.Rate, 'g', -1, 64),
		f.Path,
		f.Language,
		f.Content,
		r.WayBack,
	)
}

// sent returns the form in which the block of key was sent before.
func (m *forms) sent(ctx context.Context, key string) form {
	if e, ok := m.local.Get(key); ok && time.Now().Before(e.until) {
		return e.form
	}
	if m.shared != nil {
		if _, ok := m.shared.Get(ctx, key); ok {
			m.local.Add(key, sentForm{formOriginal, time.Now().Add(frozenFor)})
			return formOriginal
		}
	}
	return formUnknown
}

// note remembers that the block of key goes out in form f. A block that was once sent compressed
// keeps that form: one timeout does not change what the provider holds.
func (m *forms) note(ctx context.Context, key string, f form) {
	if e, ok := m.local.Get(key); ok && e.form == formCompressed && time.Now().Before(e.until) {
		f = formCompressed
	}
	m.local.Add(key, sentForm{f, time.Now().Add(frozenFor)})
	if f == formOriginal && m.shared != nil {
		m.shared.Add(ctx, key, []byte("original"), frozenFor)
	}
}
