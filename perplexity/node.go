package perplexity

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// A node is one operation of a graph: its message as it was read or made, and what an edit looks at.
type node struct {
	body       message
	in, out    []string
	op, domain string
	// inner are the names that its subgraphs mention, some of which may be of the graph around them.
	inner []string
}

// newNode makes a node. A name may be empty for an optional input that is left out.
func newNode(op string, in, out []string, attributes ...message) *node {
	n := &node{in: in, out: out, op: op}
	for _, name := range in {
		n.body.text(1, name)
	}
	for _, name := range out {
		n.body.text(2, name)
	}
	n.body.text(4, op)
	for _, a := range attributes {
		n.body.nested(5, a)
	}
	return n
}

// of puts the node into another domain than ONNX's own.
func (n *node) of(domain string) *node {
	n.domain = domain
	n.body.text(7, domain)
	return n
}

// int64Constant makes a node that gives a constant. (A node rather than an initializer: those must be inputs too before IR version 4.)
func int64Constant(out string, dims []int64, values ...int64) *node {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return newNode("Constant", nil, []string{out}, tensorAttr("value", newTensor(elemInt64, dims, data)))
}

func parseNode(body []byte) (*node, error) {
	n := &node{}
	n.body.raw(body)
	err := eachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			n.in = append(n.in, string(b))
		case 2:
			n.out = append(n.out, string(b))
		case 4:
			n.op = string(b)
		case 7:
			n.domain = string(b)
		case 5:
			return n.readSubgraphs(b)
		}
		return nil
	})
	return n, err
}

// readSubgraphs collects the names that the subgraphs of an attribute, or of a node inside of one, mention.
func (n *node) readSubgraphs(attribute []byte) error {
	return eachField(attribute, func(num protowire.Number, graph []byte, _ uint64) error {
		if num != 6 && num != 11 {
			return nil
		}
		return eachField(graph, func(num protowire.Number, b []byte, _ uint64) error {
			if num != 1 {
				return nil
			}
			nested, err := parseNode(b)
			if err != nil {
				return err
			}
			n.inner = append(append(n.inner, nested.in...), nested.inner...)
			return nil
		})
	})
}

// attribute returns an integer attribute, or fallback if the node has none of that name.
func (n *node) attribute(name string, fallback int64) (int64, error) {
	value := fallback
	err := eachField(n.body.join(), func(num protowire.Number, attribute []byte, _ uint64) error {
		if num != 5 {
			return nil
		}
		found, v := "", int64(0)
		err := eachField(attribute, func(num protowire.Number, b []byte, x uint64) error {
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

// withInput returns the node with its first input replaced and everything else byte for byte as it was.
func (n *node) withInput(name string) (*node, error) {
	fields, err := protoFields(n.body.join())
	if err != nil {
		return nil, err
	}
	changed := *n
	changed.body = message{}
	changed.in = append([]string{name}, n.in[1:]...)
	first := true
	for _, f := range fields {
		if f.num == 1 && first {
			first = false
			changed.body.text(1, name)
			continue
		}
		changed.body.raw(f.raw)
	}
	return &changed, nil
}
