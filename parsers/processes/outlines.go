package processes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"pith/parsers"
)

type scopeKey struct{}

// InScope returns a context whose calls of Parse and ParseAs remember outlines for calls of the
// same scope. How fast an answer comes tells whether the same bytes were cut before, so a server
// gives each tenant a scope of its own; a call without a scope neither finds nor leaves anything.
// That a file stopped a worker is remembered for all: it is no use to try it once for each tenant.
func InScope(ctx context.Context, scope string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// A checksum stands for a file's bytes and its language, which together decide its outline; the
// path does no more than name the language.
type checksum [sha256.Size]byte

func sumOf(language string, src []byte) checksum {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\x00", language) // a hash takes everything
	_, _ = h.Write(src)
	return checksum(h.Sum(nil))
}

// A place is where an outline is remembered.
type place struct {
	scope string
	sum   checksum
}

// An outlineCache keeps the outlines used last, up to a number of bytes. It keeps them as workers
// send them: in a tenth of the room that the chunks take, and each caller decodes chunks of its
// own, which it may change.
type outlineCache struct {
	mu           sync.Mutex
	lru          *simplelru.LRU[place, []byte]
	bytes, limit int
}

// keptBytes is the default of Options.KeptBytes. 131 KB of Go leave 33 KB, so these are the
// outlines of some 32 MB of code.
const keptBytes = 8 << 20

// placeBytes is what an outline costs beside its bytes and the scope's: key, list element, map
// slot, slice header.
const placeBytes = 256

func newOutlineCache(limit int) (*outlineCache, error) {
	lru, err := simplelru.NewLRU[place, []byte](math.MaxInt, nil)
	if err != nil {
		return nil, fmt.Errorf("remember outlines: %w", err)
	}
	return &outlineCache{lru: lru, limit: limit}, nil
}

// find returns the outline of a file with these lines, if the scope of ctx has it.
func (s *outlineCache) find(ctx context.Context, sum checksum, lines parsers.Lines) (parsers.Outline, bool) {
	scope, scoped := ctx.Value(scopeKey{}).(string)
	if !scoped {
		return parsers.Outline{}, false
	}
	s.mu.Lock()
	answer, ok := s.lru.Get(place{scope, sum})
	s.mu.Unlock()
	if !ok {
		return parsers.Outline{}, false
	}
	o, err := decodeAnswer(answer, lines)
	return o, err == nil
}

// add remembers o for the scope of ctx, unless it alone is more than the bound, and forgets the
// oldest until all is within it.
func (s *outlineCache) add(ctx context.Context, sum checksum, o parsers.Outline) {
	scope, scoped := ctx.Value(scopeKey{}).(string)
	if !scoped || s.limit <= 0 {
		return
	}
	at, answer := place{scope, sum}, bytes.Clone(encodeAnswer(o, nil)) // without the room it grew into
	s.mu.Lock()
	defer s.mu.Unlock()
	if size(at, answer) > s.limit || s.lru.Contains(at) {
		return
	}
	s.lru.Add(at, answer)
	s.bytes += size(at, answer)
	for s.bytes > s.limit {
		oldest, old, _ := s.lru.RemoveOldest()
		s.bytes -= size(oldest, old)
	}
}

func size(at place, answer []byte) int { return placeBytes + len(at.scope) + cap(answer) }

// used is the number of bytes of all that is kept.
func (s *outlineCache) used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}
