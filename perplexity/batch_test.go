package perplexity

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pith/perplexity/onnxgraph"
)

func TestPackKeepsItsBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		limit := 1 + r.IntN(2000)
		passes := make([]*pass, r.IntN(60))
		for i := range passes {
			start, own := 0, 1+r.IntN(400)
			if r.IntN(2) == 0 {
				start = 1 + r.IntN(600)
			}
			p := &pass{ids: make([]int32, start+own+1), start: start, end: start + own}
			switch r.IntN(3) {
			case 0:
				p.from, p.to = start+1, start+own+1
			case 1:
				p.leave = true
			case 2:
				p.start, p.from, p.to = p.end, start+1, start+own+1
			}
			passes[i] = p
		}
		seen := map[*pass]int{}
		for _, b := range pack(passes, limit, true) {
			wanted := 0
			buf := &buffers{}
			buf.fill(b)
			for i, p := range b.rows {
				seen[p]++
				wanted += p.wanted()
				if p.end-p.start > b.own || p.start > b.past {
					t.Fatalf("a row of %d tokens after %d in a batch of shape %+v", p.end-p.start, p.start, b.rowShape)
				}
				targets := 0
				for _, id := range buf.targets[i*b.window:][:b.window] {
					if id >= 0 {
						targets++
					}
				}
				if targets != p.wanted() && b.spare() < 0 {
					t.Fatalf("%d targets for %d losses in a batch of shape %+v", targets, p.wanted(), b.rowShape)
				}
			}
			if len(b.rows) > 1 && len(b.rows)*b.cost() > limit {
				t.Fatalf("%d rows of shape %+v, limit %d", len(b.rows), b.rowShape, limit)
			}
			if wanted != b.wanted {
				t.Fatalf("%d losses wanted, the batch says %d", wanted, b.wanted)
			}
		}
		for _, p := range passes {
			if seen[p] != 1 {
				t.Fatalf("a pass is in %d batches", seen[p])
			}
		}
	}
}

func TestSurprise(t *testing.T) {
	tests := []struct {
		name   string
		logits []float32
		target int
		want   float64
	}{
		{name: "even", logits: []float32{1, 1, 1, 1}, target: 2, want: 1.3862943611},
		{name: "large", logits: []float32{1e4, 0, -1e4}, target: 1, want: 1e4},
		{name: "certain", logits: []float32{500, -500}, target: 0, want: 0},
	}
	for _, tt := range tests {
		if got := surprise(tt.logits, tt.target); got < tt.want-1e-6 || got > tt.want+1e-6 {
			t.Errorf("%s: surprise is %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestHalfFloats(t *testing.T) {
	data := []byte{0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x01, 0x00, 0x00, 0x04, 0x00, 0x80}
	want := []float32{1, -2, 65504, 5.9604645e-8, 6.1035156e-5, 0}
	got := make([]float32, len(want))
	decode(got, data, onnxgraph.ElemFloat16)
	if !slices.Equal(got, want) {
		t.Errorf("halves are %v, want %v", got, want)
	}
	decode(got[:2], []byte{0x80, 0x3F, 0x49, 0xC0}, onnxgraph.ElemBFloat16)
	if got[0] != 1 || got[1] != -3.140625 {
		t.Errorf("bfloat16 are %v, want 1 and -3.140625", got[:2])
	}
}
