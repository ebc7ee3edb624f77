package perplexity

import (
	"os"
	"testing"
)

// Whatever the bytes are, inspect answers; only then may the runtime see them.
func FuzzInspect(f *testing.F) {
	onnx, err := os.ReadFile("testdata/tiny-qwen2/model.onnx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(onnx[:2000])
	f.Add(onnx[len(onnx)-2000:])
	f.Add([]byte{0x3A, 0x02, 0x0A, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := inspect(data)
		if err != nil {
			return
		}
		for _, p := range info.inputs {
			if info.initializers[p.name] {
				t.Errorf("weight %q is taken for an input", p.name)
			}
		}
	})
}

func TestInspectReadsTheEnds(t *testing.T) {
	onnx, err := os.ReadFile("testdata/tiny-qwen2/model_with_past.onnx")
	if err != nil {
		t.Fatal(err)
	}
	info, err := inspect(onnx)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.inputs) != 7 || len(info.outputs) != 5 {
		t.Fatalf("%d inputs and %d outputs, want 7 and 5", len(info.inputs), len(info.outputs))
	}
	p := info.inputs[3]
	if p.name != "past_key_values.0.key" || p.elem != elemFloat || len(p.dims) != 4 || p.dims[0] != -1 || p.dims[1] != 2 || p.dims[3] != 12 {
		t.Errorf("input 3 is %+v", p)
	}
}
