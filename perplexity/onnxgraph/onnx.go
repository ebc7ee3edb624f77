package onnxgraph

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A protoField is one field of a protobuf message. raw is all of it, tag included; body is what a
// length-delimited one holds.
type protoField struct {
	Num       protowire.Number
	raw, Body []byte
}

// protoFields splits a message into its fields. They are views of msg: weights are never copied.
func protoFields(msg []byte) ([]protoField, error) {
	var fields []protoField
	for len(msg) > 0 {
		num, typ, tag := protowire.ConsumeTag(msg)
		if tag < 0 {
			return nil, ErrMalformed
		}
		size := protowire.ConsumeFieldValue(num, typ, msg[tag:])
		if size < 0 {
			return nil, ErrMalformed
		}
		f := protoField{Num: num, raw: msg[:tag+size]}
		if typ == protowire.BytesType {
			f.Body, _ = protowire.ConsumeBytes(msg[tag:]) // its size was just taken
		}
		fields = append(fields, f)
		msg = msg[tag+size:]
	}
	return fields, nil
}

// A Message is a protobuf message in parts, so that a graph is written around its weights without
// copying them.
type Message struct {
	Parts [][]byte
	Size  int
}

// Raw appends whole fields.
func (m *Message) Raw(b []byte) {
	m.Parts = append(m.Parts, b)
	m.Size += len(b)
}

// Varint appends a number.
func (m *Message) Varint(num protowire.Number, v int64) {
	m.Raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v)))
}

// Text appends a string.
func (m *Message) Text(num protowire.Number, s string) { m.bytes(num, []byte(s)) }

func (m *Message) bytes(num protowire.Number, b []byte) {
	m.Raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(len(b))))
	m.Raw(b)
}

// Nested appends a message.
func (m *Message) Nested(num protowire.Number, inner Message) {
	m.Raw(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(inner.Size)))
	m.Parts = append(m.Parts, inner.Parts...)
	m.Size += inner.Size
}

// WriteTo implements io.WriterTo.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	written := int64(0)
	for _, part := range m.Parts {
		n, err := w.Write(part)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Join copies the message into one slice; for small ones.
func (m *Message) Join() []byte {
	out := make([]byte, 0, m.Size)
	for _, part := range m.Parts {
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

// FloatAttr makes an attribute of a node.
func FloatAttr(name string, v float32) Message {
	var a Message
	a.Text(1, name)
	a.Raw(protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), math.Float32bits(v)))
	a.Varint(20, attrFloat)
	return a
}

// IntAttr makes an attribute of a node.
func IntAttr(name string, v int64) Message {
	var a Message
	a.Text(1, name)
	a.Varint(3, v)
	a.Varint(20, attrInt)
	return a
}

// IntsAttr makes an attribute of a node.
func IntsAttr(name string, values ...int64) Message {
	var a Message
	a.Text(1, name)
	for _, v := range values {
		a.Varint(8, v)
	}
	a.Varint(20, attrInts)
	return a
}

func tensorAttr(name string, tensor Message) Message {
	var a Message
	a.Text(1, name)
	a.Nested(5, tensor)
	a.Varint(20, attrTensor)
	return a
}

// NewTensor is a tensor without a name; data is little-endian.
func NewTensor(elem int, dims []int64, data []byte) Message {
	var t Message
	for _, d := range dims {
		t.Varint(1, d)
	}
	t.Varint(2, int64(elem))
	t.bytes(9, data)
	return t
}

// NewPort is a graph's input or output (ValueInfoProto). A dimension is a number, or a name for one
// known at run time only.
func NewPort(name string, elem int, dims ...any) Message {
	var shape, tensor, typ, p Message
	for _, d := range dims {
		var dim Message
		switch d := d.(type) {
		case int:
			dim.Varint(1, int64(d))
		case string:
			dim.Text(2, d)
		}
		shape.Nested(1, dim)
	}
	tensor.Varint(1, int64(elem))
	tensor.Nested(2, shape)
	typ.Nested(1, tensor)
	p.Text(1, name)
	p.Nested(2, typ)
	return p
}
