package onnxgraph

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Whatever the bytes are, inspect answers; only then may the runtime see them.
func FuzzInspect(f *testing.F) {
	onnx, err := os.ReadFile("../testdata/tiny-qwen2/model.onnx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(onnx[:2000])
	f.Add(onnx[len(onnx)-2000:])
	f.Add([]byte{0x3A, 0x02, 0x0A, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := Inspect(data)
		if err != nil {
			return
		}
		for _, p := range info.Inputs {
			if info.Initializers[p.Name] {
				t.Errorf("weight %q is taken for an input", p.Name)
			}
		}
	})
}

func TestInspectReadsTheEnds(t *testing.T) {
	onnx, err := os.ReadFile("../testdata/tiny-qwen2/model_with_past.onnx")
	if err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(onnx)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Inputs) != 7 || len(info.Outputs) != 5 {
		t.Fatalf("%d inputs and %d outputs, want 7 and 5", len(info.Inputs), len(info.Outputs))
	}
	p := info.Inputs[3]
	if p.Name != "past_key_values.0.key" || p.Elem != ElemFloat || len(p.Dims) != 4 || p.Dims[0] != -1 ||
		p.Dims[1] != 2 || p.Dims[3] != 12 {
		t.Errorf("input 3 is %+v", p)
	}
}

// The vocabulary projection sees the wanted rows only, and inputs and outputs that losses do not
// need are gone.
func TestPreparedGraphIsSmall(t *testing.T) {
	onnx, err := os.ReadFile("../testdata/tiny-qwen2/model_with_past.onnx")
	if err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(onnx)
	if err != nil {
		t.Fatal(err)
	}
	made, err := ToNLL(onnx, info, false)
	if err != nil {
		t.Fatal(err)
	}
	bytes := made.Join()
	if info, err = Inspect(bytes); err != nil {
		t.Fatal(err)
	}
	if in := info.InputNames(); !slices.Equal(in, []string{"targets", "attention_mask", "input_ids"}) ||
		len(info.Outputs) != 1 {
		t.Errorf("inputs %v, outputs %v", in, info.Outputs)
	}
	e, err := takeApart(bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range e.nodes {
		if n.Op == "Concat" &&
			slices.ContainsFunc(n.In, func(in string) bool { return strings.HasPrefix(in, "past_key_values") }) {
			t.Errorf("%s still joins the empty past", n.Out[0])
		}
		if n.Op == "MatMul" && n.Out[0] == ContractLogits && n.In[0] != prefix+"rows" {
			t.Errorf("the projection reads %s", n.In[0])
		}
	}
	if len(bytes) > len(onnx)+4096 {
		t.Errorf("%d bytes became %d", len(onnx), len(bytes))
	}
}
