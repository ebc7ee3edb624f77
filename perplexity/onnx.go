package perplexity

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A protoField is one field of a protobuf message. raw is all of it, tag included; body is what a length-delimited one holds.
type protoField struct {
	num       protowire.Number
	raw, body []byte
}

// protoFields splits a message into its fields. They are views of msg: weights are never copied.
func protoFields(msg []byte) ([]protoField, error) {
	var fields []protoField
	for len(msg) > 0 {
		num, typ, tag := protowire.ConsumeTag(msg)
		if tag < 0 {
			return nil, errMalformed
		}
		size := protowire.ConsumeFieldValue(num, typ, msg[tag:])
		if size < 0 {
			return nil, errMalformed
		}
		f := protoField{num: num, raw: msg[:tag+size]}
		if typ == protowire.BytesType {
			f.body, _ = protowire.ConsumeBytes(msg[tag:]) // its size was just taken
		}
		fields = append(fields, f)
		msg = msg[tag+size:]
	}
	return fields, nil
}

// A message is a protobuf message in parts, so that a graph is written around its weights without copying them.
type message struct {
	parts [][]byte
	size  int
}

// raw appends whole fields.
func (m *message) raw(b []byte) {
	m.parts = append(m.parts, b)
	m.size += len(b)
}

func (m *message) varint(num protowire.Number, v int64) {
	m.raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v)))
}

func (m *message) text(num protowire.Number, s string) { m.bytes(num, []byte(s)) }

func (m *message) bytes(num protowire.Number, b []byte) {
	m.raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(len(b))))
	m.raw(b)
}

func (m *message) nested(num protowire.Number, inner message) {
	m.raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(inner.size)))
	m.parts = append(m.parts, inner.parts...)
	m.size += inner.size
}

// WriteTo implements io.WriterTo.
func (m *message) WriteTo(w io.Writer) (int64, error) {
	written := int64(0)
	for _, part := range m.parts {
		n, err := w.Write(part)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// join copies the message into one slice; for small ones.
func (m *message) join() []byte {
	out := make([]byte, 0, m.size)
	for _, part := range m.parts {
		out = append(out, part...)
	}
	return out
}

// Types of attributes (onnx.proto, AttributeProto.AttributeType).
const (
	attrFloat  = 1
	attrInt    = 2
	attrTensor = 4
	attrInts   = 7
)

// floatAttr, intAttr, intsAttr and tensorAttr make attributes of a node.
func floatAttr(name string, v float32) message {
	var a message
	a.text(1, name)
	a.raw(protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), math.Float32bits(v)))
	a.varint(20, attrFloat)
	return a
}

func intAttr(name string, v int64) message {
	var a message
	a.text(1, name)
	a.varint(3, v)
	a.varint(20, attrInt)
	return a
}

func intsAttr(name string, values ...int64) message {
	var a message
	a.text(1, name)
	for _, v := range values {
		a.varint(8, v)
	}
	a.varint(20, attrInts)
	return a
}

func tensorAttr(name string, tensor message) message {
	var a message
	a.text(1, name)
	a.nested(5, tensor)
	a.varint(20, attrTensor)
	return a
}

// newTensor is a tensor without a name; data is little-endian.
func newTensor(elem int, dims []int64, data []byte) message {
	var t message
	for _, d := range dims {
		t.varint(1, d)
	}
	t.varint(2, int64(elem))
	t.bytes(9, data)
	return t
}

// newPort is a graph's input or output (ValueInfoProto). A dimension is a number, or a name for one known at run time only.
func newPort(name string, elem int, dims ...any) message {
	var shape, tensor, typ, p message
	for _, d := range dims {
		var dim message
		switch d := d.(type) {
		case int:
			dim.varint(1, int64(d))
		case string:
			dim.text(2, d)
		}
		shape.nested(1, dim)
	}
	tensor.varint(1, int64(elem))
	tensor.nested(2, shape)
	typ.nested(1, tensor)
	p.text(1, name)
	p.nested(2, typ)
	return p
}
