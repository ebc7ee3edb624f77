package onnxgraph

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Weights counts what a graph multiplies by.
type Weights struct {
	// Token counts for each token that goes through, Loss for each loss: the vocabulary projection,
	// known by one side being the vocabulary.
	Token, Loss int64
	// Integers says that products are of integers.
	Integers bool
}

// CountWeights counts the weights of the products in an ONNX file. Attention among the tokens,
// lookups and what works on one number at a time are not counted.
func CountWeights(onnx []byte, vocab int) (w Weights, err error) {
	e, err := takeApart(onnx)
	if err != nil {
		return w, err
	}
	sizes := map[string][]int64{}
	for _, f := range e.graph {
		if f.Num == 5 {
			name, dims, err := tensorShape(f.Body)
			if err != nil {
				return w, err
			}
			sizes[name] = dims
		}
	}
	for _, n := range e.nodes {
		if !slices.Contains(projections, n.Op) || len(n.In) < 2 || e.constant(n.In[0]) || !e.constant(n.In[1]) {
			continue
		}
		dims, err := e.weightShape(n, sizes)
		if err != nil {
			return w, err
		}
		count := int64(1)
		for _, d := range dims {
			count *= d
		}
		if slices.Contains(dims, int64(vocab)) {
			w.Loss += count
		} else {
			w.Token += count
		}
		if strings.Contains(n.Op, "Integer") || strings.Contains(n.Op, "Quantize") {
			w.Integers = true
		}
	}
	return w, nil
}

// weightShape returns the shape of the weight of a product: of the tensor itself, or of what it is
// unpacked from.
func (e *edit) weightShape(n *Node, sizes map[string][]int64) ([]int64, error) {
	if n.Op == "MatMulNBits" || n.Op == "MatMulBnb4" {
		from, err := n.Attribute("K", 1)
		if err != nil {
			return nil, err
		}
		to, err := n.Attribute("N", 1)
		return []int64{from, to}, err
	}
	name := n.In[1]
	for range len(e.nodes) + 1 {
		dims, found := sizes[name]
		from := e.producers[name]
		if found || from == nil || len(from.In) == 0 {
			return dims, nil
		}
		name = from.In[0] // Transpose, Cast, DequantizeLinear, or Mul by a scale
	}
	return nil, ErrMalformed
}

func tensorShape(tensor []byte) (name string, dims []int64, err error) {
	err = EachField(tensor, func(num protowire.Number, b []byte, n uint64) error {
		switch {
		case num == 8:
			name = string(b)
		case num == 1 && b == nil:
			dims = append(dims, int64(n))
		case num == 1: // packed
			for len(b) > 0 {
				v, size := protowire.ConsumeVarint(b)
				if size < 0 {
					return ErrMalformed
				}
				dims, b = append(dims, int64(v)), b[size:]
			}
		}
		return nil
	})
	return name, dims, err
}
