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
// with them, which costs more than the block saves. So the first form sent for a group of blocks
// stays its form for as long as a provider may have it cached.
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
	// frozenBusy is the common life of such a cache. What overload turned away is frozen no longer:
	// overload is met often and by much at once, and an hour of it would outlast its cause.
	frozenBusy = 5 * time.Minute
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

// forms remember the form in which groups of blocks were sent first.
type forms struct {
	local  *lru.Cache[string, sentForm]
	shared compress.Store
	key    func(parts ...string) string
}

// A sentForm is the form of one group, and how long it matters.
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

// keyOf covers everything that the form of a group may depend on.
func (m *forms) keyOf(r compress.Request) string {
	parts := []string{
		"proxy form 2",
		r.Tenant,
		r.Model,
		r.Query,
		strconv.Itoa(r.Budget),
		strconv.FormatFloat(r.Rate, 'g', -1, 64),
		r.WayBack,
	}
	for _, f := range r.Files {
		parts = append(parts, f.Path, f.Language, f.Content)
	}
	return m.key(parts...)
}

// sent returns the form in which the group of key was sent before.
func (m *forms) sent(ctx context.Context, key string) form {
	now := time.Now()
	if e, ok := m.local.Get(key); ok && now.Before(e.until) {
		return e.form
	}
	if m.shared == nil {
		return formUnknown
	}
	value, ok := m.shared.Get(ctx, key)
	until, err := time.Parse(time.RFC3339, string(value))
	if !ok || err != nil || !now.Before(until) {
		return formUnknown
	}
	m.local.Add(key, sentForm{formOriginal, until})
	return formOriginal
}

// note remembers that the group of key goes out in form f, and keeps it so for a time. A group that
// was once sent compressed keeps that form: one timeout does not change what the provider holds.
func (m *forms) note(ctx context.Context, key string, f form, keeps time.Duration) {
	now := time.Now()
	if e, ok := m.local.Get(key); ok && e.form == formCompressed && now.Before(e.until) {
		f = formCompressed
	}
	if f == formCompressed {
		keeps = frozenFor
	}
	until := now.Add(keeps)
	m.local.Add(key, sentForm{f, until})
	if f == formOriginal && m.shared != nil {
		m.shared.Add(ctx, key, []byte(until.UTC().Format(time.RFC3339)), keeps)
	}
}
