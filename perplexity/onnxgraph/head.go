package onnxgraph

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// prefix marks the tensors that an edit adds.
const prefix = "pith/"

// Operators that project onto the vocabulary, by what multiplies: input 0 are the hidden states,
// input 1 the weights. Where activations are quantised apart (MatMulInteger), input 0 holds them
// already, with the scale of all positions.
var projections = []string{
	"MatMul",
	"Gemm",
	"FusedMatMul",
	"FusedGemm",
	"MatMulNBits",
	"MatMulBnb4",
	"MatMulInteger",
	"MatMulIntegerToFloat",
	"DynamicQuantizeMatMul",
}

// ToNLL turns a graph of contract logits into one of contract nll: rows of the projection's input
// are gathered where a loss is wanted, and the losses computed from the few logits that are left.
// info are the graph's ends. With states, a graph that takes a past and tells what it leaves goes
// on to do so. The result holds views of onnx.
func ToNLL(onnx []byte, info Info, states bool) (Message, error) {
	e, err := takeApart(onnx)
	if err != nil {
		return Message{}, err
	}
	var channels []Channel
	if states {
		channels = lasting(info)
	}
	if e.opset < 11 { // Flatten from the end, Range and GatherElements came then
		return Message{}, fmt.Errorf("opset %d is older than 11: %w (export again)", e.opset, ErrUnsupported)
	}
	for _, n := range e.nodes {
		if slices.ContainsFunc(
			n.Out, func(name string) bool { return len(name) >= len(prefix) && name[:len(prefix)] == prefix },
		) {
			return Message{}, fmt.Errorf(
				"the graph has names that begin with %s: %w (was it prepared before?)", prefix, ErrUnsupported,
			)
		}
	}
	before, err := e.replaceInputs(info, len(channels) > 0)
	if err != nil {
		return Message{}, err
	}
	at, err := e.gatherRows()
	if err != nil {
		return Message{}, err
	}
	gather := []*Node{
		NewNode("Flatten", []string{at.In[0]}, []string{prefix + "positions"}, IntAttr("axis", -1)),
		NewNode("Gather", []string{prefix + "positions", prefix + "wanted"}, []string{prefix + "rows"},
			IntAttr("axis", 0)),
	}
	few, err := at.withInput(prefix + "rows")
	if err != nil {
		return Message{}, err
	}
	i := slices.Index(e.nodes, at)
	own, outputs := leave(channels)
	e.nodes = slices.Concat(
		before, wantedRows(), e.nodes[:i], gather, []*Node{few}, e.nodes[i+1:],
		e.losses(info.Output(ContractLogits).Elem), own,
	)
	ends := []Message{NewPort(ContractNLL, ElemFloat, "wanted")}
	for i, name := range outputs {
		c := channels[i]
		ends = append(ends, NewPort(name, c.Out.Elem, "batch_size", c.Heads, "sequence_length", c.Width))
	}
	e.prune(append(outputs, ContractNLL))
	return e.put([]Message{NewPort("targets", ElemInt64, "batch_size", "sequence_length")}, ends), nil
}

// lasting returns the channels that a prepared graph may keep: none where the graph could not be
// told which tokens of the past, and which positions, a row has.
func lasting(info Info) []Channel {
	if info.Input("position_ids") == nil || info.Input("attention_mask") == nil {
		return nil
	}
	return info.Channels()
}

// leave cuts the run's own tokens out of what the graph tells of all, and returns the names of the
// outputs.
func leave(channels []Channel) (nodes []*Node, outputs []string) {
	if len(channels) == 0 {
		return nil, nil
	}
	p := func(name string) string { return prefix + name }
	nodes = []*Node{
		NewNode("Shape", []string{channels[0].In.Name}, []string{p("past_shape")}),
		Int64Constant(p("tokens"), []int64{1}, 2), Int64Constant(p("rest"), []int64{1}, math.MaxInt64),
		NewNode("Gather", []string{p("past_shape"), p("tokens")}, []string{p("past_length")}, IntAttr("axis", 0)),
	}
	for _, c := range channels {
		name := newPrefix + strings.TrimPrefix(c.In.Name, pastPrefix)
		nodes = append(
			nodes, NewNode("Slice", []string{c.Out.Name, p("past_length"), p("rest"), p("tokens")}, []string{name}),
		)
		outputs = append(outputs, name)
	}
	return nodes, outputs
}

// wantedRows finds the positions, over all rows of the batch, that have a target.
func wantedRows() []*Node {
	p := func(name string) []string { return []string{prefix + name} }
	return []*Node{
		Int64Constant(prefix+"minus_one", []int64{1}, -1),
		Int64Constant(prefix+"column", []int64{2}, -1, 1),
		Int64Constant(prefix+"zero", nil, 0),
		NewNode("Reshape", []string{"targets", prefix + "minus_one"}, p("targets")),
		NewNode("Less", []string{prefix + "targets", prefix + "zero"}, p("ignored")),
		NewNode("Not", p("ignored"), p("has_target")),
		NewNode("NonZero", p("has_target"), p("places")),
		NewNode("Reshape", []string{prefix + "places", prefix + "minus_one"}, p("wanted")),
		NewNode("Gather", []string{prefix + "targets", prefix + "wanted"}, p("target"), IntAttr("axis", 0)),
		NewNode("Reshape", []string{prefix + "target", prefix + "column"}, p("target_column")),
	}
}

// losses computes log sum exp(logits) - logits[target] for each row that is left.
func (e *edit) losses(elem int) []*Node {
	p := func(name string) []string { return []string{prefix + name} }
	nodes := []*Node{NewNode("Flatten", []string{ContractLogits}, p("narrow"), IntAttr("axis", -1))}
	if logits := prefix + "narrow"; elem != ElemFloat {
		nodes = append(nodes, NewNode("Cast", []string{logits}, p("logits"), IntAttr("to", ElemFloat)))
	} else {
		nodes = append(nodes, NewNode("Identity", []string{logits}, p("logits")))
	}
	return append(
		nodes,
		NewNode("LogSoftmax", p("logits"), p("log_p"), IntAttr("axis", 1)),
		NewNode(
			"GatherElements", []string{prefix + "log_p", prefix + "target_column"}, p("target_log_p"),
			IntAttr("axis", 1),
		),
		NewNode("Reshape", []string{prefix + "target_log_p", prefix + "minus_one"}, p("gain")),
		NewNode("Neg", p("gain"), []string{ContractNLL}),
	)
}

// gatherRows walks from the logits back to the vocabulary projection and returns it. What only
// shapes its result becomes an Identity on the way: the result will be rows, whatever it was.
func (e *edit) gatherRows() (*Node, error) {
	name := ContractLogits
	for range len(e.nodes) + 1 {
		n := e.producers[name]
		delete(e.shapes, name)
		if n == nil || len(n.In) == 0 {
			return nil, fmt.Errorf("no vocabulary projection before %q: %w", name, ErrUnsupported)
		}
		switch n.Op {
		case "Identity", "Cast", "Tanh", "Neg", "Clip":
			name = n.In[0]
		case "Reshape", "Squeeze", "Unsqueeze", "Flatten":
			name = n.In[0]
			e.nodes[slices.Index(e.nodes, n)] = NewNode("Identity", n.In[:1], n.Out)
		case "Add", "Sub", "Mul", "Div":
			next, err := e.operand(n)
			if err != nil {
				return nil, err
			}
			name = next
		case "If", "Loop":
			return nil, fmt.Errorf(
				"the logits come out of an %s, as in decoders merged into one file: %w "+
					"(use the export without past beside it)",
				n.Op, ErrUnsupported,
			)
		default:
			return n, e.checkProjection(n)
		}
	}
	return nil, fmt.Errorf("the nodes before the logits go round in a circle: %w", ErrMalformed)
}

// operand returns the input of an elementwise node that holds logits; the other must be the same
// for all positions.
func (e *edit) operand(n *Node) (string, error) {
	if len(n.In) != 2 {
		return "", fmt.Errorf("%s with %d inputs: %w", n.Op, len(n.In), ErrMalformed)
	}
	switch a, b := e.uniform(n.In[0]), e.uniform(n.In[1]); {
	case a && !b:
		return n.In[1], nil
	case b && !a:
		return n.In[0], nil
	}
	return "", fmt.Errorf(
		"logits are combined with other values of the same shape by %s %s: %w", n.Op, n.Out[0], ErrUnsupported,
	)
}

// uniform tells whether a tensor is the same for every position: weights, and the scale and zero
// point of quantised activations.
func (e *edit) uniform(name string) bool {
	if e.constant(name) {
		return true
	}
	n := e.producers[name]
	if n == nil {
		return false
	}
	switch n.Op {
	case "DynamicQuantizeLinear":
		return n.Out[0] != name
	case "Mul", "Cast", "Identity":
		e.producers[name] = nil // so that a circle ends
		defer func() { e.producers[name] = n }()
		return !slices.ContainsFunc(n.In, func(in string) bool { return !e.uniform(in) })
	}
	return false
}

func (e *edit) checkProjection(n *Node) error {
	if !slices.Contains(projections, n.Op) || len(n.In) < 2 {
		return fmt.Errorf(
			"logits come out of operator %s, which is no vocabulary projection that is known here: %w", n.Op,
			ErrUnsupported,
		)
	}
	for _, in := range n.In[1:] {
		if !e.uniform(in) {
			return fmt.Errorf(
				"the vocabulary projection %s has weights that are computed from the input (%s): %w", n.Op, in,
				ErrUnsupported,
			)
		}
	}
	if turned, err := n.Attribute("transA", 0); err != nil || turned != 0 {
		return fmt.Errorf("the vocabulary projection %s takes its input transposed: %w", n.Op, ErrUnsupported)
	}
	return nil
}

// replaceInputs makes the inputs that contract nll does not have: logits of all positions and,
// unless the graph is lasting, an empty past and positions 0, 1, 2...
func (e *edit) replaceInputs(info Info, lasting bool) ([]*Node, error) {
	p := func(name string) string { return prefix + name }
	nodes := []*Node{
		NewNode("Shape", []string{"input_ids"}, []string{p("shape")}), Int64Constant(p("first"), []int64{1}, 0),
		NewNode("Gather", []string{p("shape"), p("first")}, []string{p("batch")}, IntAttr("axis", 0)),
	}
	for _, in := range info.Inputs {
		switch {
		case in.Name == "input_ids" && slices.ContainsFunc(in.Dims, func(d int64) bool { return d > 0 }):
			return nil, fmt.Errorf("input_ids has the fixed shape %v: %w (export with dynamic axes)",
				in.Dims, ErrUnsupported)
		case in.Name == "input_ids", in.Name == "attention_mask", lasting && !isKeep(in.Name):
			continue
		case in.Name == "position_ids":
			nodes = append(nodes,
				Int64Constant(p("start"), nil, 0), Int64Constant(p("step"), nil, 1),
				NewNode("Gather", []string{p("shape"), p("step")}, []string{p("length")}, IntAttr("axis", 0)),
				NewNode("Range", []string{p("start"), p("length"), p("step")}, []string{p("row")}),
				NewNode("Expand", []string{p("row"), p("shape")}, []string{in.Name}))
		case isKeep(in.Name):
			nodes = append(nodes, Int64Constant(in.Name, slices.Repeat([]int64{1}, len(in.Dims)), 0))
		default: // past_key_values: whoever checked the ends let nothing else through
			nodes = append(nodes, e.emptyPast(in)...)
		}
		delete(e.inputs, in.Name)
	}
	return nodes, nil
}

// emptyPast makes a cache of length 0, and takes it out where it is only put before the new keys or
// values.
func (e *edit) emptyPast(in Port) []*Node {
	rest, shape := prefix+in.Name+".rest", prefix+in.Name+".shape"
	for i, n := range e.nodes {
		if n.Op == "Concat" && len(n.In) == 2 && n.In[0] == in.Name && n.In[1] != in.Name {
			e.nodes[i] = NewNode("Identity", n.In[1:], n.Out)
		}
	}
	zero := NewTensor(in.Elem, []int64{1}, make([]byte, ElemSize(in.Elem)))
	return []*Node{
		Int64Constant(rest, []int64{3}, in.Dims[1], 0, in.Dims[3]),
		NewNode("Concat", []string{prefix + "batch", rest}, []string{shape}, IntAttr("axis", 0)),
		NewNode("ConstantOfShape", []string{shape}, []string{in.Name}, tensorAttr("value", zero)),
	}
}
