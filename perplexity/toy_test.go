package perplexity

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pith/perplexity/onnxgraph"
)

const (
	toyVocab = 640
	toyWidth = 16
)

// A toy is a graph in the making that has the ends and the tail of a language model's export, over
// a body that only mixes each position with those before it.
type toy struct {
	nodes    []*onnxgraph.Node
	weights  []onnxgraph.Message
	inputs   []onnxgraph.Message
	outputs  []onnxgraph.Message
	external []byte // what weights put in a file of their own hold
	opset    int64
	bare     bool // weights hold no numbers: the file is small, and cannot be run
	rng      *rand.Rand
}

func newToy() *toy {
	g := &toy{opset: 17, rng: rand.New(rand.NewPCG(1, 2))}
	g.inputs = []onnxgraph.Message{
		onnxgraph.NewPort("input_ids", onnxgraph.ElemInt64, "batch_size", "sequence_length"),
		onnxgraph.NewPort("attention_mask", onnxgraph.ElemInt64, "batch_size", "sequence_length"),
	}
	return g
}

// op adds a node with one output and returns that.
func (g *toy) op(op string, in []string, attributes ...onnxgraph.Message) string {
	out := fmt.Sprintf("%s_%d", op, len(g.nodes))
	g.nodes = append(g.nodes, onnxgraph.NewNode(op, in, []string{out}, attributes...))
	return out
}

func (g *toy) constant(values ...int64) string {
	out := fmt.Sprintf("constant_%d", len(g.nodes))
	g.nodes = append(g.nodes, onnxgraph.Int64Constant(out, []int64{int64(len(values))}, values...))
	return out
}

func (g *toy) weight(elem int, data []byte, dims ...int64) string {
	name := fmt.Sprintf("weight_%d", len(g.weights))
	if g.bare {
		data = nil
	}
	t := onnxgraph.NewTensor(elem, dims, data)
	t.Text(8, name)
	g.weights = append(g.weights, t)
	return name
}

// floats makes a weight of random numbers of that deviation.
func (g *toy) floats(std float64, dims ...int64) string {
	return g.weight(onnxgraph.ElemFloat, g.random(std, dims...), dims...)
}

func (g *toy) random(std float64, dims ...int64) []byte {
	var data []byte
	for range size(dims) {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(g.rng.NormFloat64()*std)))
	}
	return data
}

func size(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}

// halves makes a weight of 16-bit floats near 1 or -1.
func (g *toy) halves(dims ...int64) string {
	var data []byte
	for range size(dims) {
		data = binary.LittleEndian.AppendUint16(data, uint16(g.rng.IntN(2)<<15|0x3800|g.rng.IntN(1024)))
	}
	return g.weight(onnxgraph.ElemFloat16, data, dims...)
}

func (g *toy) bytes(elem int, dims ...int64) string {
	data := make([]byte, size(dims))
	for i := range data {
		data[i] = byte(g.rng.IntN(256))
	}
	return g.weight(elem, data, dims...)
}

// apart makes a weight in a file of its own.
func (g *toy) apart(std float64, dims ...int64) string {
	name := fmt.Sprintf("weight_%d", len(g.weights))
	data := g.random(std, dims...)
	var t onnxgraph.Message
	for _, d := range dims {
		t.Varint(1, d)
	}
	t.Varint(2, onnxgraph.ElemFloat)
	t.Text(8, name)
	for _, entry := range [][2]string{
		{"location", "model.onnx.data"}, {"offset", fmt.Sprint(len(g.external))}, {"length", fmt.Sprint(len(data))},
	} {
		var e onnxgraph.Message
		e.Text(1, entry[0])
		e.Text(2, entry[1])
		t.Nested(13, e)
	}
	t.Varint(14, 1)
	g.external = append(g.external, data...)
	g.weights = append(g.weights, t)
	return name
}

// body returns the hidden states [B,T,width] over a table of embeddings.
func (g *toy) body(table string) string {
	x := g.op("Gather", []string{table, "input_ids"})
	before := g.op("CumSum", []string{x, g.constant(1)})
	return g.op("Tanh", []string{g.op("Add", []string{x, g.op("Mul", []string{before, g.floats(0.3, toyWidth)})})})
}

// finish names the tensor the output and returns the file.
func (g *toy) finish(logits string, elem int) []byte {
	g.nodes = append(g.nodes, onnxgraph.NewNode("Identity", []string{logits}, []string{ContractLogits}))
	g.outputs = append(
		[]onnxgraph.Message{onnxgraph.NewPort(ContractLogits, elem, "batch_size", "sequence_length", toyVocab)},
		g.outputs...)
	var graph, model, opset, contrib onnxgraph.Message
	for _, n := range g.nodes {
		graph.Nested(1, n.Body)
	}
	graph.Text(2, "toy")
	for _, w := range g.weights {
		graph.Nested(5, w)
	}
	for _, p := range g.inputs {
		graph.Nested(11, p)
	}
	for _, p := range g.outputs {
		graph.Nested(12, p)
	}
	opset.Varint(2, g.opset)
	contrib.Text(1, "com.microsoft")
	contrib.Varint(2, 1)
	model.Varint(1, 8)
	model.Nested(7, graph)
	model.Nested(8, opset)
	model.Nested(8, contrib)
	return model.Join()
}

// folder writes a Hugging Face layout around a graph.
func (g *toy) folder(t *testing.T, onnx []byte) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", "tokenizers", "qwen2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tokenizer json.RawMessage `json:"tokenizer"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"model.onnx": onnx, "tokenizer.json": file.Tokenizer,
		"config.json": fmt.Appendf(nil, `{"model_type": "toy", "vocab_size": %d, "max_position_embeddings": 256}`,
			toyVocab),
		"README.md": []byte("---\nlicense: mit\ntags: [toy]\n---\n# Toy\n"),
	}
	if g.external != nil {
		files["model.onnx.data"] = g.external
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
