package onnxgraph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types of ONNX tensors (onnx.proto, TensorProto.DataType), as far as they are met here.
const (
	ElemFloat    = 1
	ElemInt64    = 7
	ElemFloat16  = 10
	ElemBFloat16 = 16
)

// A Port is an input or output of a graph. A dimension of -1 is only known at run time.
type Port struct {
	Name string
	Elem int
	Dims []int64
}

// Info is what the protobuf says of a graph's ends. It is read from the bytes because asking
// the runtime means loading the model a second time, and because the runtime would follow external
// data to files before anyone could object.
type Info struct {
	Inputs, Outputs []Port
	Contract        string
	Initializers    map[string]bool
	// external names the files beside the graph that hold weights, sorted.
	External []string
	// half says that some weights are 16-bit floats.
	Half bool
	// gapless says that some attention takes the length of the past from the mask and expects it at
	// the left of its place: with rows of several lengths no state can be handed to it.
	gapless bool
	// stateless says that states are not worth keeping where the graph runs (see openSession).
	Stateless bool
}

// ErrMalformed means that bytes are no ONNX file.
var ErrMalformed = errors.New("not an ONNX file")

// Inspect reads the ends of the graph in an ONNX file and which files hold its weights. It refuses
// those outside of the graph's own folder: following such paths has read arbitrary files in the
// past (CVE-2022-25882, CVE-2024-27318).
func Inspect(onnx []byte) (Info, error) {
	info := Info{Initializers: map[string]bool{}}
	found := false
	err := EachField(onnx, func(num protowire.Number, body []byte, _ uint64) error {
		switch num {
		case 7:
			found = true
			return info.readGraph(body, true)
		case 25: // a function's nodes hold constants too
			return EachField(body, func(num protowire.Number, node []byte, _ uint64) error {
				if num != 7 {
					return nil
				}
				return info.readNode(node)
			})
		}
		return nil
	})
	if err == nil && !found {
		err = ErrMalformed
	}
	slices.Sort(info.External)
	info.External = slices.Compact(info.External)
	info.Inputs = slices.DeleteFunc(info.Inputs, func(p Port) bool { return info.Initializers[p.Name] })
	return info, err
}

func (g *Info) readGraph(body []byte, top bool) error {
	return EachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			return g.readNode(b)
		case 5:
			return g.readTensor(b, top)
		case 15:
			return g.readSparse(b)
		case 11, 12:
			if !top {
				return nil
			}
			p, err := readPort(b)
			if num == 11 {
				g.Inputs = append(g.Inputs, p)
			} else {
				g.Outputs = append(g.Outputs, p)
			}
			return err
		}
		return nil
	})
}

// readNode looks at a node's operator and into its attributes, where constants and the bodies of If
// and Loop live.
func (g *Info) readNode(body []byte) error {
	return EachField(body, func(num protowire.Number, attribute []byte, _ uint64) error {
		if num == 4 && string(attribute) == "GroupQueryAttention" {
			g.gapless = true
		}
		if num != 5 {
			return nil
		}
		return EachField(attribute, func(num protowire.Number, b []byte, _ uint64) error {
			switch num {
			case 5, 10:
				return g.readTensor(b, false)
			case 6, 11:
				return g.readGraph(b, false)
			case 22, 23:
				return g.readSparse(b)
			}
			return nil
		})
	})
}

func (g *Info) readSparse(body []byte) error {
	return EachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		if num != 1 && num != 2 {
			return nil
		}
		return g.readTensor(b, false)
	})
}

func (g *Info) readTensor(body []byte, initializer bool) error {
	name, location, external := "", "", false
	err := EachField(body, func(num protowire.Number, b []byte, n uint64) error {
		switch num {
		case 2:
			g.Half = g.Half || n == ElemFloat16 || n == ElemBFloat16
		case 8:
			name = string(b)
		case 13:
			external = true
			key, value, err := readEntry(b)
			if key == "location" {
				location = value
			}
			return err
		case 14:
			external = external || n == 1
		}
		return nil
	})
	if err != nil {
		return err
	}
	if external {
		if location == "" || location == "." || location == ".." || strings.ContainsAny(location, "/\\\x00") {
			return fmt.Errorf(
				"tensor %q is stored in another file, %q, which is not in the graph's own folder: %w", name, location,
				ErrUnsupported,
			)
		}
		g.External = append(g.External, location)
	}
	if initializer {
		g.Initializers[name] = true
	}
	return nil
}

// readEntry reads a key and its value (onnx.proto, StringStringEntryProto).
func readEntry(body []byte) (key, value string, err error) {
	err = EachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			key = string(b)
		case 2:
			value = string(b)
		}
		return nil
	})
	return key, value, err
}

func readPort(body []byte) (Port, error) {
	var p Port
	err := EachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			p.Name = string(b)
		case 2:
			return p.readType(b)
		}
		return nil
	})
	return p, err
}

func (p *Port) readType(body []byte) error {
	return EachField(body, func(num protowire.Number, tensor []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		return EachField(tensor, func(num protowire.Number, b []byte, n uint64) error {
			switch num {
			case 1:
				p.Elem = int(n)
			case 2:
				return EachField(b, func(num protowire.Number, dim []byte, _ uint64) error {
					size := int64(-1)
					err := EachField(dim, func(num protowire.Number, _ []byte, n uint64) error {
						if num == 1 {
							size = int64(n)
						}
						return nil
					})
					p.Dims = append(p.Dims, size)
					return err
				})
			}
			return nil
		})
	})
}

// EachField calls visit for every field of a protobuf message: with its bytes if it is
// length-delimited, with its number if it is a varint.
func EachField(msg []byte, visit func(num protowire.Number, body []byte, n uint64) error) error {
	for len(msg) > 0 {
		num, typ, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return ErrMalformed
		}
		msg = msg[size:]
		var (
			body []byte
			n    uint64
		)
		switch typ {
		case protowire.BytesType:
			body, size = protowire.ConsumeBytes(msg)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(msg)
		default:
			size = protowire.ConsumeFieldValue(num, typ, msg)
		}
		if size < 0 {
			return ErrMalformed
		}
		msg = msg[size:]
		if err := visit(num, body, n); err != nil {
			return err
		}
	}
	return nil
}

// Settle finds the contract that the graph keeps and refuses graphs that keep none, or another than
// stated, where that is not empty. It returns the size of the vocabulary, or 0 where only others
// can tell it.
func (g *Info) Settle(stated string) (vocab int, err error) {
	for _, contract := range []string{ContractNLL, ContractLogits} {
		if g.Output(contract) != nil {
			g.Contract = contract
		}
	}
	if g.Contract == "" {
		return 0, fmt.Errorf("no output named nll or logits: %w", ErrUnsupported)
	}
	if stated != "" && stated != g.Contract {
		return 0, fmt.Errorf("pith.json says contract %q, the graph keeps %q", stated, g.Contract)
	}
	out := g.Output(g.Contract)
	if out.Elem != ElemFloat && (g.Contract == ContractNLL || out.Elem != ElemFloat16 && out.Elem != ElemBFloat16) {
		return 0, fmt.Errorf("output %s has element type %d: %w", out.Name, out.Elem, ErrUnsupported)
	}
	if n := len(out.Dims); g.Contract == ContractLogits && n == 3 && out.Dims[2] > 0 {
		vocab = int(out.Dims[2])
	}
	return vocab, g.checkInputs()
}

func (g *Info) checkInputs() error {
	needed := []string{"input_ids"}
	if g.Contract == ContractNLL {
		needed = []string{"input_ids", "targets"}
	}
	for _, p := range g.Inputs {
		if i := slices.Index(needed, p.Name); i >= 0 {
			needed = slices.Delete(needed, i, i+1)
		}
		switch {
		case p.Name == "input_ids", p.Name == "attention_mask", p.Name == "position_ids",
			(p.Name == "targets" || p.Name == "past_ids") && g.Contract == ContractNLL:
			if p.Elem != ElemInt64 {
				return fmt.Errorf("input %s has element type %d, not int64: %w", p.Name, p.Elem, ErrUnsupported)
			}
		case isKeep(p.Name) && g.Contract == ContractLogits:
			if p.Elem != ElemInt64 || len(p.Dims) > 1 {
				return fmt.Errorf("input %s is not an int64: %w", p.Name, ErrUnsupported)
			}
		case strings.HasPrefix(p.Name, pastPrefix):
			if len(p.Dims) != 4 || p.Dims[1] < 1 || p.Dims[3] < 1 || p.Elem != ElemFloat && p.Elem != ElemFloat16 {
				return fmt.Errorf("input %s is not [batch, heads, past, width] of floats: %w", p.Name, ErrUnsupported)
			}
		default:
			return fmt.Errorf("input %q is unknown: %w", p.Name, ErrUnsupported)
		}
	}
	if len(needed) > 0 {
		return fmt.Errorf("no input named %s: %w", needed[0], ErrUnsupported)
	}
	return nil
}

// isKeep tells the input that says how many of the last positions get logits, which newer exporters
// add; 0 means all.
func isKeep(input string) bool { return input == "logits_to_keep" || input == "num_logits_to_keep" }

// Output is the output of that name, or nil.
func (g *Info) Output(name string) *Port { return find(g.Outputs, name) }

// Input is the input of that name, or nil.
func (g *Info) Input(name string) *Port { return find(g.Inputs, name) }

// Hidden reports that the graph takes hidden states of the past, so that it can give the losses of
// tokens there.
func (g *Info) Hidden() bool { return g.Input(hiddenInput) != nil }

func find(ports []Port, name string) *Port {
	for i := range ports {
		if ports[i].Name == name {
			return &ports[i]
		}
	}
	return nil
}
