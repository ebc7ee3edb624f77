package onnxgraph

import (
	"fmt"
	"slices"
	"strings"
)

// ServedOutput is the output of a graph that ToServed made: float32, one loss for each target, 0
// where none is wanted, in the shape of targets.
const ServedOutput = "losses"

// ToServed turns a graph of contract nll into one for an inference server, which lays requests
// together along the first dimension and takes their answers apart along it: every input and the
// output have the batch first, and there is no state. info are the graph's ends. The result holds
// views of onnx.
func ToServed(onnx []byte, info Info) (Message, error) {
	e, err := takeApart(onnx)
	if err != nil {
		return Message{}, err
	}
	if e.opset < 11 { // ScatterND came then
		return Message{}, fmt.Errorf("opset %d is older than 11: %w (export again)", e.opset, ErrUnsupported)
	}
	p := func(name string) string { return prefix + "served." + name }
	for _, n := range e.nodes {
		if slices.ContainsFunc(n.Out, func(out string) bool { return strings.HasPrefix(out, p("")) || out == ServedOutput }) {
			return Message{}, fmt.Errorf("the graph has a tensor called %s or %s*: %w (was it exported before?)", ServedOutput, p(""), ErrUnsupported)
		}
	}
	before := []*Node{
		NewNode("Shape", []string{"input_ids"}, []string{p("shape")}), Int64Constant(p("first"), []int64{1}, 0),
		NewNode("Gather", []string{p("shape"), p("first")}, []string{p("batch")}, IntAttr("axis", 0)),
	}
	for _, in := range info.Inputs {
		switch {
		case slices.Contains([]string{"input_ids", "attention_mask", "position_ids", "targets"}, in.Name):
			continue
		case in.Name != "past_ids" && !strings.HasPrefix(in.Name, pastPrefix):
			return Message{}, fmt.Errorf("input %s: %w", in.Name, ErrUnsupported)
		}
		before = append(before, noPast(in, p("batch"))...)
		delete(e.inputs, in.Name)
	}
	after := []*Node{
		Int64Constant(p("zero"), nil, 0),
		NewNode("Less", []string{"targets", p("zero")}, []string{p("ignored")}),
		NewNode("Not", []string{p("ignored")}, []string{p("wanted")}),
		NewNode("NonZero", []string{p("wanted")}, []string{p("columns")}),
		NewNode("Transpose", []string{p("columns")}, []string{p("places")}, IntsAttr("perm", 1, 0)),
		NewNode("Shape", []string{"targets"}, []string{p("size")}),
		NewNode("ConstantOfShape", []string{p("size")}, []string{p("blank")}, tensorAttr("value", NewTensor(ElemFloat, []int64{1}, make([]byte, 4)))),
		NewNode("ScatterND", []string{p("blank"), p("places"), ContractNLL}, []string{ServedOutput}),
	}
	e.nodes = slices.Concat(before, e.nodes, after)
	e.prune([]string{ServedOutput})
	return e.put(nil, []Message{NewPort(ServedOutput, ElemFloat, "batch", "last")}), nil
}

// noPast makes an input of the past, [batch, tokens] or [batch, heads, tokens, width], a constant
// of no tokens.
func noPast(in Port, batch string) []*Node {
	rest, size := []int64{0}, 8
	if len(in.Dims) == 4 {
		rest, size = []int64{in.Dims[1], 0, in.Dims[3]}, ElemSize(in.Elem)
	}
	p := func(name string) string { return prefix + "served." + in.Name + name }
	return []*Node{
		Int64Constant(p(".rest"), []int64{int64(len(rest))}, rest...),
		NewNode("Concat", []string{batch, p(".rest")}, []string{p(".shape")}, IntAttr("axis", 0)),
		NewNode("ConstantOfShape", []string{p(".shape")}, []string{in.Name},
			tensorAttr("value", NewTensor(in.Elem, []int64{1}, make([]byte, size)))),
	}
}
