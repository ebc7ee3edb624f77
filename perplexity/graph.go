package perplexity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types of ONNX tensors (onnx.proto, TensorProto.DataType), as far as they are met here.
const (
	elemFloat    = 1
	elemInt64    = 7
	elemFloat16  = 10
	elemBFloat16 = 16
)

// A port is an input or output of a graph. A dimension of -1 is only known at run time.
type port struct {
	name string
	elem int
	dims []int64
}

// graphInfo is what the protobuf says of a graph's ends. It is read from the bytes because asking the runtime means loading the
// model a second time, and because the runtime would follow external data to files before anyone could object.
type graphInfo struct {
	inputs, outputs []port
	contract        string
	initializers    map[string]bool
	// external names the files beside the graph that hold weights, sorted.
	external []string
	// half says that some weights are 16-bit floats.
	half bool
	// gapless says that some attention takes the length of the past from the mask and expects it at the left of its place: with
	// rows of several lengths no state can be handed to it.
	gapless bool
	// stateless says that states are not worth keeping where the graph runs (see openSession).
	stateless bool
}

var errMalformed = errors.New("not an ONNX file")

// inspect reads the ends of the graph in an ONNX file and which files hold its weights. It refuses those outside of the graph's
// own folder: following such paths has read arbitrary files in the past (CVE-2022-25882, CVE-2024-27318).
func inspect(onnx []byte) (graphInfo, error) {
	info := graphInfo{initializers: map[string]bool{}}
	found := false
	err := eachField(onnx, func(num protowire.Number, body []byte, _ uint64) error {
		switch num {
		case 7:
			found = true
			return info.readGraph(body, true)
		case 25: // a function's nodes hold constants too
			return eachField(body, func(num protowire.Number, node []byte, _ uint64) error {
				if num != 7 {
					return nil
				}
				return info.readNode(node)
			})
		}
		return nil
	})
	if err == nil && !found {
		err = errMalformed
	}
	slices.Sort(info.external)
	info.external = slices.Compact(info.external)
	info.inputs = slices.DeleteFunc(info.inputs, func(p port) bool { return info.initializers[p.name] })
	return info, err
}

func (g *graphInfo) readGraph(body []byte, top bool) error {
	return eachField(body, func(num protowire.Number, b []byte, _ uint64) error {
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
				g.inputs = append(g.inputs, p)
			} else {
				g.outputs = append(g.outputs, p)
			}
			return err
		}
		return nil
	})
}

// readNode looks at a node's operator and into its attributes, where constants and the bodies of If and Loop live.
func (g *graphInfo) readNode(body []byte) error {
	return eachField(body, func(num protowire.Number, attribute []byte, _ uint64) error {
		if num == 4 && string(attribute) == "GroupQueryAttention" {
			g.gapless = true
		}
		if num != 5 {
			return nil
		}
		return eachField(attribute, func(num protowire.Number, b []byte, _ uint64) error {
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

func (g *graphInfo) readSparse(body []byte) error {
	return eachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		if num != 1 && num != 2 {
			return nil
		}
		return g.readTensor(b, false)
	})
}

func (g *graphInfo) readTensor(body []byte, initializer bool) error {
	name, location, external := "", "", false
	err := eachField(body, func(num protowire.Number, b []byte, n uint64) error {
		switch num {
		case 2:
			g.half = g.half || n == elemFloat16 || n == elemBFloat16
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
			return fmt.Errorf("tensor %q is stored in another file, %q, which is not in the graph's own folder: %w", name, location, ErrUnsupported)
		}
		g.external = append(g.external, location)
	}
	if initializer {
		g.initializers[name] = true
	}
	return nil
}

// readEntry reads a key and its value (onnx.proto, StringStringEntryProto).
func readEntry(body []byte) (key, value string, err error) {
	err = eachField(body, func(num protowire.Number, b []byte, _ uint64) error {
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

func readPort(body []byte) (port, error) {
	var p port
	err := eachField(body, func(num protowire.Number, b []byte, _ uint64) error {
		switch num {
		case 1:
			p.name = string(b)
		case 2:
			return p.readType(b)
		}
		return nil
	})
	return p, err
}

func (p *port) readType(body []byte) error {
	return eachField(body, func(num protowire.Number, tensor []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		return eachField(tensor, func(num protowire.Number, b []byte, n uint64) error {
			switch num {
			case 1:
				p.elem = int(n)
			case 2:
				return eachField(b, func(num protowire.Number, dim []byte, _ uint64) error {
					size := int64(-1)
					err := eachField(dim, func(num protowire.Number, _ []byte, n uint64) error {
						if num == 1 {
							size = int64(n)
						}
						return nil
					})
					p.dims = append(p.dims, size)
					return err
				})
			}
			return nil
		})
	})
}

// eachField calls visit for every field of a protobuf message: with its bytes if it is length-delimited, with its number if it
// is a varint.
func eachField(msg []byte, visit func(num protowire.Number, body []byte, n uint64) error) error {
	for len(msg) > 0 {
		num, typ, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return errMalformed
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
			return errMalformed
		}
		msg = msg[size:]
		if err := visit(num, body, n); err != nil {
			return err
		}
	}
	return nil
}

// settle finds the contract that the graph keeps, refuses graphs that keep none, and holds the card to it.
func (g *graphInfo) settle(card *Card) error {
	for _, contract := range []string{ContractNLL, ContractLogits} {
		if g.output(contract) != nil {
			g.contract = contract
		}
	}
	if g.contract == "" {
		return fmt.Errorf("no output named nll or logits: %w", ErrUnsupported)
	}
	if card.Contract != "" && card.Contract != g.contract {
		return fmt.Errorf("pith.json says contract %q, the graph keeps %q", card.Contract, g.contract)
	}
	card.Contract = g.contract
	out := g.output(g.contract)
	if out.elem != elemFloat && (g.contract == ContractNLL || out.elem != elemFloat16 && out.elem != elemBFloat16) {
		return fmt.Errorf("output %s has element type %d: %w", out.name, out.elem, ErrUnsupported)
	}
	if n := len(out.dims); g.contract == ContractLogits && n == 3 && out.dims[2] > 0 {
		card.VocabSize = int(out.dims[2]) // exports pad the vocabulary; config.json may name the unpadded size
	}
	return g.checkInputs()
}

func (g *graphInfo) checkInputs() error {
	needed := []string{"input_ids"}
	if g.contract == ContractNLL {
		needed = []string{"input_ids", "targets"}
	}
	for _, p := range g.inputs {
		if i := slices.Index(needed, p.name); i >= 0 {
			needed = slices.Delete(needed, i, i+1)
		}
		switch {
		case p.name == "input_ids", p.name == "attention_mask", p.name == "position_ids",
			(p.name == "targets" || p.name == "past_ids") && g.contract == ContractNLL:
			if p.elem != elemInt64 {
				return fmt.Errorf("input %s has element type %d, not int64: %w", p.name, p.elem, ErrUnsupported)
			}
		case isKeep(p.name) && g.contract == ContractLogits:
			if p.elem != elemInt64 || len(p.dims) > 1 {
				return fmt.Errorf("input %s is not an int64: %w", p.name, ErrUnsupported)
			}
		case strings.HasPrefix(p.name, pastPrefix):
			if len(p.dims) != 4 || p.dims[1] < 1 || p.dims[3] < 1 || p.elem != elemFloat && p.elem != elemFloat16 {
				return fmt.Errorf("input %s is not [batch, heads, past, width] of floats: %w", p.name, ErrUnsupported)
			}
		default:
			return fmt.Errorf("input %q is unknown: %w", p.name, ErrUnsupported)
		}
	}
	if len(needed) > 0 {
		return fmt.Errorf("no input named %s: %w", needed[0], ErrUnsupported)
	}
	return nil
}

// isKeep tells the input that says how many of the last positions get logits, which newer exporters add; 0 means all.
func isKeep(input string) bool { return input == "logits_to_keep" || input == "num_logits_to_keep" }

func (g *graphInfo) output(name string) *port { return find(g.outputs, name) }

func (g *graphInfo) input(name string) *port { return find(g.inputs, name) }

// hidden reports that the graph takes hidden states of the past, so that it can give the losses of tokens there.
func (g *graphInfo) hidden() bool { return g.input(hiddenInput) != nil }

func find(ports []port, name string) *port {
	for i := range ports {
		if ports[i].name == name {
			return &ports[i]
		}
	}
	return nil
}
