package perplexity

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

const (
	elemInt8  = 3
	elemInt32 = 6
	// contribDomain holds the runtime's own fused operators.
	contribDomain = "com.microsoft"
)

// A randomTensor is a weight of uniform numbers up to limit. They are the same block of numbers over and over: for speed that is as
// good as any, and gigabytes are written at once.
type randomTensor struct {
	name, format string
	limit        float32
	dims         []int64
}

// parts returns the tensor's message without its data, the data, and what Int8 needs besides: the scale of all numbers.
func (r randomTensor) parts() (tensor, data message, scale []message, err error) {
	const period = 1<<18 - 5 // no divisor of any width, so that rows differ
	elements, elem := int64(1), elemFloat
	for _, d := range r.dims {
		tensor.varint(1, d)
		elements *= d
	}
	rng, block := rand.New(rand.NewPCG(3, 4)), []byte(nil)
	for range period {
		switch v := 2*rng.Float32() - 1; r.format {
		case Float32:
			block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v*r.limit))
		case Float16:
			elem, block = elemFloat16, binary.LittleEndian.AppendUint16(block, toHalf(v*r.limit))
		case Int8:
			elem, block = elemInt8, append(block, byte(int8(v*127)))
		default:
			return tensor, data, nil, fmt.Errorf("number format %q is none of %s, %s, %s", r.format, Float32, Float16, Int8)
		}
	}
	width := int64(len(block) / period)
	for left := elements; left > 0; left -= period {
		data.raw(block[:min(left, period)*width])
	}
	tensor.varint(2, int64(elem))
	tensor.text(8, r.name)
	if r.format == Int8 {
		s := newTensor(elemFloat, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(r.limit/127)))
		s.text(8, r.name+".scale")
		scale = []message{s}
	}
	return tensor, data, scale, nil
}

// inline returns the tensor with its data inside, and its scale if it has one.
func (r randomTensor) inline() ([]message, error) {
	t, data, scale, err := r.parts()
	t.nested(9, data)
	return append([]message{t}, scale...), err
}

// weightsFile is the file beside a graph that holds its weights.
const weightsFile = "model.onnx.data"

// external returns the tensor with its data at offset of weightsFile, and that data.
func (r randomTensor) external(offset int) (tensors []message, data message, err error) {
	t, data, scale, err := r.parts()
	for _, entry := range [][2]string{{"location", weightsFile}, {"offset", strconv.Itoa(offset)}, {"length", strconv.Itoa(data.size)}} {
		var e message
		e.text(1, entry[0])
		e.text(2, entry[1])
		t.nested(13, e)
	}
	t.varint(14, 1)
	return append([]message{t}, scale...), data, err
}

// linear multiplies in by a weight of randomTensor's.
func linear(format, in, weight, out string) *node {
	if format == Int8 {
		return newNode("DynamicQuantizeMatMul", []string{in, weight, weight + ".scale"}, []string{out}).of(contribDomain)
	}
	return newNode("MatMul", []string{in, weight}, []string{out})
}

// newFile writes an ONNX file.
func newFile(nodes []*node, weights, inputs, outputs []message) message {
	var graph, opset, contrib, file message
	for _, n := range nodes {
		graph.nested(1, n.body)
	}
	graph.text(2, "pith")
	for _, w := range weights {
		graph.nested(5, w)
	}
	for _, p := range inputs {
		graph.nested(11, p)
	}
	for _, p := range outputs {
		graph.nested(12, p)
	}
	opset.varint(2, 17)
	contrib.text(1, contribDomain)
	contrib.varint(2, 1)
	file.varint(1, 8)
	file.nested(8, opset)
	file.nested(8, contrib)
	file.nested(7, graph)
	return file
}

// A RandomModel is a model of Qwen2's architecture whose weights are random: good for measuring speed, and for nothing else.
type RandomModel struct {
	Hidden, Inner, Layers, Heads, KVHeads, Vocab, MaxTokens int
	// Format is Float32 or Float16. (With Int8, DynamicQuantizeMatMul of ONNX Runtime 1.24.1 gave NaN in one session of twenty.)
	Format string
}

// Qwen05B is the shape of Qwen2.5-Coder-0.5B.
var Qwen05B = RandomModel{Hidden: 896, Inner: 4864, Layers: 24, Heads: 14, KVHeads: 2, Vocab: 151936, MaxTokens: 2048, Format: Float32}

// A decoder is the graph of a RandomModel in the making.
type decoder struct {
	RandomModel
	nodes   []*node
	weights []message
	data    message // of weightsFile
	err     error
}

// graph writes the model in contract logits, with the operators that exporters for this runtime use, and the file of its weights.
func (r RandomModel) graph() (file, data message, err error) {
	if r.Format != Float32 && r.Format != Float16 {
		return file, data, fmt.Errorf("number format %q is neither %s nor %s", r.Format, Float32, Float16)
	}
	d := &decoder{RandomModel: r}
	elem := elemFloat
	if r.Format == Float16 {
		elem = elemFloat16
	}
	d.weight("table", d.format(Float32), 0.05, r.Vocab, r.Hidden)
	d.rotary(elem)
	d.add(newNode("Gather", []string{"table", "input_ids"}, []string{"h0"}, intAttr("axis", 0)))
	d.lengths()
	h, more := "h0", ""
	for n := range r.Layers {
		h, more = d.layer(n, h, more)
	}
	d.norm("final", h, more)
	d.add(newNode("FusedMatMul", []string{"final", "table"}, []string{ContractLogits}, intAttr("transB", 1)).of(contribDomain))
	inputs := []message{
		newPort("input_ids", elemInt64, "batch_size", "sequence_length"),
		newPort("attention_mask", elemInt64, "batch_size", "sequence_length"),
	}
	outputs := []message{newPort(ContractLogits, elem, "batch_size", "sequence_length", r.Vocab)}
	return newFile(d.nodes, d.weights, inputs, outputs), d.data, d.err
}

func (d *decoder) add(n ...*node) { d.nodes = append(d.nodes, n...) }

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
	made, data, err := randomTensor{name: name, format: format, limit: float32(limit), dims: sizes}.external(d.data.size)
	if err != nil {
		d.err = err
	}
	d.weights = append(d.weights, made...)
	d.data.parts, d.data.size = append(d.data.parts, data.parts...), d.data.size+data.size
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
	eps := floatAttr("epsilon", 1e-6)
	if skip == "" {
		d.add(newNode("SimplifiedLayerNormalization", []string{in, name + ".scale"}, []string{name}, eps, intAttr("axis", -1)))
		return
	}
	d.add(newNode("SkipSimplifiedLayerNormalization", []string{in, skip, name + ".scale"}, []string{name, "", "", name + ".sum"}, eps).of(contribDomain))
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
				if elem == elemFloat16 {
					data = binary.LittleEndian.AppendUint16(data, toHalf(v))
				} else {
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
				}
			}
		}
		t := newTensor(elem, []int64{int64(d.MaxTokens), int64(half)}, data)
		t.text(8, table.name)
		d.weights = append(d.weights, t)
	}
}

// lengths gives attention what it wants to know of the rows: the place of each one's last token, and the width of the batch.
func (d *decoder) lengths() {
	d.add(
		int64Constant("axis", []int64{1}, 1), int64Constant("one", nil, 1),
		newNode("ReduceSum", []string{"attention_mask", "axis"}, []string{"lengths"}, intAttr("keepdims", 0)),
		newNode("Sub", []string{"lengths", "one"}, []string{"last"}),
		newNode("Cast", []string{"last"}, []string{"last32"}, intAttr("to", elemInt32)),
		newNode("Shape", []string{"attention_mask"}, []string{"shape"}),
		newNode("Gather", []string{"shape", "one"}, []string{"width"}, intAttr("axis", 0)),
		newNode("Cast", []string{"width"}, []string{"width32"}, intAttr("to", elemInt32)))
}

// layer adds a decoder layer on the sum of h and more, which is empty for none, and returns the two for the next one: the runtime
// adds and normalises in one go.
func (d *decoder) layer(n int, h, more string) (string, string) {
	at := func(name string) string { return fmt.Sprintf("%d.%s", n, name) }
	d.norm(at("norm1"), h, more)
	if more != "" {
		h = at("norm1.sum")
	}
	kv := d.Hidden / d.Heads * d.KVHeads
	d.weight(at("qkv.b"), d.format(Float32), 0.3, d.Hidden+2*kv)
	d.add(newNode("Add", []string{d.matrix(at("qkv"), at("norm1"), d.Hidden, d.Hidden+2*kv), at("qkv.b")}, []string{at("biased")}))
	in := []string{at("biased"), "", "", "", "", "last32", "width32", "cos", "sin"}
	d.add(newNode("GroupQueryAttention", in, []string{at("attention"), at("key"), at("value")}, intAttr("num_heads", int64(d.Heads)),
		intAttr("kv_num_heads", int64(d.KVHeads)), intAttr("do_rotary", 1)).of(contribDomain))
	d.norm(at("norm2"), h, d.matrix(at("out"), at("attention"), d.Hidden, d.Hidden))
	gate, up := d.matrix(at("gate"), at("norm2"), d.Hidden, d.Inner), d.matrix(at("up"), at("norm2"), d.Hidden, d.Inner)
	d.add(newNode("QuickGelu", []string{gate}, []string{at("silu")}, floatAttr("alpha", 1)).of(contribDomain),
		newNode("Mul", []string{at("silu"), up}, []string{at("inner")}))
	return at("norm2.sum"), d.matrix(at("down"), at("inner"), d.Inner, d.Hidden)
}
