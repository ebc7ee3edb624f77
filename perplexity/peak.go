package perplexity

import (
	"context"
	"fmt"
	"math"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"pith/internal/cores"
	"pith/internal/panics"
	"pith/perplexity/onnxgraph"
)

// Number formats of a Multiplier.
const (
	Float32 = "float32"
	Float16 = "float16"
	Int8    = "int8" // weights; activations are quantised for each product, as dynamically quantised models do
)

// A Multiplier multiplies matrices through the runtime as a model would: same sessions, same
// threads. What it reaches is what a model on the device is measured against.
type Multiplier struct {
	session session
	size    products
	threads int
}

// The products of one run are [rows, inner] x [inner, inner], one after the other, so that little
// goes in and out of the device. On a CPU 512 rows reach what larger ones do; it is no batch's
// size, so that the measure stays when batches change.
type products struct{ rows, inner, count int }

var (
	cpuProducts  = products{rows: 512, inner: 1024, count: 4}
	cudaProducts = products{rows: 8192, inner: 8192, count: 16}
)

// NewMultiplier opens a session for products in a number format. Of the options, Device and Threads
// count.
func NewMultiplier(format string, opt Options) (*Multiplier, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if err := Setup(""); err != nil {
		return nil, err
	}
	size, threads := cpuProducts, opt.Threads
	if threads == 0 {
		threads = cores.Number()
	}
	if opt.Device != "cpu" {
		size, threads = cudaProducts, 1
	}
	graph, err := size.graph(format)
	if err != nil {
		return nil, err
	}
	b := &bundle{
		onnx:  graph.Join(),
		graph: onnxgraph.Info{Inputs: []onnxgraph.Port{{Name: "x", Elem: onnxgraph.ElemFloat}}, Contract: "y"},
	}
	s, _, err := openSession(b, opt.Device)
	if err != nil {
		return nil, err
	}
	return &Multiplier{session: s, size: size, threads: threads}, nil
}

// flop is what one run does.
func (p products) flop() float64 {
	return 2 * float64(p.rows) * float64(p.inner) * float64(p.inner) * float64(p.count)
}

// graph writes the products: a row of numbers in, spread over all rows, and the mean of the last
// product out.
func (p products) graph(format string) (onnxgraph.Message, error) {
	// Uniform numbers up to limit have the deviation that keeps the size of a row from product to
	// product.
	limit := float32(math.Sqrt(3 / float64(p.inner)))
	weights, err := randomTensor{"w", format, limit, []int64{int64(p.inner), int64(p.inner)}}.inline()
	if err != nil {
		return onnxgraph.Message{}, err
	}
	elem := onnxgraph.ElemFloat
	if format == Float16 {
		elem = onnxgraph.ElemFloat16
	}
	nodes := []*onnxgraph.Node{
		onnxgraph.Int64Constant("shape", []int64{2}, int64(p.rows), int64(p.inner)),
		onnxgraph.NewNode("Cast", []string{"x"}, []string{"row"}, onnxgraph.IntAttr("to", int64(elem))),
		onnxgraph.NewNode("Expand", []string{"row", "shape"}, []string{"x0"}),
	}
	for i := range p.count {
		nodes = append(nodes, linear(format, fmt.Sprint("x", i), "w", fmt.Sprint("x", i+1)))
	}
	nodes = append(
		nodes,
		onnxgraph.NewNode(
			"ReduceMean", []string{fmt.Sprint("x", p.count)}, []string{"mean"}, onnxgraph.IntAttr("keepdims", 1),
		),
		onnxgraph.NewNode("Cast", []string{"mean"}, []string{"y"}, onnxgraph.IntAttr("to", onnxgraph.ElemFloat)),
	)
	return newFile(
		nodes, weights, []onnxgraph.Message{onnxgraph.NewPort("x", onnxgraph.ElemFloat, 1, p.inner)},
		[]onnxgraph.Message{onnxgraph.NewPort("y", onnxgraph.ElemFloat, 1, 1)},
	), nil
}

// Run multiplies for about d and returns the floating point operations that it did (a
// multiplication and an addition are two).
func (m *Multiplier) Run(ctx context.Context, d time.Duration) (flop float64, err error) {
	counts := make([]int, m.threads)
	g, runCtx := panics.NewGroup(ctx)
	end := time.Now().Add(d)
	for i := range m.threads {
		g.Go(func() error {
			for counts[i] == 0 || time.Now().Before(end) {
				if err := m.once(runCtx); err != nil {
					return err
				}
				counts[i]++
			}
			return nil
		})
	}
	err = g.Wait()
	for _, n := range counts {
		flop += float64(n) * m.size.flop()
	}
	return flop, err
}

func (m *Multiplier) once(ctx context.Context) error {
	row := make([]float32, m.size.inner)
	for i := range row {
		row[i] = float32(i%7) - 3
	}
	var open tensorSet
	defer open.destroy()
	x, y := addTensor(&open, ort.NewShape(1, int64(len(row))), row), addTensor(
		&open,
		ort.NewShape(1, 1),
		make([]float32, 1),
	)
	if open.err != nil {
		return open.err
	}
	if err := m.session.RunWithOptions([]ort.Value{x}, []ort.Value{y}, nil); err != nil {
		return err
	}
	return ctx.Err()
}

// Close frees the session; nothing may run.
func (m *Multiplier) Close() error { return m.session.Destroy() }
