package perplexity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"

	"pith/perplexity"
)

func TestEmbeddedCard(t *testing.T) {
	m := open(t, perplexity.Options{})
	card := m.Card()
	if !card.Verified || card.Contract != perplexity.ContractNLL || card.Device != "cpu" || card.DeviceReason != "" ||
		card.License == "" {
		t.Errorf("card is %+v", card)
	}
	id, device := m.Info()
	if len(id) != 64 || device != "cpu" {
		t.Errorf("Info() = %q, %q", id, device)
	}
	if short, _ := open(t, perplexity.Options{MaxTokens: 100}).Info(); short == id {
		t.Error("a shorter limit changes losses but not the model's identity")
	}
}

func TestDeviceFallsBackWithAReason(t *testing.T) {
	m := open(t, perplexity.Options{Device: "auto"})
	if card := m.Card(); card.Device == "cpu" && !strings.Contains(card.DeviceReason, "CUDA") {
		t.Errorf("on the CPU without a reason: %+v", card)
	}
	_, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cuda:99"})
	if err == nil || !strings.Contains(err.Error(), "cuda:99") {
		t.Errorf("a device that does not exist gave error %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, opt := range []perplexity.Options{{Device: "tpu"}, {Threads: -1}, {MaxBatchTokens: -1}, {MaxTokens: 1}} {
		if _, err := perplexity.Open(perplexity.Embedded(), opt); err == nil {
			t.Errorf("%+v is accepted", opt)
		}
	}
}

// folder returns the files of fsys with some replaced, or removed where the new content is nil.
func folder(t *testing.T, fsys fs.FS, change map[string][]byte) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"model.onnx", "tokenizer.json", "pith.json", "config.json"} {
		if data, err := fs.ReadFile(fsys, name); err == nil {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	for name, data := range change {
		if files[name] = (&fstest.MapFile{Data: data}); data == nil {
			delete(files, name)
		}
	}
	return files
}

func TestTamperedFilesAreRefused(t *testing.T) {
	for _, name := range []string{"model.onnx", "tokenizer.json"} {
		data := read(t, "model", name)
		data[len(data)/2] ^= 1
		_, err := perplexity.Open(
			folder(t, perplexity.Embedded(), map[string][]byte{name: data}), perplexity.Options{Device: "cpu"},
		)
		var wrong *perplexity.ChecksumError
		if !errors.As(err, &wrong) || wrong.File != name || !errors.Is(err, perplexity.ErrChecksum) {
			t.Errorf("one bit of %s flipped: error %v", name, err)
		}
	}
}

func TestBadFoldersAreRefused(t *testing.T) {
	car := map[string]any{}
	if err := json.Unmarshal(read(t, "model", "pith.json"), &car); err != nil {
		t.Fatal(err)
	}
	with := func(key string, value any) []byte {
		changed := maps.Clone(car)
		changed[key] = value
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	junk := []byte("\x08\x07junk")
	sum := sha256.Sum256(junk)
	tests := []struct {
		name   string
		change map[string][]byte
		says   string
	}{
		{"no graph", map[string][]byte{"model.onnx": nil}, "model.onnx"},
		{"no tokenizer", map[string][]byte{"tokenizer.json": nil}, "tokenizer.json"},
		{"neither side-car nor config", map[string][]byte{"pith.json": nil}, "pith.json"},
		{"side-car cut", map[string][]byte{"pith.json": []byte("{")}, "pith.json"},
		{"no limit", map[string][]byte{"pith.json": with("max_tokens", 0)}, "max_tokens"},
		{"small vocabulary", map[string][]byte{"pith.json": with("vocab_size", 100)}, "vocabulary of 100"},
		{"first token out of range", map[string][]byte{"pith.json": with("bos", 100_000)}, "first token"},
		{"other contract", map[string][]byte{"pith.json": with("contract", "logits")}, "contract"},
		{
			"not a graph",
			map[string][]byte{"model.onnx": junk, "pith.json": with("sha256", hex.EncodeToString(sum[:]))},
			"not an ONNX file",
		},
	}
	for _, tt := range tests {
		_, err := perplexity.Open(folder(t, perplexity.Embedded(), tt.change), perplexity.Options{Device: "cpu"})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error is %v, want one that says %q", tt.name, err, tt.says)
		}
	}
}

func TestGraphsOfOtherKindsAreRefused(t *testing.T) {
	model := read(t, tinyQwen, "model.onnx")
	rename := func(old, name string) []byte {
		return rewrite(model, 7, func(graph []byte) []byte {
			for _, ends := range []protowire.Number{11, 12} {
				graph = rewrite(graph, ends, func(port []byte) []byte {
					return rewrite(port, 1, func(b []byte) []byte {
						if string(b) == old {
							return []byte(name)
						}
						return b
					})
				})
			}
			return graph
		})
	}
	// A constant inside a node that points to a file outside of the model's folder.
	location := field(field(nil, 1, "location"), 2, "../../etc/passwd")
	tensor := protowire.AppendVarint(
		protowire.AppendTag(field(field(nil, 8, "w"), 13, string(location)), 14, protowire.VarintType), 1,
	)
	node := field(field(nil, 4, "Constant"), 5, string(field(nil, 5, string(tensor))))
	external := rewrite(model, 7, func(graph []byte) []byte { return field(graph, 1, string(node)) })
	tests := []struct {
		name string
		onnx []byte
		says string
	}{
		{"external data", external, "another file"},
		{"no output", rename("logits", "scores"), "no output"},
		{"unknown input", rename("position_ids", "token_type_ids"), "token_type_ids"},
		{"no tokens", rename("input_ids", "attention_mask"), "input_ids"},
		{"integers out", castLogits(model, 6), "element type 6"},
	}
	for _, tt := range tests {
		_, err := perplexity.Open(
			folder(t, tinyFolder(t), map[string][]byte{"model.onnx": tt.onnx}), perplexity.Options{Device: "cpu"},
		)
		if !errors.Is(err, perplexity.ErrUnsupported) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error is %v, want one that says %q", tt.name, err, tt.says)
		}
	}
}

// A graph whose weights are no numbers loads, and would rank nothing.
func TestDamagedWeightsAreRefused(t *testing.T) {
	model := rewrite(read(t, tinyQwen, "model.onnx"), 7, func(graph []byte) []byte {
		return rewrite(graph, 5, func(tensor []byte) []byte { // an initializer
			return rewrite(tensor, 9, func(raw []byte) []byte {
				if len(raw) < 4<<10 {
					return raw
				}
				return bytes.Repeat([]byte{0xff}, len(raw))
			})
		})
	})
	_, err := perplexity.Open(
		folder(t, tinyFolder(t), map[string][]byte{"model.onnx": model}), perplexity.Options{Device: "cpu"},
	)
	if err == nil || !strings.Contains(err.Error(), "weights are damaged") {
		t.Errorf("weights that are no numbers: %v", err)
	}
}

func tinyFolder(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"model.onnx", "tokenizer.json", "config.json"} {
		files[name] = &fstest.MapFile{Data: read(t, tinyQwen, name)}
	}
	return files
}

// A tokenizer whose post-processor puts a token first, as Llama 3's does, gives a loss to the first
// token of the text.
func TestFirstTokenOfTheTokenizer(t *testing.T) {
	var spec map[string]any
	if err := json.Unmarshal(read(t, tinyQwen, "tokenizer.json"), &spec); err != nil {
		t.Fatal(err)
	}
	spec["post_processor"] = map[string]any{"type": "TemplateProcessing", "single": []any{
		map[string]any{"SpecialToken": map[string]any{"id": "<|endoftext|>", "type_id": 0}},
		map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}},
	}}
	changed, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := perplexity.Open(
		folder(t, tinyFolder(t), map[string][]byte{"tokenizer.json": changed}), perplexity.Options{Device: "cpu"},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	tokens := m.Tokenizer().Encode(query)
	got := score(t, m, perplexity.Sequence{Text: query},
		perplexity.Sequence{Given: query, Text: query, WantGiven: true})
	if len(got[0].Text) != len(tokens) || got[0].Text[0].Offset != 0 {
		t.Errorf("%d losses for %d tokens", len(got[0].Text), len(tokens))
	}
	if len(got[1].Given) != len(tokens) || len(got[1].Text) != len(tokens) {
		t.Errorf("%d and %d losses, want %d each", len(got[1].Given), len(got[1].Text), len(tokens))
	}
}
