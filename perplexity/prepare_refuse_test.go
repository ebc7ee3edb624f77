package perplexity

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/perplexity/onnxgraph"
)

func TestPrepareRefuses(t *testing.T) {
	plain := func(g *toy) string {
		return g.op("MatMul", []string{g.body(g.floats(0.7, toyVocab, toyWidth)), g.floats(1, toyWidth, toyVocab)})
	}
	tests := []struct {
		name string
		make func(g *toy) []byte
		says string
	}{
		{"old opset", func(g *toy) []byte { g.opset = 10; return g.finish(plain(g), onnxgraph.ElemFloat) }, "opset 10"},
		{"fixed shape", func(g *toy) []byte {
			g.inputs[0] = onnxgraph.NewPort("input_ids", onnxgraph.ElemInt64, 1, 64)
			return g.finish(plain(g), onnxgraph.ElemFloat)
		}, "fixed shape"},
		{"two projections", func(g *toy) []byte {
			h := g.body(g.floats(0.7, toyVocab, toyWidth))
			a, b := g.op("MatMul", []string{h, g.floats(1, toyWidth, toyVocab)}), g.op(
				"MatMul",
				[]string{h, g.floats(1, toyWidth, toyVocab)},
			)
			return g.finish(g.op("Add", []string{a, b}), onnxgraph.ElemFloat)
		}, "combined"},
		{"weights from the input", func(g *toy) []byte {
			h := g.body(g.floats(0.7, toyVocab, toyWidth))
			return g.finish(
				g.op("MatMul", []string{h, g.op("Transpose", []string{h}, onnxgraph.IntsAttr("perm", 0, 2, 1))}),
				onnxgraph.ElemFloat,
			)
		}, "computed from the input"},
		{
			"merged decoder",
			func(g *toy) []byte { return g.finish(g.op("If", []string{plain(g)}), onnxgraph.ElemFloat) },
			"merged",
		},
		{
			"another operator",
			func(g *toy) []byte { return g.finish(g.op("Softmax", []string{plain(g)}), onnxgraph.ElemFloat) },
			"Softmax",
		},
		{
			"nothing behind the logits",
			func(g *toy) []byte { return g.finish("input_ids", onnxgraph.ElemFloat) },
			"no vocabulary projection",
		},
		{"a circle", func(g *toy) []byte {
			g.nodes = append(
				g.nodes, onnxgraph.NewNode("Tanh", []string{"b"}, []string{"a"}),
				onnxgraph.NewNode("Tanh", []string{"a"}, []string{"b"}),
			)
			return g.finish("a", onnxgraph.ElemFloat)
		}, "circle"},
		{"graph that the runtime does not load", func(g *toy) []byte {
			return g.finish(g.op("MatMul", []string{"nowhere", g.floats(1, toyWidth, toyVocab)}), onnxgraph.ElemFloat)
		}, "load graph"},
		{"other losses than before", func(g *toy) []byte {
			// The operator scales by the largest value of all rows: without those that nobody
			// wants, it rounds differently.
			const elemInt8 = 3
			h := g.op(
				"Exp", []string{g.op("Mul", []string{g.body(g.floats(2, toyVocab, toyWidth)), g.floats(4, toyWidth)})})
			in := []string{h, g.bytes(elemInt8, toyWidth, toyVocab), g.floats(0.05, 1)}
			g.nodes = append(g.nodes, onnxgraph.NewNode("DynamicQuantizeMatMul", in, []string{"y"}).Of("com.microsoft"))
			return g.finish("y", onnxgraph.ElemFloat)
		}, "nats from the original's"},
	}
	for _, tt := range tests {
		g := newToy()
		dir, parent := g.folder(t, tt.make(g)), t.TempDir()
		_, err := Prepare(t.Context(), dir, PrepareOptions{Out: filepath.Join(parent, "out")})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error is %v, want one that says %q", tt.name, err, tt.says)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("%s: left %v behind", tt.name, left)
		}
	}
}

func TestPrepareLeavesNothingHalfWritten(t *testing.T) {
	g := newToy()
	dir, parent := g.folder(t, tails[0].make(g)), t.TempDir()
	out := filepath.Join(parent, "out")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Prepare(ctx, dir, PrepareOptions{Out: out, Progress: func(what string, _, _ int64) {
		if strings.HasPrefix(what, "score") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it returned %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("cancelled, it left %v", left)
	}
	if _, err := Prepare(t.Context(), dir, PrepareOptions{Out: out}); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), dir, PrepareOptions{Out: out}); err == nil ||
		!strings.Contains(err.Error(), "there already") {
		t.Errorf("over a folder that exists it returned %v", err)
	}
	if _, err := Prepare(t.Context(), out, PrepareOptions{Out: out + "-again"}); err == nil ||
		!strings.Contains(err.Error(), "already") {
		t.Errorf("prepared twice, it returned %v", err)
	}
}

// A changed byte of weights in their own file is found like one of the graph.
func TestWeightsBesideTheGraphAreChecked(t *testing.T) {
	g := newToy()
	dir, out := g.folder(t, tails[len(tails)-1].make(g)), filepath.Join(t.TempDir(), "out")
	if _, err := Prepare(t.Context(), dir, PrepareOptions{Out: out}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(out, "model.onnx.data")
	g.external[7] ^= 1
	if err := os.Remove(name); err != nil { // it may be a second name of the original's
		t.Fatal(err)
	}
	if err := os.WriteFile(name, g.external, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenDir(out, Options{Device: "cpu"})
	var wrong *ChecksumError
	if !errors.As(err, &wrong) || wrong.File != "model.onnx.data" {
		t.Errorf("with one bit of the weights flipped: %v", err)
	}
	if _, err := Open(os.DirFS(dir), Options{Device: "cpu"}); !errors.Is(err, ErrUnsupported) ||
		!strings.Contains(err.Error(), "another file") {
		t.Errorf("without the folder's path: %v", err)
	}
}

func FuzzToNLL(f *testing.F) {
	for _, tt := range tails {
		g := newToy()
		g.bare = true
		f.Add(tt.make(g))
	}
	f.Fuzz(func(t *testing.T, onnx []byte) {
		info, err := onnxgraph.Inspect(onnx)
		if err != nil {
			return
		}
		if _, err := info.Settle(""); err != nil || info.Contract != ContractLogits {
			return
		}
		made, err := onnxgraph.ToNLL(onnx, info, true)
		if err != nil {
			return
		}
		again, err := onnxgraph.Inspect(made.Join())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Settle(""); err != nil || again.Contract != ContractNLL {
			t.Errorf("the edited graph keeps contract %q: %v", again.Contract, err)
		}
	})
}
