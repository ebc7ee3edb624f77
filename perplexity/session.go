package perplexity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// A session runs a graph. (Destroying its options can fail only if they were destroyed before.) Concurrent runs on one *ort.DynamicAdvancedSession are safe (measured: 8 goroutines, 2,000 runs each,
// race build; the binding's author says so in onnxruntime_go#79), on an AdvancedSession they are not.
type session interface {
	RunWithOptions(inputs, outputs []ort.Value, opts *ort.RunOptions) error
	Destroy() error
}

// A placement is the device a session was opened on, and why it is not the one asked for.
type placement struct{ name, reason string }

// openSession opens b's graph on device, falling back to the CPU if device is "auto" or empty. It lets go of b's bytes.
func openSession(b *bundle, device string) (session, placement, error) {
	defer func() { b.onnx = nil }()
	name, index, _ := strings.Cut(device, ":")
	var reason string
	if name != "cpu" {
		if index == "" {
			index = "0"
		}
		s, err := openCUDA(b, index)
		if err == nil {
			return s, placement{name: "cuda:" + index}, nil
		}
		if name == "cuda" {
			return nil, placement{}, fmt.Errorf("device %s: %w", device, err)
		}
		reason = "no CUDA: " + plain(err)
	}
	s, err := newSession(b, func(o *ort.SessionOptions) error {
		if !b.graph.half {
			return nil
		}
		// The CPU has no 16-bit kernels, so the runtime puts casts in, over which this optimizer stumbles (1.24.1:
		// graph_utils.cc:29, "index by a name which does not exist", on every Llama-like export in half precision).
		return o.AddSessionConfigEntry("optimization.disable_specified_optimizers", "SimplifiedLayerNormFusion")
	})
	return s, placement{name: "cpu", reason: reason}, err
}

// plain returns the part of a runtime's error message that is meant for people: what comes after its own source line and code.
func plain(err error) string {
	msg := err.Error()
	if _, after, found := strings.Cut(msg, " : FAIL : "); found {
		return after
	}
	return msg
}

// openCUDA opens b's graph on a CUDA device. A library without the provider accepts the options and only fails when they are
// appended, a machine without a driver only when the session is made; each of the three errors means "no CUDA here".
func openCUDA(b *bundle, index string) (session, error) {
	provider := filepath.Join(filepath.Dir(loadedLibrary()), strings.Replace(libraryName(), "onnxruntime", "onnxruntime_providers_cuda", 1))
	if _, err := os.Stat(provider); err != nil {
		return nil, errors.New("this build of ONNX Runtime has no CUDA provider (scripts/fetch-onnxruntime --cuda installs one that has)")
	}
	return newSession(b, func(o *ort.SessionOptions) error {
		cuda, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		defer func() { _ = cuda.Destroy() }()
		// By default the arena doubles; growing by what is asked for leaves memory to others on the card.
		err = cuda.Update(map[string]string{"device_id": index, "arena_extend_strategy": "kSameAsRequested"})
		if err != nil {
			return err
		}
		return o.AppendExecutionProviderCUDA(cuda)
	})
}

// newSession loads b's graph, from memory unless its weights are in files of their own. One intra-op thread per run and no spinning: on a shared machine two spinning threads
// per run halve the throughput (measured: 533 against 1,019 tokens/s with one core taken by others).
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
	if len(b.graph.external) > 0 {
		// The runtime looks for the weights beside the graph's file.
		s, err = ort.NewDynamicAdvancedSession(b.path, b.graph.inputNames(), []string{b.graph.contract}, o)
	} else {
		s, err = ort.NewDynamicAdvancedSessionWithONNXData(b.onnx, b.graph.inputNames(), []string{b.graph.contract}, o)
	}
	if err != nil {
		return nil, fmt.Errorf("load graph: %w", err)
	}
	return &timedSession{session: s}, nil
}

func (g *graphInfo) inputNames() []string {
	names := make([]string, len(g.inputs))
	for i, p := range g.inputs {
		names[i] = p.name
	}
	return names
}

// An engine turns batches into runs of a session.
type engine struct {
	session session
	graph   graphInfo
	vocab   int
}

// buffers are the tensors' memory of one run, kept from run to run. Tensors are views of Go slices: the slices must live, and
// nobody else may touch them, until the run is over.
type buffers struct {
	ids, mask, targets, positions []int64
	nll                           []float32
	logits                        []byte
}

// keptLogits is the most that a slot keeps for logits between runs; a long pass over a large vocabulary needs more than a
// gigabyte, which goes back to the heap.
const keptLogits = 64 << 20

// run scores the rows of b and stores their losses in them.
func (e *engine) run(ctx context.Context, buf *buffers, b batch) error {
	buf.fill(b)
	var open values
	defer open.destroy()
	inputs := make([]ort.Value, len(e.graph.inputs))
	for i, p := range e.graph.inputs {
		inputs[i] = open.input(p, buf, b)
	}
	if e.graph.contract == ContractNLL {
		buf.nll = grow(buf.nll, b.wanted)
		out := addTensor(&open, ort.NewShape(int64(b.wanted)), buf.nll)
		if err := e.call(ctx, inputs, out, &open); err != nil {
			return err
		}
		b.scatter(buf.nll)
		return nil
	}
	elem := e.graph.output(ContractLogits).elem
	size := len(b.rows) * b.width * e.vocab * elemSize(elem)
	buf.logits = grow(buf.logits, size)
	out := open.bytes(ort.NewShape(int64(len(b.rows)), int64(b.width), int64(e.vocab)), buf.logits, elem)
	if err := e.call(ctx, inputs, out, &open); err != nil {
		return err
	}
	err := b.readLogits(ctx, buf.logits, elem, e.vocab)
	if size > keptLogits {
		buf.logits = nil
	}
	return err
}

// call runs the session until it is done or ctx ends.
func (e *engine) call(ctx context.Context, inputs []ort.Value, output ort.Value, open *values) error {
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
	err = e.session.RunWithOptions(inputs, []ort.Value{output}, opts)
	if !stop() {
		<-told
	}
	// The slices behind the tensors are only held by Go values that the compiler may think dead by now.
	runtime.KeepAlive(inputs)
	runtime.KeepAlive(output)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// values are the tensors of one run, to be destroyed after it, with the first error in making them.
type values struct {
	made []ort.Value
	err  error
}

func (v *values) destroy() {
	for _, t := range v.made {
		_ = t.Destroy() // fails only on a tensor that was destroyed before
	}
}

func (v *values) keep(t ort.Value, err error) ort.Value {
	if err != nil {
		v.err = errors.Join(v.err, err)
		return nil
	}
	v.made = append(v.made, t)
	return t
}

func addTensor[T ort.TensorData](v *values, shape ort.Shape, data []T) ort.Value {
	t, err := ort.NewTensor(shape, data)
	return v.keep(t, err)
}

// bytes makes a tensor of any element type over data. (Outputs of 16-bit floats cannot be left to the binding to allocate: it
// fails on their size.)
func (v *values) bytes(shape ort.Shape, data []byte, elem int) ort.Value {
	t, err := ort.NewCustomDataTensor(shape, data, ort.TensorElementDataType(elem))
	return v.keep(t, err)
}

// input makes the tensor for one of the graph's inputs.
func (v *values) input(p port, buf *buffers, b batch) ort.Value {
	shape := ort.NewShape(int64(len(b.rows)), int64(b.width))
	switch p.name {
	case "input_ids":
		return addTensor(v, shape, buf.ids)
	case "attention_mask":
		return addTensor(v, shape, buf.mask)
	case "targets":
		return addTensor(v, shape, buf.targets)
	case "position_ids":
		return addTensor(v, shape, buf.positions)
	case "logits_to_keep", "num_logits_to_keep":
		if len(p.dims) == 0 {
			s, err := ort.NewScalar(int64(0))
			return v.keep(s, err)
		}
		return addTensor(v, ort.NewShape(1), []int64{0})
	}
	// past_key_values.*: an empty past.
	empty := ort.NewShape(int64(len(b.rows)), p.dims[1], 0, p.dims[3])
	if p.elem == elemFloat {
		return addTensor(v, empty, []float32{})
	}
	// The binding refuses a tensor over no bytes, though this one holds none.
	return v.bytes(empty, make([]byte, elemSize(p.elem)), p.elem)
}
