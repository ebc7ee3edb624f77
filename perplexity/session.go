package perplexity

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"pith/perplexity/onnxgraph"
)

// A session runs a graph. (Destroying its options can fail only if they were destroyed before.)
// Concurrent runs on one *ort.DynamicAdvancedSession are safe (measured: 8 goroutines, 2,000 runs
// each, race build; the binding's author says so in onnxruntime_go#79), on an AdvancedSession they
// are not.
type session interface {
	RunWithOptions(inputs, outputs []ort.Value, opts *ort.RunOptions) error
	Destroy() error
}

// A placement is the device a session was opened on, and why it is not the one asked for.
type placement struct{ name, reason string }

// openSession opens b's graph on device, falling back to the CPU if device is "auto" or empty. It
// lets go of b's bytes.
//
// On a card no states are kept. Those of a token, 5 to 12 KB, take a microsecond or two to the
// host's memory and back; a card computes them in less, so that a text is read in one pass, and
// nothing but token ids goes in and nothing but losses comes out.
func openSession(b *bundle, device string) (session, placement, error) {
	defer func() { b.onnx = nil }()
	name, index, _ := strings.Cut(device, ":")
	var reason string
	if name != "cpu" {
		if index == "" {
			index = "0"
		}
		b.graph.Stateless = true
		s, err := openCUDA(b, index)
		if err == nil {
			return s, placement{name: "cuda:" + index}, nil
		}
		b.graph.Stateless = false
		if name == "cuda" {
			return nil, placement{}, fmt.Errorf("device %s: %w", device, err)
		}
		reason = "no CUDA: " + plain(err)
	}
	s, err := newSession(b, func(o *ort.SessionOptions) error {
		if !b.graph.Half {
			return nil
		}
		// The CPU has no 16-bit kernels, so the runtime puts casts in, over which this optimizer
		// stumbles (1.24.1: graph_utils.cc:29, "index by a name which does not exist", on every
		// Llama-like export in half precision).
		return o.AddSessionConfigEntry("optimization.disable_specified_optimizers", "SimplifiedLayerNormFusion")
	})
	return s, placement{name: "cpu", reason: reason}, err
}

// plain returns the part of a runtime's error message that is meant for people: what comes after
// its own source line and code.
func plain(err error) string {
	msg := err.Error()
	if _, after, found := strings.Cut(msg, " : FAIL : "); found {
		return after
	}
	return msg
}

// newSession loads b's graph, from memory unless its weights are in files of their own. One
// intra-op thread per run and no spinning: on a shared machine two spinning threads per run halve
// the throughput (measured: 533 against 1,019 tokens/s with one core taken by others).
func newSession(b *bundle, provider func(*ort.SessionOptions) error) (session, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	defer func() { _ = o.Destroy() }()
	err = errors.Join(
		o.SetIntraOpNumThreads(1),
		o.SetInterOpNumThreads(1),
		o.SetExecutionMode(ort.ExecutionModeSequential),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		// Memory patterns are kept per input shape, and no two batches have the same.
		o.SetMemPattern(false),
		provider(o),
	)
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	var s *ort.DynamicAdvancedSession
	if len(b.graph.External) > 0 {
		// The runtime looks for the weights beside the graph's file.
		s, err = ort.NewDynamicAdvancedSession(b.path, b.graph.InputNames(), b.graph.OutputNames(), o)
	} else {
		s, err = ort.NewDynamicAdvancedSessionWithONNXData(b.onnx, b.graph.InputNames(), b.graph.OutputNames(), o)
	}
	if err != nil {
		return nil, fmt.Errorf("load graph: %w", err)
	}
	return &timedSession{session: s}, nil
}

// An engine turns batches into runs of a session.
type engine struct {
	session  session
	graph    onnxgraph.Info
	vocab    int
	channels []onnxgraph.Channel
	blocks   *blocks
	// padPast says that rows with pasts of different lengths can meet in a run: the graph is told
	// their positions.
	padPast bool
}

func newEngine(s session, g onnxgraph.Info, vocab int) *engine {
	channels := g.Channels()
	return &engine{
		session: s, graph: g, vocab: vocab, channels: channels, blocks: newBlocks(channels),
		padPast: g.Input("position_ids") != nil,
	}
}

// buffers are the tensors' memory of one run, kept from run to run. Tensors are views of Go slices:
// the slices must live, and nobody else may touch them, until the run is over.
type buffers struct {
	ids, mask, targets, positions, pastIDs []int64
	nll                                    []float32
	logits                                 []byte
	past, left                             [][]byte // by channel
}

// keptLogits is the most that a slot keeps for logits between runs; a long pass over a large
// vocabulary needs more than a gigabyte, which goes back to the heap.
const keptLogits = 64 << 20

// run scores the rows of b and stores what they leave in them.
func (e *engine) run(ctx context.Context, buf *buffers, b batch) error {
	buf.fill(b)
	buf.write(b, e.channels)
	var open tensorSet
	defer open.destroy()
	inputs := make([]ort.Value, len(e.graph.Inputs))
	for i, p := range e.graph.Inputs {
		inputs[i] = open.input(p, buf, b, e.channels)
	}
	outputs := append([]ort.Value{e.output(&open, buf, b)}, open.left(buf, b, e.channels)...)
	if err := e.call(ctx, inputs, outputs, &open); err != nil {
		return err
	}
	if err := buf.read(b, e.channels, e.blocks); err != nil {
		return err
	}
	if e.graph.Contract == ContractNLL {
		b.scatter(buf.nll)
		return nil
	}
	err := b.readLogits(ctx, buf.logits, e.graph.Output(ContractLogits).Elem, e.vocab)
	if len(buf.logits) > keptLogits {
		buf.logits = nil
	}
	return err
}

// output makes the tensor that the losses, or what they are computed from, come in.
func (e *engine) output(open *tensorSet, buf *buffers, b batch) ort.Value {
	if e.graph.Contract == ContractNLL {
		buf.nll = grow(buf.nll, b.asked())
		return addTensor(open, ort.NewShape(int64(b.asked())), buf.nll)
	}
	elem := e.graph.Output(ContractLogits).Elem
	buf.logits = grow(buf.logits, len(b.rows)*b.own*e.vocab*onnxgraph.ElemSize(elem))
	return open.bytes(ort.NewShape(int64(len(b.rows)), int64(b.own), int64(e.vocab)), buf.logits, elem)
}

// call runs the session until it is done or ctx ends.
func (e *engine) call(ctx context.Context, inputs, outputs []ort.Value, open *tensorSet) error {
	if open.err != nil {
		return fmt.Errorf("make tensors: %w", open.err)
	}
	opts, err := ort.NewRunOptions()
	if err != nil {
		return fmt.Errorf("run options: %w", err)
	}
	defer func() { _ = opts.Destroy() }()
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		// It can only fail on destroyed options, and those are destroyed after told is closed.
		_ = opts.Terminate()
	})
	err = e.session.RunWithOptions(inputs, outputs, opts)
	if !stop() {
		<-told
	}
	// The slices behind the tensors are only held by Go values that the compiler may think dead by
	// now.
	runtime.KeepAlive(inputs)
	runtime.KeepAlive(outputs)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// tensorSet is the tensors of one run, to be destroyed after it, with the first error in making
// them.
type tensorSet struct {
	made []ort.Value
	err  error
}

func (v *tensorSet) destroy() {
	for _, t := range v.made {
		_ = t.Destroy() // fails only on a tensor that was destroyed before
	}
}

func (v *tensorSet) keep(t ort.Value, err error) ort.Value {
	if err != nil {
		v.err = errors.Join(v.err, err)
		return nil
	}
	v.made = append(v.made, t)
	return t
}

func addTensor[T ort.TensorData](v *tensorSet, shape ort.Shape, data []T) ort.Value {
	t, err := ort.NewTensor(shape, data)
	return v.keep(t, err)
}

// bytes makes a tensor of any element type over data. (Outputs of 16-bit floats cannot be left to
// the binding to allocate: it fails on their size.)
func (v *tensorSet) bytes(shape ort.Shape, data []byte, elem int) ort.Value {
	if len(data) == 0 {
		data = make([]byte, 1) // an empty tensor, too, must have an address
	}
	t, err := ort.NewCustomDataTensor(shape, data, ort.TensorElementDataType(elem))
	return v.keep(t, err)
}

// input makes the tensor for one of the graph's inputs.
func (v *tensorSet) input(p onnxgraph.Port, buf *buffers, b batch, channels []onnxgraph.Channel) ort.Value {
	rows := int64(len(b.rows))
	shape := ort.NewShape(rows, int64(b.own))
	switch p.Name {
	case "input_ids":
		return addTensor(v, shape, buf.ids)
	case "attention_mask":
		return addTensor(v, ort.NewShape(rows, int64(b.past+b.own)), buf.mask)
	case "targets":
		return addTensor(v, ort.NewShape(rows, int64(b.window)), buf.targets)
	case "position_ids":
		return addTensor(v, shape, buf.positions)
	case "logits_to_keep", "num_logits_to_keep":
		if len(p.Dims) == 0 {
			s, err := ort.NewScalar(int64(0))
			return v.keep(s, err)
		}
		return addTensor(v, ort.NewShape(1), []int64{0})
	case "past_ids":
		return addTensor(v, ort.NewShape(rows, int64(b.past)), buf.pastIDs)
	}
	// past_key_values.*: an empty past where the graph's state cannot be kept.
	past, data := 0, []byte(nil)
	for i, c := range channels {
		if c.In.Name == p.Name {
			past, data = b.past, buf.past[i]
		}
	}
	return v.bytes(ort.NewShape(rows, p.Dims[1], int64(past), p.Dims[3]), data, p.Elem)
}

// left makes the tensors that the states come out in.
func (v *tensorSet) left(buf *buffers, b batch, channels []onnxgraph.Channel) []ort.Value {
	buf.left = growEach(buf.left, len(channels))
	list := make([]ort.Value, len(channels))
	for i, c := range channels {
		tokens := b.own
		if c.Whole {
			tokens += b.past
		}
		buf.left[i] = grow(buf.left[i], len(b.rows)*c.Heads*tokens*c.Row())
		list[i] = v.bytes(
			ort.NewShape(int64(len(b.rows)), int64(c.Heads), int64(tokens), int64(c.Width)), buf.left[i], c.Out.Elem,
		)
	}
	return list
}
