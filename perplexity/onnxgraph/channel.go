package onnxgraph

import "strings"

// The names of the inputs and outputs that carry state.
const (
	pastPrefix    = "past_key_values."
	presentPrefix = "present." // Hugging Face's: the past and the run's own tokens
	newPrefix     = "new."     // ours: the run's own tokens only
	hiddenInput   = pastPrefix + "hidden"
)

// A Channel is one tensor of a graph's state: where it goes in and where it comes out, [batch,
// heads, tokens, width].
type Channel struct {
	In, Out      Port
	Heads, Width int
	// whole says that the output holds the past, too.
	Whole bool
}

// Row returns the bytes of one head's one token.
func (c Channel) Row() int { return c.Width * ElemSize(c.In.Elem) }

// Channels pairs the graph's past inputs with the outputs that continue them. It returns none if
// any lacks its output, or the graph is gapless or stateless: then a past can be given, an empty
// one, but not kept.
func (g *Info) Channels() []Channel {
	if g.gapless || g.Stateless {
		return nil
	}
	var list []Channel
	for _, in := range g.Inputs {
		name, ok := strings.CutPrefix(in.Name, pastPrefix)
		if !ok {
			continue
		}
		c := Channel{In: in, Heads: int(in.Dims[1]), Width: int(in.Dims[3])}
		out := g.Output(newPrefix + name)
		if out == nil {
			out, c.Whole = g.Output(presentPrefix+name), true
		}
		if out == nil || out.Elem != in.Elem {
			return nil
		}
		c.Out = *out
		list = append(list, c)
	}
	return list
}

// ElemSize returns the bytes of one element.
func ElemSize(elem int) int {
	if elem == ElemFloat {
		return 4
	}
	return 2
}

// InputNames lists the graph's inputs.
func (g *Info) InputNames() []string {
	names := make([]string, len(g.Inputs))
	for i, p := range g.Inputs {
		names[i] = p.Name
	}
	return names
}

// OutputNames lists the graph's losses and then its states.
func (g *Info) OutputNames() []string {
	names := []string{g.Contract}
	for _, c := range g.Channels() {
		names = append(names, c.Out.Name)
	}
	return names
}
