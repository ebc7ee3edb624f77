package perplexity

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// prefix marks the tensors that an edit adds.
const prefix = "pith/"

// Operators that project onto the vocabulary, by what multiplies: input 0 are the hidden states, input 1 the weights. Where
// activations are quantised apart (MatMulInteger), input 0 holds them already, with the scale of all positions.
var projections = []string{"MatMul", "Gemm", "FusedMatMul", "FusedGemm", "MatMulNBits", "MatMulBnb4", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}

// toNLL turns a graph of contract logits into one of contract nll: rows of the projection's input are gathered where a loss is
// wanted, and the losses computed from the few logits that are left. info are the graph's ends. With states, a graph that takes a past
// and tells what it leaves goes on to do so. The result holds views of onnx.
func toNLL(onnx []byte, info graphInfo, states bool) (message, error) {
	e, err := takeApart(onnx)
	if err != nil {
		return message{}, err
	}
	var channels []channel
	if states {
		channels = lasting(info)
	}
	if e.opset < 11 { // Flatten from the end, Range and GatherElements came then
		return message{}, fmt.Errorf("opset %d is older than 11: %w (export again)", e.opset, ErrUnsupported)
	}
	for _, n := range e.nodes {
		if slices.ContainsFunc(n.out, func(name string) bool { return len(name) >= len(prefix) && name[:len(prefix)] == prefix }) {
			return message{}, fmt.Errorf("the graph has names that begin with %s: %w (was it prepared before?)", prefix, ErrUnsupported)
		}
	}
	before, err := e.replaceInputs(info, len(channels) > 0)
	if err != nil {
		return message{}, err
	}
	at, err := e.gatherRows()
	if err != nil {
		return message{}, err
	}
	gather := []*node{
		newNode("Flatten", []string{at.in[0]}, []string{prefix + "positions"}, intAttr("axis", -1)),
		newNode("Gather", []string{prefix + "positions", prefix + "wanted"}, []string{prefix + "rows"}, intAttr("axis", 0)),
	}
	few, err := at.withInput(prefix + "rows")
	if err != nil {
		return message{}, err
	}
	i := slices.Index(e.nodes, at)
	own, outputs := leave(channels)
	e.nodes = slices.Concat(before, wantedRows(), e.nodes[:i], gather, []*node{few}, e.nodes[i+1:], e.losses(info.output(ContractLogits).elem), own)
	ends := []message{newPort(ContractNLL, elemFloat, "wanted")}
	for i, name := range outputs {
		c := channels[i]
		ends = append(ends, newPort(name, c.out.elem, "batch_size", c.heads, "sequence_length", c.width))
	}
	e.prune(append(outputs, ContractNLL))
	return e.put([]message{newPort("targets", elemInt64, "batch_size", "sequence_length")}, ends), nil
}

// lasting returns the channels that a prepared graph may keep: none where the graph could not be told which tokens of the past, and
// which positions, a row has.
func lasting(info graphInfo) []channel {
	if info.input("position_ids") == nil || info.input("attention_mask") == nil {
		return nil
	}
	return info.channels()
}

// leave cuts the run's own tokens out of what the graph tells of all, and returns the names of the outputs.
func leave(channels []channel) (nodes []*node, outputs []string) {
	if len(channels) == 0 {
		return nil, nil
	}
	p := func(name string) string { return prefix + name }
	nodes = []*node{
		newNode("Shape", []string{channels[0].in.name}, []string{p("past_shape")}),
		int64Constant(p("tokens"), []int64{1}, 2), int64Constant(p("rest"), []int64{1}, math.MaxInt64),
		newNode("Gather", []string{p("past_shape"), p("tokens")}, []string{p("past_length")}, intAttr("axis", 0)),
	}
	for _, c := range channels {
		name := newPrefix + strings.TrimPrefix(c.in.name, pastPrefix)
		nodes = append(nodes, newNode("Slice", []string{c.out.name, p("past_length"), p("rest"), p("tokens")}, []string{name}))
		outputs = append(outputs, name)
	}
	return nodes, outputs
}

// wantedRows finds the positions, over all rows of the batch, that have a target.
func wantedRows() []*node {
	p := func(name string) []string { return []string{prefix + name} }
	return []*node{
		int64Constant(prefix+"minus_one", []int64{1}, -1),
		int64Constant(prefix+"column", []int64{2}, -1, 1),
		int64Constant(prefix+"zero", nil, 0),
		newNode("Reshape", []string{"targets", prefix + "minus_one"}, p("targets")),
		newNode("Less", []string{prefix + "targets", prefix + "zero"}, p("ignored")),
		newNode("Not", p("ignored"), p("has_target")),
		newNode("NonZero", p("has_target"), p("places")),
		newNode("Reshape", []string{prefix + "places", prefix + "minus_one"}, p("wanted")),
		newNode("Gather", []string{prefix + "targets", prefix + "wanted"}, p("target"), intAttr("axis", 0)),
		newNode("Reshape", []string{prefix + "target", prefix + "column"}, p("target_column")),
	}
}

// losses computes log sum exp(logits) - logits[target] for each row that is left.
func (e *edit) losses(elem int) []*node {
	p := func(name string) []string { return []string{prefix + name} }
	nodes := []*node{newNode("Flatten", []string{ContractLogits}, p("narrow"), intAttr("axis", -1))}
	if logits := prefix + "narrow"; elem != elemFloat {
		nodes = append(nodes, newNode("Cast", []string{logits}, p("logits"), intAttr("to", elemFloat)))
	} else {
		nodes = append(nodes, newNode("Identity", []string{logits}, p("logits")))
	}
	return append(nodes,
		newNode("LogSoftmax", p("logits"), p("log_p"), intAttr("axis", 1)),
		newNode("GatherElements", []string{prefix + "log_p", prefix + "target_column"}, p("target_log_p"), intAttr("axis", 1)),
		newNode("Reshape", []string{prefix + "target_log_p", prefix + "minus_one"}, p("gain")),
		newNode("Neg", p("gain"), []string{ContractNLL}),
	)
}

// gatherRows walks from the logits back to the vocabulary projection and returns it. What only shapes its result becomes an
// Identity on the way: the result will be rows, whatever it was.
func (e *edit) gatherRows() (*node, error) {
	name := ContractLogits
	for range len(e.nodes) + 1 {
		n := e.producers[name]
		delete(e.shapes, name)
		if n == nil || len(n.in) == 0 {
			return nil, fmt.Errorf("no vocabulary projection before %q: %w", name, ErrUnsupported)
		}
		switch n.op {
		case "Identity", "Cast", "Tanh", "Neg", "Clip":
			name = n.in[0]
		case "Reshape", "Squeeze", "Unsqueeze", "Flatten":
			name = n.in[0]
			e.nodes[slices.Index(e.nodes, n)] = newNode("Identity", n.in[:1], n.out)
		case "Add", "Sub", "Mul", "Div":
			next, err := e.operand(n)
			if err != nil {
				return nil, err
			}
			name = next
		case "If", "Loop":
			return nil, fmt.Errorf("the logits come out of an %s, as in decoders merged into one file: %w (use the export without past beside it)", n.op, ErrUnsupported)
		default:
			return n, e.checkProjection(n)
		}
	}
	return nil, fmt.Errorf("the nodes before the logits go round in a circle: %w", errMalformed)
}

// operand returns the input of an elementwise node that holds logits; the other must be the same for all positions.
func (e *edit) operand(n *node) (string, error) {
	if len(n.in) != 2 {
		return "", fmt.Errorf("%s with %d inputs: %w", n.op, len(n.in), errMalformed)
	}
	switch a, b := e.uniform(n.in[0]), e.uniform(n.in[1]); {
	case a && !b:
		return n.in[1], nil
	case b && !a:
		return n.in[0], nil
	}
	return "", fmt.Errorf("logits are combined with other values of the same shape by %s %s: %w", n.op, n.out[0], ErrUnsupported)
}

// uniform tells whether a tensor is the same for every position: weights, and the scale and zero point of quantised activations.
func (e *edit) uniform(name string) bool {
	if e.constant(name) {
		return true
	}
	n := e.producers[name]
	if n == nil {
		return false
	}
	switch n.op {
	case "DynamicQuantizeLinear":
		return n.out[0] != name
	case "Mul", "Cast", "Identity":
		e.producers[name] = nil // so that a circle ends
		defer func() { e.producers[name] = n }()
		return !slices.ContainsFunc(n.in, func(in string) bool { return !e.uniform(in) })
	}
	return false
}

func (e *edit) checkProjection(n *node) error {
	if !slices.Contains(projections, n.op) || len(n.in) < 2 {
		return fmt.Errorf("logits come out of operator %s, which is no vocabulary projection that is known here: %w", n.op, ErrUnsupported)
	}
	for _, in := range n.in[1:] {
		if !e.uniform(in) {
			return fmt.Errorf("the vocabulary projection %s has weights that are computed from the input (%s): %w", n.op, in, ErrUnsupported)
		}
	}
	if turned, err := n.attribute("transA", 0); err != nil || turned != 0 {
		return fmt.Errorf("the vocabulary projection %s takes its input transposed: %w", n.op, ErrUnsupported)
	}
	return nil
}

// replaceInputs makes the inputs that contract nll does not have: logits of all positions and, unless the graph is lasting, an empty
// past and positions 0, 1, 2...
func (e *edit) replaceInputs(info graphInfo, lasting bool) ([]*node, error) {
	p := func(name string) string { return prefix + name }
	nodes := []*node{
		newNode("Shape", []string{"input_ids"}, []string{p("shape")}), int64Constant(p("first"), []int64{1}, 0),
		newNode("Gather", []string{p("shape"), p("first")}, []string{p("batch")}, intAttr("axis", 0)),
	}
	for _, in := range info.inputs {
		switch {
		case in.name == "input_ids" && slices.ContainsFunc(in.dims, func(d int64) bool { return d > 0 }):
			return nil, fmt.Errorf("input_ids has the fixed shape %v: %w (export with dynamic axes)", in.dims, ErrUnsupported)
		case in.name == "input_ids", in.name == "attention_mask", lasting && !isKeep(in.name):
			continue
		case in.name == "position_ids":
			nodes = append(nodes,
				int64Constant(p("start"), nil, 0), int64Constant(p("step"), nil, 1),
				newNode("Gather", []string{p("shape"), p("step")}, []string{p("length")}, intAttr("axis", 0)),
				newNode("Range", []string{p("start"), p("length"), p("step")}, []string{p("row")}),
				newNode("Expand", []string{p("row"), p("shape")}, []string{in.name}))
		case isKeep(in.name):
			nodes = append(nodes, int64Constant(in.name, slices.Repeat([]int64{1}, len(in.dims)), 0))
		default: // past_key_values: whoever checked the ends let nothing else through
			nodes = append(nodes, e.emptyPast(in)...)
		}
		delete(e.inputs, in.name)
	}
	return nodes, nil
}

// emptyPast makes a cache of length 0, and takes it out where it is only put before the new keys or values.
func (e *edit) emptyPast(in port) []*node {
	rest, shape := prefix+in.name+".rest", prefix+in.name+".shape"
	for i, n := range e.nodes {
		if n.op == "Concat" && len(n.in) == 2 && n.in[0] == in.name && n.in[1] != in.name {
			e.nodes[i] = newNode("Identity", n.in[1:], n.out)
		}
	}
	zero := newTensor(in.elem, []int64{1}, make([]byte, elemSize(in.elem)))
	return []*node{
		int64Constant(rest, []int64{3}, in.dims[1], 0, in.dims[3]),
		newNode("Concat", []string{prefix + "batch", rest}, []string{shape}, intAttr("axis", 0)),
		newNode("ConstantOfShape", []string{shape}, []string{in.name}, tensorAttr("value", zero)),
	}
}
