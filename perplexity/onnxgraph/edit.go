package onnxgraph

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// An edit is a graph taken apart: the nodes, which change, and everything else, which stays byte
// for byte.
type edit struct {
	// model are the fields of the file, the graph's among them; graph those of the graph but for
	// nodes and ends.
	model, graph []protoField
	nodes        []*Node
	inputs       map[string]protoField
	shapes       map[string]protoField // what the exporter noted of tensors between the ends (value_info)
	producers    map[string]*Node
	weights      map[string]bool
	// fixed remembers what constant found out.
	fixed map[string]bool
	opset int64
}

// takeApart reads an ONNX file for editing. What it returns holds views of onnx.
func takeApart(onnx []byte) (*edit, error) {
	e := &edit{
		inputs:    map[string]protoField{},
		shapes:    map[string]protoField{},
		producers: map[string]*Node{},
		weights:   map[string]bool{},
		fixed:     map[string]bool{},
	}
	var err error
	if e.model, err = protoFields(onnx); err != nil {
		return nil, err
	}
	graphs := 0
	for _, f := range e.model {
		switch f.Num {
		case 7:
			graphs++
			if err := e.readGraph(f.Body); err != nil {
				return nil, err
			}
		case 8:
			if err := e.readOpset(f.Body); err != nil {
				return nil, err
			}
		}
	}
	if graphs != 1 {
		return nil, fmt.Errorf("%d graphs: %w", graphs, ErrMalformed)
	}
	for _, n := range e.nodes {
		for _, name := range n.Out {
			e.producers[name] = n
		}
	}
	return e, nil
}

func (e *edit) readOpset(body []byte) error {
	domain, version := "", int64(0)
	err := EachField(body, func(num protowire.Number, b []byte, n uint64) error {
		switch num {
		case 1:
			domain = string(b)
		case 2:
			version = int64(n)
		}
		return nil
	})
	if domain == "" || domain == "ai.onnx" {
		e.opset = version
	}
	return err
}

func (e *edit) readGraph(body []byte) error {
	fields, err := protoFields(body)
	if err != nil {
		return err
	}
	for _, f := range fields {
		switch f.Num {
		case 1:
			n, err := parseNode(f.Body)
			if err != nil {
				return err
			}
			e.nodes = append(e.nodes, n)
			continue
		case 5:
			if err := e.readWeight(f.Body); err != nil {
				return err
			}
		case 15: // a sparse tensor's name is that of its values
			if err := EachField(f.Body, func(num protowire.Number, b []byte, _ uint64) error {
				if num != 1 {
					return nil
				}
				return e.readWeight(b)
			}); err != nil {
				return err
			}
		case 11, 13:
			p, err := readPort(f.Body)
			if err != nil {
				return err
			}
			if f.Num == 11 {
				e.inputs[p.Name] = f
			} else {
				e.shapes[p.Name] = f
			}
			continue
		case 12:
			continue
		}
		e.graph = append(e.graph, f)
	}
	return nil
}

func (e *edit) readWeight(tensor []byte) error {
	return EachField(tensor, func(num protowire.Number, b []byte, _ uint64) error {
		if num == 8 {
			e.weights[string(b)] = true
		}
		return nil
	})
}

// constant tells whether a tensor is made of weights alone.
func (e *edit) constant(name string) bool {
	if e.weights[name] || name == "" {
		return true
	}
	if known, ok := e.fixed[name]; ok {
		return known
	}
	n := e.producers[name]
	if n == nil {
		return false // an input
	}
	e.fixed[name] = false // a malformed graph may go round in a circle
	e.fixed[name] = !slices.ContainsFunc(
		append(slices.Clone(n.In), n.inner...), func(in string) bool { return !e.constant(in) },
	)
	return e.fixed[name]
}

// prune drops the nodes that outputs do not need. Converters leave nodes in any order, so that one
// pass back would not do.
func (e *edit) prune(outputs []string) {
	producers := map[string]*Node{}
	for _, n := range e.nodes {
		for _, name := range n.Out {
			producers[name] = n
		}
	}
	needed := map[*Node]bool{}
	for open := outputs; len(open) > 0; {
		n := producers[open[len(open)-1]]
		open = open[:len(open)-1]
		if n != nil && !needed[n] {
			needed[n] = true
			open = append(append(open, n.In...), n.inner...)
		}
	}
	e.nodes = slices.DeleteFunc(e.nodes, func(n *Node) bool { return !needed[n] })
}

// put writes the graph together again with other ends. Only what stays an input is kept of the
// inputs.
func (e *edit) put(inputs, outputs []Message) Message {
	var graph, model Message
	for _, n := range e.nodes {
		graph.Nested(1, n.Body)
	}
	for _, f := range e.graph {
		graph.Raw(f.raw)
	}
	for _, f := range sortedFields(e.shapes) {
		graph.Raw(f.raw)
	}
	for _, p := range inputs {
		graph.Nested(11, p)
	}
	for _, f := range sortedFields(e.inputs) {
		graph.Raw(f.raw)
	}
	for _, p := range outputs {
		graph.Nested(12, p)
	}
	for _, f := range e.model {
		if f.Num == 7 {
			model.Nested(7, graph)
		} else {
			model.Raw(f.raw)
		}
	}
	return model
}

func sortedFields(m map[string]protoField) []protoField {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	fields := make([]protoField, len(names))
	for i, name := range names {
		fields[i] = m[name]
	}
	return fields
}
