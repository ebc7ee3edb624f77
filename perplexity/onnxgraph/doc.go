// Package onnxgraph reads and edits ONNX files as bytes: what goes into a graph and what comes out,
// which contract it keeps, and the edit that turns logits into losses. It runs nothing and knows
// nothing of ONNX Runtime.
package onnxgraph

import "errors"

// The graph contracts: what a graph's output is.
const (
	ContractNLL    = "nll"    // the loss of each wanted token
	ContractLogits = "logits" // the logits of every position
)

// ErrUnsupported marks a graph of a kind that is not understood. The message says which part.
var ErrUnsupported = errors.New("not supported")
