package perplexity

import (
	"context"
	"encoding/binary"
	"math"

	"pith/perplexity/onnxgraph"
)

// readLogits computes the rows' losses from full logits [B,T,V]: the token at position t+1 is
// scored by the logits at t.
func (b batch) readLogits(ctx context.Context, logits []byte, elem, vocab int) error {
	row := make([]float32, vocab)
	stride := vocab * onnxgraph.ElemSize(elem)
	for r, p := range b.rows {
		p.nll = make([]float32, 0, p.wanted())
		for t := p.from; t < p.to; t++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			decode(row, logits[(r*b.own+t-1-p.start)*stride:][:stride], elem)
			p.nll = append(p.nll, float32(surprise(row, int(p.ids[t]))))
		}
	}
	return nil
}

// surprise returns -log softmax(logits)[target] in nats. Subtracting the maximum first keeps the
// sum from overflowing.
func surprise(logits []float32, target int) float64 {
	top := logits[0]
	for _, x := range logits {
		top = max(top, x)
	}
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x - top))
	}
	return math.Log(sum) - float64(logits[target]-top)
}

// decode widens little-endian elements to float32.
func decode(out []float32, data []byte, elem int) {
	for i := range out {
		switch elem {
		case onnxgraph.ElemFloat:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		case onnxgraph.ElemBFloat16:
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16)
		default:
			out[i] = fromHalf(binary.LittleEndian.Uint16(data[2*i:]))
		}
	}
}

// fromHalf converts an IEEE 754 half.
func fromHalf(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&0x1F, uint32(h)&0x3FF
	switch exp {
	case 0: // zero or subnormal: frac * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 0x1F:
		return math.Float32frombits(sign | 0x7F800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// toHalf converts to the IEEE 754 half towards zero; what is too small becomes zero. For weights
// within its range.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	exp := int(bits>>23&0xFF) - 112
	if exp <= 0 {
		return uint16(bits >> 16 & 0x8000)
	}
	return uint16(bits>>16&0x8000) | uint16(exp)<<10 | uint16(bits>>13&0x3FF)
}
