package index

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"

	"pith/compress"
)

const (
	// countsKept bounds the texts whose tokens are remembered: lines, mostly, of about 100 bytes
	// with their entry.
	countsKept = 1 << 17
	// shortText is a text that is its own key.
	shortText = 64
)

// Counted returns counters that remember what they counted: the same lines are asked for with each
// question.
func Counted(next compress.Counters) (compress.Counters, error) {
	known, err := lru.New[countKey, int](countsKept)
	if err != nil {
		return nil, err //nolint:wrapcheck // the size is a constant: cannot happen
	}
	return countCache{next, known}, nil
}

type countCache struct {
	next  compress.Counters
	known *lru.Cache[countKey, int]
}

// A countKey names a text by itself or by its hash, and who counts.
type countKey struct {
	encoding, short string
	long            [sha256.Size]byte
}

func (c countCache) For(model string) compress.Counter {
	counter := c.next.For(model)
	encoding, _ := counter.Encoding()
	return cachedCounter{counter, c.known, encoding}
}

type cachedCounter struct {
	compress.Counter
	known    *lru.Cache[countKey, int]
	encoding string
}

func (c cachedCounter) Count(text string) int {
	key := countKey{encoding: c.encoding}
	if len(text) <= shortText {
		key.short = text
	} else {
		key.long = sha256.Sum256([]byte(text))
	}
	if n, ok := c.known.Get(key); ok {
		return n
	}
	if len(text) <= shortText { // not a part of the whole file, which would stay in memory with it
		key.short = string(append([]byte(nil), text...))
	}
	n := c.Counter.Count(text)
	c.known.Add(key, n)
	return n
}
