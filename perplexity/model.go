package perplexity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"

	"pith/internal/cores"
)

// Options say how a model runs. The zero value is right for most.
type Options struct {
	// Device is "auto", "cpu", "cuda" or "cuda:N". If empty, auto: CUDA where it works, else the
	// CPU, and Card says why. A CUDA device that was asked for by name and does not work is an
	// error.
	Device string
	// Threads is the number of runs at once on a CPU; each takes one core. If zero, all cores.
	// More runs than cores only lengthen the tail (measured with four times as many: the slowest
	// took 5.3 s instead of 0.7 s).
	Threads int
	// MaxBatchTokens bounds one run, in tokens with padding; a longer pass is a run of its own. If
	// zero, 256 on a CPU, and on a GPU what half of its free memory holds by an estimate, at most
	// 16,384. A batch that finds no memory is run in halves. Larger batches cost memory and delay a
	// cancelled call; on a CPU they gain nothing (see BenchmarkScore).
	MaxBatchTokens int
	// MaxTokens shortens the longest pass below what the model allows. If zero, the model's own
	// limit.
	MaxTokens int
	// MaxQueuedTokens bounds the tokens of all callers that wait or run; past it Score fails with
	// ErrBusy. If zero, 524,288: half a minute of two cores.
	MaxQueuedTokens int
	// StateBytes bounds the network's states that are kept of texts scored before, so that another
	// question about a text costs the question only. If zero, 48 MiB; if negative, none are kept.
	// The embedded model takes 5,632 bytes a token.
	StateBytes int
}

// Defaults of Options.MaxBatchTokens. The CPU's is measured: per core second, passes of 64 tokens
// run at 13,000 tokens one by one, 18,100 in batches of 512 and 16,200 in batches of 4,096; passes
// of 512 at 14,600, 14,800 and 12,600. In paired runs over requests of 20,000 tokens 256 takes the
// processor time of 512 within 2 % and 80 MiB less.
const (
	cpuBatchTokens  = 256
	cudaBatchTokens = 16384
	// logitsBytes bounds the full logits of a batch, of which a plain export returns one vocabulary
	// row per position.
	logitsBytes = 256 << 20
)

// Defaults of what is kept and queued. Losses take four bytes a token and an entry for each text.
// The states are those of 8,900 tokens of the embedded model, about two requests at speed balanced:
// with more, a server that has seen thousands of texts takes more than 400 MiB.
const (
	stateBytes   = 48 << 20
	lossBytes    = 8 << 20
	queuedTokens = 1 << 19
)

// ErrClosed is returned by Score after Close.
var ErrClosed = errors.New("model is closed")

// A Model scores text. It is safe for concurrent use; it admits as many runs at once as its device
// does well.
type Model struct {
	card      Card
	id        string
	tokenizer *Tokenizer
	bos       int32 // -1 for none
	engine    *engine
	// queue bounds the load, so that its callers need not.
	queue          *queue
	memory         *memory
	threads        int // runs at once
	maxBatchTokens int

	mu     sync.RWMutex // held for reading while scoring, for writing to close
	closed bool
}

// Open loads the model in fsys, checks it against its side-car, and makes it ready to score. ONNX
// Runtime is loaded if Setup has not done so. Errors: *RuntimeError without a usable library,
// *ChecksumError for files that are not the side-car's, ErrUnsupported for graphs and tokenizers of
// other kinds.
func Open(fsys fs.FS, opt Options) (*Model, error) { return openAt(fsys, "", opt) }

func openAt(fsys fs.FS, dir string, opt Options) (*Model, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	b, err := load(fsys, dir)
	if err != nil {
		return nil, err
	}
	if err := Setup(""); err != nil {
		return nil, err
	}
	if opt.MaxTokens > 0 {
		b.card.MaxTokens = min(b.card.MaxTokens, opt.MaxTokens)
	}
	s, where, err := openSession(b, opt.Device)
	if err != nil {
		return nil, err
	}
	b.card.Device, b.card.DeviceReason = where.name, where.reason
	m := newModel(b, s, opt)
	if !m.card.Verified { // else the checksums have spoken for the weights
		if err := m.tryOut(); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

// tryOut scores a short text. Damaged weights that still make a graph give losses that are no
// numbers.
//
//nolint:contextcheck // opening a model takes no context; this reads one line
func (m *Model) tryOut() error {
	scored, err := m.Score(context.Background(), []Sequence{{Text: "return a + b"}})
	if err != nil {
		return fmt.Errorf("model.onnx: a trial text: %w", err)
	}
	for _, l := range scored[0].Text {
		if math.IsNaN(l.NLL) || math.IsInf(l.NLL, 0) {
			return errors.New("model.onnx: its weights are damaged: the loss of a trial text is no number")
		}
	}
	return nil
}

// OpenDir is Open for a folder: one with a side-car, or a Hugging Face causal language model
// export. Unlike with Open, its weights may stand in files beside the graph, as those of models
// above 2 GiB must.
func OpenDir(dir string, opt Options) (*Model, error) {
	m, err := openAt(os.DirFS(dir), dir, opt)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", dir, err)
	}
	return m, nil
}

func newModel(b *bundle, s session, opt Options) *Model {
	threads, batchTokens := opt.Threads, opt.MaxBatchTokens
	if threads == 0 {
		threads = cores.Number()
	}
	if batchTokens == 0 {
		batchTokens = cpuBatchTokens
	}
	if b.card.Device != "cpu" {
		// A GPU runs one batch at a time; memory is what more at once would cost.
		threads = 1
		if opt.MaxBatchTokens == 0 {
			batchTokens = cudaBatch(freeMemory(b.card.Device), b.card.VocabSize)
		}
	}
	if b.card.Contract == ContractLogits {
		batchTokens = min(batchTokens, max(1, logitsBytes/(4*b.card.VocabSize)))
	}
	m := &Model{
		card: b.card, id: b.id(), tokenizer: b.tokenizer, bos: b.bos,
		engine:         newEngine(s, b.graph, b.card.VocabSize),
		queue:          newQueue(threads, cmp.Or(opt.MaxQueuedTokens, queuedTokens)),
		memory:         newMemory(lossBytes, max(0, cmp.Or(opt.StateBytes, stateBytes))),
		threads:        threads,
		maxBatchTokens: batchTokens,
	}
	return m
}

func (o Options) check() error {
	device, _, _ := strings.Cut(o.Device, ":")
	switch {
	case device != "" && device != "auto" && device != "cpu" && device != "cuda":
		return fmt.Errorf("device %q is none of auto, cpu, cuda, cuda:N", o.Device)
	case o.Threads < 0 || o.MaxBatchTokens < 0 || o.MaxTokens < 0 || o.MaxTokens == 1 || o.MaxQueuedTokens < 0:
		return fmt.Errorf(
			"negative or too small option: threads %d, max batch tokens %d, max tokens %d, max queued tokens %d",
			o.Threads, o.MaxBatchTokens, o.MaxTokens, o.MaxQueuedTokens,
		)
	}
	return nil
}

// Info names the model's identity, which is a checksum over everything that decides losses, and the
// device ("cpu", "cuda:0").
func (m *Model) Info() (id, device string) { return m.id, m.card.Device }

// Card says what the model is and where it runs.
func (m *Model) Card() Card { return m.card }

// Tokenizer returns the model's tokenizer.
func (m *Model) Tokenizer() *Tokenizer { return m.tokenizer }

// Close frees the model when the runs in flight have ended. Score fails with ErrClosed from then
// on. A second Close does nothing.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.memory.clear()
	m.engine.blocks.close()
	return m.engine.session.Destroy()
}
