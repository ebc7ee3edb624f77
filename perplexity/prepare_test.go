package perplexity

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/perplexity/onnxgraph"
)

// tails are the ends of graphs as exporters and quantisers write them: hidden states in, logits
// out.
var tails = []struct {
	name string
	make func(g *toy) []byte
}{
	{"tied weights, transposed (Llama, Qwen2)", func(g *toy) []byte {
		table := g.floats(0.7, toyVocab, toyWidth)
		return g.finish(
			g.op(
				"MatMul",
				[]string{g.body(table), g.op("Transpose", []string{table}, onnxgraph.IntsAttr("perm", 1, 0))}),
			onnxgraph.ElemFloat,
		)
	}},
	{"Gemm between reshapes (GPT-2)", func(g *toy) []byte {
		h := g.body(g.floats(0.7, toyVocab, toyWidth))
		shape := g.op("Shape", []string{h})
		rows := g.op("Reshape", []string{h, g.constant(-1, toyWidth)})
		y := g.op(
			"Gemm", []string{rows, g.floats(1, toyVocab, toyWidth), g.floats(1, toyVocab)},
			onnxgraph.IntAttr("transB", 1),
		)
		first := g.op("Slice", []string{shape, g.constant(0), g.constant(2)})
		return g.finish(
			g.op(
				"Reshape",
				[]string{y, g.op("Concat", []string{first, g.constant(toyVocab)}, onnxgraph.IntAttr("axis", 0))}),
			onnxgraph.ElemFloat,
		)
	}},
	{"soft cap and bias (Gemma 2, Phi)", func(g *toy) []byte {
		y := g.op("MatMul", []string{g.body(g.floats(0.7, toyVocab, toyWidth)), g.floats(3, toyWidth, toyVocab)})
		y = g.op("Add", []string{g.floats(1, 1, 1, toyVocab), y})
		cap := g.floats(30)
		return g.finish(
			g.op("Mul", []string{g.op("Tanh", []string{g.op("Div", []string{y, cap})}), cap}), onnxgraph.ElemFloat,
		)
	}},
	{"half precision, cast to float", func(g *toy) []byte {
		h := g.op("Cast", []string{g.body(g.floats(0.7, toyVocab, toyWidth))},
			onnxgraph.IntAttr("to", onnxgraph.ElemFloat16))
		return g.finish(
			g.op(
				"Cast", []string{g.op("MatMul", []string{h, g.halves(toyWidth, toyVocab)})},
				onnxgraph.IntAttr("to", onnxgraph.ElemFloat),
			),
			onnxgraph.ElemFloat,
		)
	}},
	{"half precision to the end", func(g *toy) []byte {
		h := g.op("Cast", []string{g.body(g.floats(0.7, toyVocab, toyWidth))},
			onnxgraph.IntAttr("to", onnxgraph.ElemFloat16))
		return g.finish(g.op("MatMul", []string{h, g.halves(toyWidth, toyVocab)}), onnxgraph.ElemFloat16)
	}},
	{"dynamic int8", func(g *toy) []byte {
		const elemInt8, elemUint8 = 3, 2
		h := g.body(g.floats(0.7, toyVocab, toyWidth))
		g.nodes = append(
			g.nodes, onnxgraph.NewNode("DynamicQuantizeLinear", []string{h}, []string{"h8", "h_scale", "h_zero"}),
		)
		y := g.op("MatMulInteger",
			[]string{"h8", g.bytes(elemInt8, toyWidth, toyVocab), "h_zero", g.bytes(elemUint8 + 1)})
		scale := g.op("Mul", []string{"h_scale", g.floats(0.02, toyVocab)})
		y = g.op("Mul", []string{g.op("Cast", []string{y}, onnxgraph.IntAttr("to", onnxgraph.ElemFloat)), scale})
		return g.finish(g.op("Add", []string{y, g.floats(1, toyVocab)}), onnxgraph.ElemFloat)
	}},
	{"4-bit blocks", func(g *toy) []byte {
		const elemUint8 = 2
		h := g.body(g.floats(0.7, toyVocab, toyWidth))
		in := []string{h, g.bytes(elemUint8, toyVocab, 1, toyWidth/2), g.floats(0.1, toyVocab)}
		g.nodes = append(
			g.nodes,
			onnxgraph.NewNode("MatMulNBits", in, []string{"y"}, onnxgraph.IntAttr("K", toyWidth), onnxgraph.IntAttr("N",
				toyVocab),
				onnxgraph.IntAttr("bits", 4), onnxgraph.IntAttr("block_size", 16)).
				Of("com.microsoft"),
		)
		return g.finish("y", onnxgraph.ElemFloat)
	}},
	{"logits_to_keep", func(g *toy) []byte {
		g.inputs = append(g.inputs, onnxgraph.NewPort("logits_to_keep", onnxgraph.ElemInt64))
		h := g.body(g.floats(0.7, toyVocab, toyWidth))
		from := g.op("Reshape", []string{g.op("Neg", []string{"logits_to_keep"}), g.constant(-1)})
		h = g.op("Slice", []string{h, from, g.constant(math.MaxInt64), g.constant(1)})
		return g.finish(g.op("MatMul", []string{h, g.floats(1, toyWidth, toyVocab)}), onnxgraph.ElemFloat)
	}},
	{"positions and an empty past, nodes in no order", func(g *toy) []byte {
		g.inputs = append(
			g.inputs, onnxgraph.NewPort("position_ids", onnxgraph.ElemInt64, "batch_size", "sequence_length"),
			onnxgraph.NewPort("past_key_values.0.key", onnxgraph.ElemFloat, "batch_size", 1,
				"past_sequence_length", toyWidth))
		h := g.body(g.floats(0.7, toyVocab, toyWidth))
		at := g.op("Gather", []string{g.floats(0.5, 256, toyWidth), "position_ids"})
		keys := g.op(
			"Concat", []string{"past_key_values.0.key", g.op("Unsqueeze", []string{at, g.constant(1)})},
			onnxgraph.IntAttr("axis", 2),
		)
		// Not "present.0.key": the body looks at no past, so nothing may be told to go on from one.
		g.nodes = append(g.nodes, onnxgraph.NewNode("Identity", []string{keys}, []string{"present.0"}))
		g.outputs = append(
			g.outputs,
			onnxgraph.NewPort("present.0", onnxgraph.ElemFloat, "batch_size", 1, "total_sequence_length", toyWidth),
		)
		h = g.op("Add", []string{h, g.op("Squeeze", []string{keys, g.constant(1)})})
		y := g.op("MatMul", []string{h, g.floats(1, toyWidth, toyVocab)})
		slices.Reverse(g.nodes)
		return g.finish(y, onnxgraph.ElemFloat)
	}},
	{"weights in a file of their own", func(g *toy) []byte {
		h := g.body(g.apart(0.7, toyVocab, toyWidth))
		return g.finish(g.op("MatMul", []string{h, g.apart(1, toyWidth, toyVocab)}), onnxgraph.ElemFloat)
	}},
}

func TestPrepare(t *testing.T) {
	for _, tt := range tails {
		t.Run(tt.name, func(t *testing.T) {
			g := newToy()
			dir, out := g.folder(t, tt.make(g)), filepath.Join(t.TempDir(), "out")
			got, err := Prepare(t.Context(), dir, PrepareOptions{Out: out})
			if err != nil {
				t.Fatal(err)
			}
			if got.Card.Contract != ContractNLL || !got.Card.Verified || got.Card.License != "mit" || got.Losses < 100 {
				t.Errorf("prepared %+v", got)
			}
			before, after := scoreFolder(t, dir), scoreFolder(t, out)
			spread := 0.0
			for i := range before {
				if d := math.Abs(before[i].NLL - after[i].NLL); !(d <= got.Tolerance) ||
					before[i].Offset != after[i].Offset {
					t.Fatalf("loss %d is %v, was %v", i, after[i], before[i])
				}
				spread = max(spread, math.Abs(before[i].NLL-before[0].NLL))
			}
			if spread < 0.1 {
				t.Errorf("losses are all within %g: they would not show a mistake", spread)
			}
		})
	}
}

// scoreFolder scores rows of several lengths in one batch.
func scoreFolder(t *testing.T, dir string) []Loss {
	t.Helper()
	m, err := OpenDir(dir, Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.Score(
		t.Context(),
		[]Sequence{
			{Given: "func f() {}\n", Text: "what does f do?", WantGiven: true},
			{Text: "short"},
			{Given: "x := 1\n", Text: "y"},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	var all []Loss
	for _, l := range out {
		all = append(append(all, l.Given...), l.Text...)
	}
	return all
}

// An export that takes a past goes on to do so: another question about a text costs the question
// only, and gives what one run of the original over all gives.
func TestPreparedGraphKeepsStates(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	for from, to := range map[string]string{
		"model_with_past.onnx": "model.onnx", "tokenizer.json": "tokenizer.json",
		"config.json": "config.json",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "tiny-qwen2", from))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Prepare(t.Context(), dir, PrepareOptions{Out: out}); err != nil {
		t.Fatal(err)
	}
	opened := func(dir string) *Model {
		m, err := OpenDir(dir, Options{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	before, after := opened(dir), opened(out)
	long := strings.Repeat("func (s *Store) Get(key string) (string, error) {\n\treturn s.find(key)\n}\n\n", 20)
	for n, question := range []string{"Which error does Get return for a key?", "Who calls find?"} {
		seqs := []Sequence{
			{Given: long, Text: question, WantGiven: n == 1},
			{Given: long[:700], Text: question},
			{Given: "x := 1\n", Text: question},
		}
		want, err := before.scoreWhole(t.Context(), seqs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := after.Score(t.Context(), seqs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			a, b := append(want[i].Given, want[i].Text...), append(got[i].Given, got[i].Text...)
			if len(a) != len(b) || len(a) < 5 {
				t.Fatalf("question %d, text %d: %d losses, want %d", n, i, len(b), len(a))
			}
			for k := range a {
				if d := math.Abs(a[k].NLL - b[k].NLL); !(d <= tolerance) {
					t.Fatalf("question %d, text %d: loss %d is %v, want %v", n, i, k, b[k].NLL, a[k].NLL)
				}
			}
		}
		if stats := after.Stats(); (stats.StateHits > 0) != (n == 1) {
			t.Errorf("after question %d: %+v", n, stats)
		}
	}
}
