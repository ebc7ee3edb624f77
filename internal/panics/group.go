package panics

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// A Group is an errgroup.Group in which a panic is an error of Wait: on a goroutine of its own it
// would end the process.
type Group struct{ *errgroup.Group }

// NewGroup returns a Group, and a context of ctx that ends with its first error.
func NewGroup(ctx context.Context) (Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	return Group{g}, ctx
}

// Go is errgroup's Go.
func (g Group) Go(f func() error) { g.Group.Go(func() error { return Guard(f) }) }
