package costs

import (
	"crypto/sha256"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// A PrefixCache says how a provider bills prompts whose beginning it holds. Zero fields get
// Anthropic's published terms.
type PrefixCache struct {
	// Write and Read are the prices of a token that goes into the cache and of one that comes out
	// of it, in uncached tokens. If zero, 1.25 and 0.1.
	Write float64 `json:"write"`
	Read  float64 `json:"read"`
	// Life is how long a prefix is held after its last use. If zero, 5 minutes.
	Life time.Duration `json:"life"`
	// Minimum is the least number of tokens that is held. If zero, 1024.
	Minimum int `json:"minimum"`
	// Lookback is how many blocks before its end a request looks for a prefix that is held. If
	// zero, 20.
	Lookback int `json:"lookback"`
}

func (p PrefixCache) withDefaults() PrefixCache {
	if p == (PrefixCache{}) {
		return PrefixCache{Write: 1.25, Read: 0.1, Life: 5 * time.Minute, Minimum: 1024, Lookback: 20}
	}
	return p
}

// A cacheBlock is the unit by which prefixes are compared: one turn, or what stands before the
// turns.
type cacheBlock struct {
	text   string
	tokens int
}

// A Bill is the sum of what a provider counts: tokens sent, and of them those written to the cache
// and read from it.
type Bill struct {
	Tokens  int `json:"tokens"`
	Written int `json:"written"`
	Read    int `json:"read"`
}

// An account is one conversation with a provider. The client marks the end of its head and the end
// of each request for the cache, as coding agents do.
type account struct {
	terms PrefixCache
	now   time.Duration
	// held is the time until which each prefix, by its hash, is in the cache.
	held map[[sha256.Size]byte]time.Duration
	bill Bill
}

func newAccount(terms PrefixCache) *account {
	return &account{terms: terms, held: map[[sha256.Size]byte]time.Duration{}}
}

func (a *account) pass(d time.Duration) { a.now += d }

// request bills one prompt.
func (a *account) request(blocks []cacheBlock) {
	total, read := 0, 0
	running := sha256.New()
	var prefixes [][sha256.Size]byte
	for i, b := range blocks {
		fmt.Fprintf(running, "%d\n%s", len(b.text), b.text)
		prefix := [sha256.Size]byte(running.Sum(nil))
		prefixes = append(prefixes, prefix)
		total += b.tokens
		until, known := a.held[prefix]
		if known && until >= a.now && (i == 0 || len(blocks)-1-i <= a.terms.Lookback) {
			read = total
			a.held[prefix] = a.now + a.terms.Life
		}
		if i == 0 && total >= a.terms.Minimum {
			a.held[prefix] = a.now + a.terms.Life
		}
	}
	a.bill.Tokens += total
	if total < a.terms.Minimum {
		return
	}
	a.bill.Read += read
	a.bill.Written += total - read
	a.held[prefixes[len(prefixes)-1]] = a.now + a.terms.Life
}

// cost is the bill in tokens of uncached input.
func (a *account) cost() float64 {
	uncached := a.bill.Tokens - a.bill.Written - a.bill.Read
	return float64(uncached) + a.terms.Write*float64(a.bill.Written) + a.terms.Read*float64(a.bill.Read)
}

// WriteText prints the report as a table.
func (r SessionReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "tokens of whole conversations; cost in uncached input tokens: write %g, read %g, held %v, at "+
		"least %d tokens\n",
		r.Provider.Write, r.Provider.Read, r.Provider.Life, r.Provider.Minimum)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "conversation\trequests\tform\ttokens sent\twritten\tread\tcost\tagainst plain")
	for _, row := range r.Rows {
		for _, f := range row.Forms {
			fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%d\t%d\t%.0f\t%.3f\n", row.Conversation, row.Requests, f.Form, f.Tokens,
				f.Written, f.Read, f.Cost, f.AgainstPlain)
		}
	}
	return t.Flush()
}
