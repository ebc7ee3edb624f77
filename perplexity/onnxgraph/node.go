package onnxgraph

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Node is one operation of a graph: its message as it was read or made, and what an edit looks
// at.
type Node struct {
	Body       Message
	In, Out    []string
	Op, domain string
	// inner are the names that its subgraphs mention, some of which may be of the graph around
	// them.
	inner []string
}

// NewNode makes a node. A name may be empty for an optional input that is left out.
func NewNode(op string, in, out []string, attributes ...Message) *Node {
	n := &Node{In: in, Out: out, Op: op}
	for _, name := range in {
		n.Body.Text(1, name)
	}
	for _, name := range out {
		n.Body.Text(2, name)
	}
	n.Body.Text(4, op)
	for _, a := range attributes {
		n.Body.Nested(5, a)
	}
	return n
}

// Of puts the node into another domain than ONNX's own.
func (n *Node) Of(domain string) *Node {
	n.domain = domain
	n.Body.Text(7, domain)
	return n
}

// Int64Constant makes a node that gives a constant. (A node rather than an initializer: those must
// be inputs too before IR version 4.)
func Int64Constant(out string, dims []int64, values ...int64) *Node {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return NewNode("Constant", nil, []string{out}, tensorAttr("value", NewTensor(ElemInt64, dims, data)))
}

func parseNode(body []byte) (*Node, error) {
	n := &Node{}
	n.Body.Raw(body)
	err := EachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			n.In = append(n.In, string(b))
		case 2:
			n.Out = append(n.Out, string(b))
		case 4:
			n.Op = string(b)
		case 7:
			n.domain = string(b)
		case 5:
			return n.readSubgraphs(b)
		}
		return nil
	})
	return n, err
}

// readSubgraphs collects the names that the subgraphs of an attribute, or of a node inside of one,
// mention.
func (n *Node) readSubgraphs(attribute []byte) error {
	return EachField(attribute, func(num protowire.Number, graph []byte, _ uint64) error {
		if num != 6 && num != 11 {
			return nil
		}
		return EachField(graph, func(num protowire.Number, b []byte, _ uint64) error {
			if num != 1 {
				return nil
			}
			nested, err := parseNode(b)
			if err != nil {
				return err
			}
			n.inner = append(append(n.inner, nested.In...), nested.inner...)
			return nil
		})
	})
}

// Attribute returns an integer attribute, or fallback if the node has none of that name.
func (n *Node) Attribute(name string, fallback int64) (int64, error) {
	value := fallback
	err := EachField(n.Body.Join(), func(num protowire.Number, attribute []byte, _ uint64) error {
		if num != 5 {
			return nil
		}
		found, v := "", int64(0)
		err := EachField(attribute, func(num protowire.Number, b []byte, x uint64) error {
			switch num {
			case 1:
				found = string(b)
			case 3:
				v = int64(x)
			}
			return nil
		})
		if found == name {
			value = v
		}
		return err
	})
	return value, err
}

// withInput returns the node with its first input replaced and everything else byte for byte as it
// was.
func (n *Node) withInput(name string) (*Node, error) {
	fields, err := protoFields(n.Body.Join())
	if err != nil {
		return nil, err
	}
	changed := *n
	changed.Body = Message{}
	changed.In = append([]string{name}, n.In[1:]...)
	first := true
	for _, f := range fields {
		if f.Num == 1 && first {
			first = false
			changed.Body.Text(1, name)
			continue
		}
		changed.Body.Raw(f.raw)
	}
	return &changed, nil
}
