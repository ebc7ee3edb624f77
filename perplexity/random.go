package perplexity

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"pith/perplexity/onnxgraph"
)

const (
	elemInt8  = 3
	elemInt32 = 6
	// contribDomain holds the runtime's own fused operators.
	contribDomain = "com.microsoft"
)

// A randomTensor is a weight of uniform numbers up to limit. They are the same block of numbers
// over and over: for speed that is as good as any, and gigabytes are written at once.
type randomTensor struct {
	name, format string
	limit        float32
	dims         []int64
}

// parts returns the tensor's message without its data, the data, and what Int8 needs besides: the
// scale of all numbers.
func (r randomTensor) parts() (tensor, data onnxgraph.Message, scale []onnxgraph.Message, err error) {
	const period = 1<<18 - 5 // no divisor of any width, so that rows differ
	elements, elem := int64(1), onnxgraph.ElemFloat
	for _, d := range r.dims {
		tensor.Varint(1, d)
		elements *= d
	}
	rng, block := rand.New(rand.NewPCG(3, 4)), []byte(nil)
	for range period {
		switch v := 2*rng.Float32() - 1; r.format {
		case Float32:
			block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v*r.limit))
		case Float16:
			elem, block = onnxgraph.ElemFloat16, binary.LittleEndian.AppendUint16(block, toHalf(v*r.limit))
		case Int8:
			elem, block = elemInt8, append(block, byte(int8(v*127)))
		default:
			return tensor, data, nil,
				fmt.Errorf("number format %q is none of %s, %s, %s", r.format, Float32, Float16, Int8)
		}
	}
	width := int64(len(block) / period)
	for left := elements; left > 0; left -= period {
		data.Raw(block[:min(left, period)*width])
	}
	tensor.Varint(2, int64(elem))
	tensor.Text(8, r.name)
	if r.format == Int8 {
		s := onnxgraph.NewTensor(
			onnxgraph.ElemFloat, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(r.limit/127)),
		)
		s.Text(8, r.name+".scale")
		scale = []onnxgraph.Message{s}
	}
	return tensor, data, scale, nil
}

// inline returns the tensor with its data inside, and its scale if it has one.
func (r randomTensor) inline() ([]onnxgraph.Message, error) {
	t, data, scale, err := r.parts()
	t.Nested(9, data)
	return append([]onnxgraph.Message{t}, scale...), err
}

// weightsFile is the file beside a graph that holds its weights.
const weightsFile = "model.onnx.data"

// external returns the tensor with its data at offset of weightsFile, and that data.
func (r randomTensor) external(offset int) (tensors []onnxgraph.Message, data onnxgraph.Message, err error) {
	t, data, scale, err := r.parts()
	for _, entry := range [][2]string{{"location", weightsFile}, {"offset", strconv.Itoa(offset)}, {
		"length",
		strconv.Itoa(data.Size),
	}} {
		var e onnxgraph.Message
		e.Text(1, entry[0])
		e.Text(2, entry[1])
		t.Nested(13, e)
	}
	t.Varint(14, 1)
	return append([]onnxgraph.Message{t}, scale...), data, err
}

// linear multiplies in by a weight of randomTensor's.
func linear(format, in, weight, out string) *onnxgraph.Node {
	if format == Int8 {
		return onnxgraph.NewNode("DynamicQuantizeMatMul", []string{in, weight, weight + ".scale"}, []string{out}).
			Of(contribDomain)
	}
	return onnxgraph.NewNode("MatMul", []string{in, weight}, []string{out})
}

// newFile writes an ONNX file.
func newFile(nodes []*onnxgraph.Node, weights, inputs, outputs []onnxgraph.Message) onnxgraph.Message {
	var graph, opset, contrib, file onnxgraph.Message
	for _, n := range nodes {
		graph.Nested(1, n.Body)
	}
	graph.Text(2, "pith")
	for _, w := range weights {
		graph.Nested(5, w)
	}
	for _, p := range inputs {
		graph.Nested(11, p)
	}
	for _, p := range outputs {
		graph.Nested(12, p)
	}
	opset.Varint(2, 17)
	contrib.Text(1, contribDomain)
	contrib.Varint(2, 1)
	file.Varint(1, 8)
	file.Nested(8, opset)
	file.Nested(8, contrib)
	file.Nested(7, graph)
	return file
}

// A RandomModel is a model of Qwen2's architecture whose weights are random: good for measuring
// speed, and for nothing else.
type RandomModel struct {
	Hidden, Inner, Layers, Heads, KVHeads, Vocab, MaxTokens int
	// Format is Float32 or Float16. (With Int8, DynamicQuantizeMatMul of ONNX Runtime 1.24.1 gave
	// NaN in one session of twenty.)
	Format string
}

// Qwen05B is the shape of Qwen2.5-Coder-0.5B.
var Qwen05B = RandomModel{
	Hidden:    896,
	Inner:     4864,
	Layers:    24,
	Heads:     14,
	KVHeads:   2,
	Vocab:     151936,
	MaxTokens: 2048,
	Format:    Float32,
}

// A decoder is the graph of a RandomModel in the making.
type decoder struct {
	RandomModel
	nodes   []*onnxgraph.Node
	weights []onnxgraph.Message
	data    onnxgraph.Message // of weightsFile
	err     error
}

// graph writes the model in contract logits, with the operators that exporters for this runtime
// use, and the file of its weights.
func (r RandomModel) graph() (file, data onnxgraph.Message, err error) {
	if r.Format != Float32 && r.Format != Float16 {
		return file, data, fmt.Errorf("number format %q is neither %s nor %s", r.Format, Float32, Float16)
	}
	d := &decoder{RandomModel: r}
	elem := onnxgraph.ElemFloat
	if r.Format == Float16 {
		elem = onnxgraph.ElemFloat16
	}
	d.weight("table", d.format(Float32), 0.05, r.Vocab, r.Hidden)
	d.rotary(elem)
	d.add(onnxgraph.NewNode("Gather", []string{"table", "input_ids"}, []string{"h0"}, onnxgraph.IntAttr("axis", 0)))
	d.lengths()
	h, more := "h0", ""
	for n := range r.Layers {
		h, more = d.layer(n, h, more)
	}
	d.norm("final", h, more)
	d.add(
		onnxgraph.NewNode("FusedMatMul", []string{"final", "table"}, []string{ContractLogits},
			onnxgraph.IntAttr("transB",
				1)).
			Of(contribDomain),
	)
	inputs := []onnxgraph.Message{
		onnxgraph.NewPort("input_ids", onnxgraph.ElemInt64, "batch_size", "sequence_length"),
		onnxgraph.NewPort("attention_mask", onnxgraph.ElemInt64, "batch_size", "sequence_length"),
	}
	outputs := []onnxgraph.Message{onnxgraph.NewPort(ContractLogits, elem, "batch_size", "sequence_length", r.Vocab)}
	return newFile(d.nodes, d.weights, inputs, outputs), d.data, d.err
}

func (d *decoder) add(n ...*onnxgraph.Node) { d.nodes = append(d.nodes, n...) }

// format is that of numbers that are not the weights of products.
func (d *decoder) format(plain string) string {
	if d.Format == Float16 {
		return Float16
	}
	return plain
}

func (d *decoder) weight(name, format string, limit float64, dims ...int) {
	sizes := make([]int64, len(dims))
	for i, n := range dims {
		sizes[i] = int64(n)
	}
	made, data, err := randomTensor{
		name: name, format: format, limit: float32(limit),
		dims: sizes,
	}.external(d.data.Size)
	if err != nil {
		d.err = err
	}
	d.weights = append(d.weights, made...)
	d.data.Parts, d.data.Size = append(d.data.Parts, data.Parts...), d.data.Size+data.Size
}

// matrix multiplies in by a new weight.
func (d *decoder) matrix(name, in string, from, to int) string {
	d.weight(name+".w", d.Format, math.Sqrt(3/float64(from)), from, to)
	d.add(linear(d.Format, in, name+".w", name))
	return name
}

// norm adds skip (if any) to in and normalises the sum; the sum is called name.sum.
func (d *decoder) norm(name, in, skip string) {
	d.weight(name+".scale", d.format(Float32), 1, d.Hidden)
	eps := onnxgraph.FloatAttr("epsilon", 1e-6)
	if skip == "" {
		d.add(
			onnxgraph.NewNode(
				"SimplifiedLayerNormalization", []string{in, name + ".scale"}, []string{name}, eps,
				onnxgraph.IntAttr("axis", -1),
			),
		)
		return
	}
	d.add(
		onnxgraph.NewNode("SkipSimplifiedLayerNormalization", []string{in, skip, name + ".scale"}, []string{
			name, "", "",
			name + ".sum",
		}, eps).
			Of(contribDomain),
	)
}

// rotary stores the tables of the rotary positions.
func (d *decoder) rotary(elem int) {
	half := d.Hidden / d.Heads / 2
	for _, table := range []struct {
		name string
		of   func(float64) float64
	}{{"cos", math.Cos}, {"sin", math.Sin}} {
		var data []byte
		for t := range d.MaxTokens {
			for i := range half {
				v := float32(table.of(float64(t) * math.Pow(1e6, -float64(i)/float64(half))))
				if elem == onnxgraph.ElemFloat16 {
					data = binary.LittleEndian.AppendUint16(data, toHalf(v))
				} else {
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
				}
			}
		}
		t := onnxgraph.NewTensor(elem, []int64{int64(d.MaxTokens), int64(half)}, data)
		t.Text(8, table.name)
		d.weights = append(d.weights, t)
	}
}

// lengths gives attention what it wants to know of the rows: the place of each one's last token,
// and the width of the batch.
func (d *decoder) lengths() {
	d.add(
		onnxgraph.Int64Constant("axis", []int64{1}, 1),
		onnxgraph.Int64Constant("one", nil, 1),
		onnxgraph.NewNode(
			"ReduceSum", []string{"attention_mask", "axis"}, []string{"lengths"}, onnxgraph.IntAttr("keepdims", 0),
		),
		onnxgraph.NewNode("Sub", []string{"lengths", "one"}, []string{"last"}),
		onnxgraph.NewNode("Cast", []string{"last"}, []string{"last32"}, onnxgraph.IntAttr("to", elemInt32)),
		onnxgraph.NewNode("Shape", []string{"attention_mask"}, []string{"shape"}),
		onnxgraph.NewNode("Gather", []string{"shape", "one"}, []string{"width"}, onnxgraph.IntAttr("axis", 0)),
		onnxgraph.NewNode("Cast", []string{"width"}, []string{"width32"}, onnxgraph.IntAttr("to", elemInt32)),
	)
}

// layer adds a decoder layer on the sum of h and more, which is empty for none, and returns the two
// for the next one: the runtime adds and normalises in one go.
func (d *decoder) layer(n int, h, more string) (string, string) {
	at := func(name string) string { return fmt.Sprintf("%d.%s", n, name) }
	d.norm(at("norm1"), h, more)
	if more != "" {
		h = at("norm1.sum")
	}
	kv := d.Hidden / d.Heads * d.KVHeads
	d.weight(at("qkv.b"), d.format(Float32), 0.3, d.Hidden+2*kv)
	d.add(
		onnxgraph.NewNode(
			"Add", []string{d.matrix(at("qkv"), at("norm1"), d.Hidden, d.Hidden+2*kv), at("qkv.b")},
			[]string{at("biased")},
		),
	)
	in := []string{at("biased"), "", "", "", "", "last32", "width32", "cos", "sin"}
	d.add(
		onnxgraph.NewNode("GroupQueryAttention", in, []string{at("attention"), at("key"), at("value")},
			onnxgraph.IntAttr("num_heads", int64(d.Heads)),
			onnxgraph.IntAttr("kv_num_heads", int64(d.KVHeads)), onnxgraph.IntAttr("do_rotary", 1)).
			Of(contribDomain),
	)
	d.norm(at("norm2"), h, d.matrix(at("out"), at("attention"), d.Hidden, d.Hidden))
	gate, up := d.matrix(at("gate"), at("norm2"), d.Hidden, d.Inner), d.matrix(at("up"), at("norm2"), d.Hidden, d.Inner)
	d.add(
		onnxgraph.NewNode("QuickGelu", []string{gate}, []string{at("silu")}, onnxgraph.FloatAttr("alpha", 1)).
			Of(contribDomain),
		onnxgraph.NewNode("Mul", []string{at("silu"), up}, []string{at("inner")}),
	)
	return at("norm2.sum"), d.matrix(at("down"), at("inner"), d.Inner, d.Hidden)
}
