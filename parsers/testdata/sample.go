// Package x doc.
package x

import (
	"fmt"
	// c
	b "os"
)

const (
	A = iota // one
	B
)

// T doc
type T struct {
	a, b int // x
	c    map[string]struct {
		d int
	}
}

type (
	U interface {
		F()
		error
	}
	V = int
)

var tab = []T{
	{1, 2, nil},
	{
		a: 1,
	},
}

func (t *T[X]) F(a int,
	b string) (err error) {
	switch x := a.(type) {
	case int, bool:
		foo()
	default:
	}
	select {
	case <-ch:
		a()
	}
L:
	for i := range 3 {
		continue L
	}
	go func() {
		x++
	}()
	return nil
}

// Cache keeps values by key.
//
// It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	entries map[K]V // by key
}

// Get returns the value of a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.entries[key]
	return v, ok
}

/*
A block comment

	over lines.
*/
func Map[T, U any](in []T, f func(T) U) []U {
	out := make([]U, 0, len(in))

	// one by one
	for _, v := range in {
		out = append(out, f(v))
	}
	if len(out) == 0 {
		return nil
	} else if len(out) == 1 {
		out[0] = f(in[0])
	} else {
		sort.Slice(out, func(i, j int) bool {
			return less(out[i], out[j])
		})
	}
	text := `raw {
	// no comment
`
	_ = text
	return out
}

func init() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
	})
	for {
		break
	}
}
