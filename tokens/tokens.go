// Package tokens counts text in the tokens of the model that a prompt is sent to.
//
// It knows nothing of prompts, budgets or the wire, and nothing of the small model that scores text, whose tokenizer is
// another one: a model's name and a text go in, a number comes out. The vocabularies are part of the binary.
package tokens

import (
	"fmt"
	"sync"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

// Counters hands out a Counter for every model. Vocabularies are shared and load on first use (0.1 to 0.2 s and 10 to
// 25 MB each). It is safe for concurrent use.
type Counters struct {
	vocabularies map[string]func() *tiktoken.Tiktoken
}

// New returns Counters with nothing loaded yet.
func New() *Counters {
	c := &Counters{vocabularies: make(map[string]func() *tiktoken.Tiktoken)}
	for _, name := range []string{o200k, cl100k, p50k, r50k} {
		c.vocabularies[name] = sync.OnceValue(func() *tiktoken.Tiktoken { return load(name) })
	}
	return c
}

// offline makes the library read the vocabularies of the binary. Its default fetches them from the network at first use,
// and the setting is the library's own package variable.
var offline = sync.OnceFunc(func() { tiktoken.SetBpeLoader(loader.NewOfflineLoader()) })

// load builds the tokenizer of an encoding. The library keeps none, so Counters must. It panics only if the binary was
// built without the vocabulary, which a test excludes for every encoding that lookup can name.
func load(name string) *tiktoken.Tiktoken {
	offline()
	t, err := tiktoken.GetEncoding(name)
	if err != nil {
		panic(fmt.Sprintf("tokens: vocabulary %s: %v", name, err))
	}
	return t
}

// For returns the counter of a model, named as in an API request ("gpt-4o", "openai/o3-mini"). A model without a public
// tokenizer, or with none that we carry, gets an estimate; Encoding tells.
func (c *Counters) For(model string) *Counter {
	name, exact := lookup(model)
	return &Counter{name: name, exact: exact, vocabulary: c.vocabularies[name]}
}

// A Counter counts in the tokens of one encoding. It is safe for concurrent use.
type Counter struct {
	name       string
	exact      bool
	vocabulary func() *tiktoken.Tiktoken
}

// Encoding names the vocabulary that counts. If exact is false the model's own is not known and the count is an estimate.
func (c *Counter) Encoding() (name string, exact bool) { return c.name, c.exact }

// Count returns the number of tokens of text. A special token written out in the text ("<|endoftext|>") counts as the plain
// characters it is, as providers treat it.
//
// The count is the tokenizer's own except in runs longer than maxRun, which are counted in pieces. In cl100k_base and
// o200k_base it is additive where a line begins with a letter or a digit: Count(a)+Count(b) is Count(a+b) if a ends in a
// newline.
func (c *Counter) Count(text string) int {
	if text == "" {
		return 0
	}
	t := c.vocabulary()
	n := 0
	for piece := range pieces(text) {
		n += len(t.EncodeOrdinary(piece))
	}
	return n
}
