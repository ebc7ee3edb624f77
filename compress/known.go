package compress

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"pith/compress/lexical"
	"pith/internal/digest"
	"pith/internal/panics"
	"pith/parsers"
)

// A knownFile is what does not depend on the question: how it is cut, what its lines cost, what
// its words say. It does not change.
type knownFile struct {
	parsed parsers.File
	// starts and spent are those of a source.
	starts, spent []int
	// parts are the parts of the text as it is counted, with their tokens.
	parts []counted

	read   sync.Once
	words  *lexical.Lexicon
	shapes [][2]int // branches and calls
}

type counted struct {
	text   string
	tokens int
}

const (
	// knownBytes is the default of Options.KnownBytes.
	knownBytes = 64 << 20
	// knownPart is about what is known of a file in bytes for each of its own, knownFixed beside.
	knownPart  = 16
	knownFixed = 4 << 10
)

// A memory keeps the known files used last, up to a number of bytes. It is safe for concurrent use.
type memory struct {
	mu           sync.Mutex
	files        *simplelru.LRU[string, *knownFile]
	bytes, limit int
}

func newMemory(limit int) (*memory, error) {
	m := &memory{limit: limit}
	var err error
	m.files, err = simplelru.NewLRU(math.MaxInt, func(_ string, k *knownFile) { m.bytes -= k.size() })
	if err != nil {
		return nil, fmt.Errorf("remember files: %w", err)
	}
	return m, nil
}

func (k *knownFile) size() int { return knownFixed + knownPart*k.starts[len(k.starts)-1] }

func (m *memory) find(key string) (*knownFile, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files.Get(key)
}

// add keeps k, unless it alone is more than the bound.
func (m *memory) add(key string, k *knownFile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.size() > m.limit || m.files.Contains(key) {
		return
	}
	m.files.Add(key, k)
	for m.bytes += k.size(); m.bytes > m.limit; {
		m.files.RemoveOldest()
	}
}

// know returns what is known of a file, which it cuts if that is nothing. Another tenant's requests
// leave nothing to be found: how fast an answer comes would tell what they were about. A file whose
// grammar ran out of time is not remembered.
func (j *job) know(ctx context.Context, f File) (*knownFile, error) {
	encoding, _ := j.counter.Encoding()
	key := digest.Of(sha256.New(), j.req.Tenant, encoding, f.Path, f.Language, f.Content)
	if k, ok := j.known.find(key); ok {
		return k, nil
	}
	parsed, err := split(ctx, j.opt.Splitter, f)
	if err != nil {
		return nil, err
	}
	var k *knownFile
	err = panics.Guard(func() error {
		k = newKnown(f.Content, parsed, j.counter)
		return nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // our own
	}
	if !k.parsed.Late {
		j.known.add(key, k)
	}
	return k, nil
}

// newKnown counts a text, by parts and by lines.
func newKnown(text string, parsed parsers.File, counter Counter) *knownFile {
	k := &knownFile{parsed: parsed, starts: lineStarts(text), spent: []int{0}}
	m := countCache{counter: counter, seen: map[string]int{}}
	for part := range counter.Parts(text) {
		if _, ok := m.seen[part]; !ok {
			k.parts = append(k.parts, counted{part, m.count(part)})
		}
	}
	for i, start := range k.starts[1:] {
		k.spent = append(k.spent, k.spent[i]+m.count(text[k.starts[i]:start]))
	}
	return k
}

// lexicon is what the words of a file say, whose ranked chunks are given. They are read with their
// file's path and their names.
func (k *knownFile) lexicon(e lexical.Embedding, chunks []*chunk) *lexical.Lexicon {
	k.read.Do(func() {
		texts, heads := make([]string, len(chunks)), make([]string, len(chunks))
		k.shapes = make([][2]int, len(chunks))
		for n, c := range chunks {
			texts[n], heads[n] = c.src.path+" "+c.syntax.Name+"\n"+c.text(), c.header()
			k.shapes[n] = c.shape()
		}
		k.words = lexical.NewLexicon(e, texts, heads)
	})
	return k.words
}
