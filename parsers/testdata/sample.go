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
