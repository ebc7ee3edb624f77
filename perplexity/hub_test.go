package perplexity_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"

	"pith/perplexity"
)

const (
	tinyQwen   = "testdata/tiny-qwen2"
	tinyParity = tinyQwen + "/parity.json"
)

// A Hugging Face export of Qwen2's architecture and tokenizer family, with random weights and no
// side-car.
func TestHubFolder(t *testing.T) {
	m, err := perplexity.OpenDir(tinyQwen, perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	card := m.Card()
	if card.Name != "qwen2" || card.License != "unknown" || card.Verified ||
		card.Contract != perplexity.ContractLogits || card.MaxTokens != 1024 {
		t.Errorf("card is %+v", card)
	}
	checkParity(t, m, tinyParity, parityTolerance)
}

func TestHubLayouts(t *testing.T) {
	model, past := read(t, tinyQwen, "model.onnx"), read(t, tinyQwen, "model_with_past.onnx")
	tests := []struct {
		name, path string
		onnx       []byte
		tolerance  float64
	}{
		{name: "folder onnx", path: "onnx/model.onnx", onnx: model, tolerance: parityTolerance},
		{name: "with past", path: "model.onnx", onnx: past, tolerance: parityTolerance},
		{name: "float16 logits", path: "model.onnx", onnx: castLogits(model, 10), tolerance: 8e-3},
		{name: "bfloat16 logits", path: "model.onnx", onnx: castLogits(model, 16), tolerance: 6e-2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := perplexity.Open(fstest.MapFS{
				tt.path:          {Data: tt.onnx},
				"tokenizer.json": {Data: read(t, tinyQwen, "tokenizer.json")},
				"config.json":    {Data: read(t, tinyQwen, "config.json")},
			}, perplexity.Options{Device: "cpu"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			checkParity(t, m, parityFor(t, m.Card().SHA256), tt.tolerance)
		})
	}
}

func read(tb testing.TB, parts ...string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// parityFor returns the tiny model's stored losses, said to be of another graph with the same
// weights.
func parityFor(t *testing.T, sha256 string) string {
	t.Helper()
	_, rest, found := strings.Cut(string(read(t, tinyParity)), `"model_sha256": "`)
	if !found || len(rest) < 64 {
		t.Fatalf("%s names no model", tinyParity)
	}
	file := filepath.Join(t.TempDir(), "parity.json")
	if err := os.WriteFile(file, []byte(`{"model_sha256": "`+sha256+rest[64:]), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// castLogits returns the ONNX file with a Cast to another element type put before its output
// logits.
func castLogits(onnx []byte, elem uint64) []byte {
	return rewrite(onnx, 7, func(graph []byte) []byte {
		graph = rewrite(graph, 1, func(node []byte) []byte {
			return rewrite(node, 2, func(name []byte) []byte {
				if string(name) == "logits" {
					return []byte("wide")
				}
				return name
			})
		})
		graph = rewrite(graph, 12, func(output []byte) []byte {
			return rewrite(output, 2, func(typ []byte) []byte {
				return rewrite(typ, 1, func(tensor []byte) []byte {
					// A field that is given twice takes its last value.
					return protowire.AppendVarint(protowire.AppendTag(tensor, 1, protowire.VarintType), elem)
				})
			})
		})
		var to, cast []byte
		to = field(to, 1, "to")
		to = protowire.AppendVarint(protowire.AppendTag(to, 3, protowire.VarintType), elem)
		to = protowire.AppendVarint(protowire.AppendTag(to, 20, protowire.VarintType), 2)
		cast = field(cast, 1, "wide")
		cast = field(cast, 2, "logits")
		cast = field(cast, 4, "Cast")
		cast = field(cast, 5, string(to))
		return field(graph, 1, string(cast))
	})
}

func field(msg []byte, num protowire.Number, body string) []byte {
	return protowire.AppendString(protowire.AppendTag(msg, num, protowire.BytesType), body)
}

// rewrite returns a protobuf message with the bodies of one field replaced.
func rewrite(msg []byte, field protowire.Number, edit func([]byte) []byte) []byte {
	var out []byte
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		size := protowire.ConsumeFieldValue(num, typ, msg[max(n, 0):])
		if n < 0 || size < 0 {
			panic("the message to rewrite is malformed")
		}
		if num == field && typ == protowire.BytesType {
			body, _ := protowire.ConsumeBytes(msg[n:])
			out = protowire.AppendBytes(append(out, msg[:n]...), edit(slices.Clip(body)))
		} else {
			out = append(out, msg[:n+size]...)
		}
		msg = msg[n+size:]
	}
	return out
}
