package perplexity

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// countWeights tells the card what the graph multiplies by for each token that goes through it, and for each loss: the vocabulary
// projection, known by one side being the vocabulary. Attention among the tokens, lookups and what works on one number at a time
// are not counted.
func (b *bundle) countWeights() error {
	e, err := takeApart(b.onnx)
	if err != nil {
		return err
	}
	sizes := map[string][]int64{}
	for _, f := range e.graph {
		if f.num == 5 {
			name, dims, err := tensorShape(f.body)
			if err != nil {
				return err
			}
			sizes[name] = dims
		}
	}
	b.card.Numbers = Float32
	if b.graph.half {
		b.card.Numbers = Float16
	}
	for _, n := range e.nodes {
		if !slices.Contains(projections, n.op) || len(n.in) < 2 || e.constant(n.in[0]) || !e.constant(n.in[1]) {
			continue
		}
		dims, err := e.weightShape(n, sizes)
		if err != nil {
			return err
		}
		count := int64(1)
		for _, d := range dims {
			count *= d
		}
		if slices.Contains(dims, int64(b.card.VocabSize)) {
			b.card.LossWeights += count
		} else {
			b.card.TokenWeights += count
		}
		if strings.Contains(n.op, "Integer") || strings.Contains(n.op, "Quantize") {
			b.card.Numbers = Int8
		}
	}
	return nil
}

// weightShape returns the shape of the weight of a product: of the tensor itself, or of what it is unpacked from.
func (e *edit) weightShape(n *node, sizes map[string][]int64) ([]int64, error) {
	if n.op == "MatMulNBits" || n.op == "MatMulBnb4" {
		from, err := n.attribute("K", 1)
		if err != nil {
			return nil, err
		}
		to, err := n.attribute("N", 1)
		return []int64{from, to}, err
	}
	name := n.in[1]
	for range len(e.nodes) + 1 {
		dims, found := sizes[name]
		from := e.producers[name]
		if found || from == nil || len(from.in) == 0 {
			return dims, nil
		}
		name = from.in[0] // Transpose, Cast, DequantizeLinear, or Mul by a scale
	}
	return nil, errMalformed
}

func tensorShape(tensor []byte) (name string, dims []int64, err error) {
	err = eachField(tensor, func(num protowire.Number, b []byte, n uint64) error {
		switch {
		case num == 8:
			name = string(b)
		case num == 1 && b == nil:
			dims = append(dims, int64(n))
		case num == 1: // packed
			for len(b) > 0 {
				v, size := protowire.ConsumeVarint(b)
				if size < 0 {
					return errMalformed
				}
				dims, b = append(dims, int64(v)), b[size:]
			}
		}
		return nil
	})
	return name, dims, err
}
