package perplexity

import (
	"fmt"
	"sync"
	"syscall"

	"pith/perplexity/onnxgraph"
)

const (
	// blockTokens is the tokens of one block of state. States of names and signatures are about
	// that long.
	blockTokens = 8
	// spareBytes bounds the blocks that nothing uses and that are kept for the next state: what a
	// request's last pieces need.
	spareBytes = 4 << 20
)

// blocks hands out memory for states in pieces of one size, outside of the Go heap, where the
// collector would let twice its size pile up before it looks. A piece given back is taken again
// before the system is asked: getting fresh memory, which the system clears page by page, takes
// longer than writing to it.
type blocks struct {
	size int // of a block, in bytes

	mu    sync.Mutex
	spare [][]byte
	limit int // of spare, in blocks
}

func newBlocks(channels []onnxgraph.Channel) *blocks {
	size := max(1, blockTokens*tokenBytes(channels))
	return &blocks{size: size, limit: spareBytes / size}
}

// take returns n blocks. What they hold is undefined.
func (b *blocks) take(n int) ([][]byte, error) {
	list := make([][]byte, 0, n)
	b.mu.Lock()
	reused := min(n, len(b.spare))
	rest := len(b.spare) - reused
	list = append(list, b.spare[rest:]...)
	b.spare = b.spare[:rest]
	b.mu.Unlock()
	for len(list) < n {
		data, err := syscall.Mmap(-1, 0, b.size, syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			b.give(list)
			return nil, fmt.Errorf("memory for %d blocks of %d bytes: %w", n, b.size, err)
		}
		list = append(list, data)
	}
	return list, nil
}

// give takes blocks back.
func (b *blocks) give(list [][]byte) {
	b.mu.Lock()
	kept := max(0, min(b.limit-len(b.spare), len(list)))
	b.spare = append(b.spare, list[:kept]...)
	b.mu.Unlock()
	free(list[kept:])
}

// close frees what is spare; blocks given back from now on are freed.
func (b *blocks) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	free(b.spare)
	b.spare, b.limit = nil, 0
}

func free(list [][]byte) {
	for _, data := range list {
		_ = syscall.Munmap(data) // fails only for addresses that were never mapped
	}
}
