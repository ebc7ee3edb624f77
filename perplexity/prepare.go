package perplexity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"pith/perplexity/onnxgraph"
)

// PrepareOptions say what Prepare writes besides the graph.
type PrepareOptions struct {
	// Out is the folder to write, which must not exist.
	Out string
	// Name and License go into the side-car. If empty, what the folder says of itself, or
	// "unknown".
	Name, License string
	// Progress is told what is being done, and how many of how many bytes are; may be nil.
	Progress func(what string, done, total int64)
}

// A Preparation is what Prepare wrote and how it compares with the original.
type Preparation struct {
	Card Card
	// Losses were compared; the largest difference is Worst, the largest allowed Tolerance, in
	// nats.
	Losses           int
	Worst, Tolerance float64
}

// How far a loss of the prepared graph may be from the original's, in nats: rounding of sums in
// another order, and of logits that are 16-bit floats (values around 16 have steps of 1/64).
const (
	tolerance     = 1e-3
	halfTolerance = 2e-2
)

// largestMessage is what a protobuf message can hold.
const largestMessage = math.MaxInt32

// Prepare turns the Hugging Face export in dir, whose graph gives logits, into a model whose graph
// gives losses, by editing the graph. It compares both on sample text through ONNX Runtime and
// leaves either a whole folder or none. Weights are not copied where the file system can link them.
// ErrUnsupported with a reason is returned for graphs that it cannot edit.
func Prepare(ctx context.Context, dir string, opt PrepareOptions) (Preparation, error) {
	if opt.Progress == nil {
		opt.Progress = func(string, int64, int64) {}
	}
	if info, err := os.Stat(dir); err != nil {
		return Preparation{}, err
	} else if !info.IsDir() {
		return Preparation{}, fmt.Errorf("%s is no folder", dir)
	}
	if _, err := os.Lstat(opt.Out); !errors.Is(err, fs.ErrNotExist) {
		return Preparation{}, fmt.Errorf("%s is there already", opt.Out)
	}
	out, err := prepare(ctx, dir, opt, true)
	if errors.Is(err, errState) {
		out, err = prepare(ctx, dir, opt, false)
	}
	return out, err
}

// errState says that a graph's losses are others when it goes on from states: where activations
// share a scale, for one.
var errState = fmt.Errorf("the graph does not go on from its states as it should: %w", ErrUnsupported)

// prepare is Prepare for graphs that keep states, or none.
func prepare(ctx context.Context, dir string, opt PrepareOptions, states bool) (Preparation, error) {
	opt.Progress("read graph", 0, 0)
	b, err := load(os.DirFS(dir), dir)
	if err != nil {
		return Preparation{}, err
	}
	if b.card.Contract == ContractNLL {
		return Preparation{}, errors.New("the graph gives losses already; nothing to prepare")
	}
	graph, err := onnxgraph.ToNLL(b.onnx, b.graph, states)
	if err != nil {
		return Preparation{}, err
	}
	if graph.Size > largestMessage {
		return Preparation{}, fmt.Errorf(
			"the graph would have %d bytes, above the 2 GiB of its format: %w "+
				"(export the weights to a file of their own)",
			graph.Size, ErrUnsupported,
		)
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(opt.Out)), ".pith-prepare-")
	if err != nil {
		return Preparation{}, fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	if err := b.writePrepared(ctx, graph, temp, opt); err != nil {
		return Preparation{}, err
	}
	limit := tolerance
	if b.graph.Half {
		limit = halfTolerance
	}
	*b, graph = bundle{}, onnxgraph.Message{} // the original's bytes would be in memory beside a session's
	out, states, err := compare(ctx, dir, temp, opt.Progress)
	out.Tolerance = limit
	switch {
	case err != nil && states:
		return out, errors.Join(errState, err)
	case err != nil:
		return out, err
	case !(out.Worst <= limit) && states: // NaN is not
		return out, errState
	case !(out.Worst <= limit):
		return out, fmt.Errorf(
			"a loss of the prepared graph is %g nats from the original's, above %g: %w", out.Worst, limit,
			ErrUnsupported,
		)
	}
	if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp's is for its owner only
		return out, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Rename(temp, opt.Out); err != nil {
		return out, fmt.Errorf("put folder in place: %w", err)
	}
	return out, nil
}

// writePrepared fills folder with the graph, its weights, the tokenizer, whatever says what the
// model is, and the side-car.
func (b *bundle) writePrepared(ctx context.Context, graph onnxgraph.Message, folder string, opt PrepareOptions) error {
	from := filepath.Dir(b.path)
	for i, name := range b.graph.External {
		opt.Progress("link weights", int64(i), int64(len(b.graph.External)))
		if err := linkOrCopy(ctx, filepath.Join(from, name), filepath.Join(folder, name), opt.Progress); err != nil {
			return fmt.Errorf("weights: %w", err)
		}
	}
	opt.Progress("write graph", 0, int64(graph.Size))
	sum, err := writeMessage(ctx, filepath.Join(folder, "model.onnx"), graph)
	if err != nil {
		return fmt.Errorf("write graph: %w", err)
	}
	root := from
	if _, err := os.Stat(filepath.Join(root, "tokenizer.json")); err != nil {
		root = filepath.Dir(root) // the graph is in the folder onnx of its model
	}
	for _, name := range []string{"tokenizer.json", "config.json", "LICENSE", "README.md"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) && name != "tokenizer.json" {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	car, err := json.MarshalIndent(b.sideCar(sum, root, opt), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "pith.json"), append(car, '\n'), 0o644)
}

func (b *bundle) sideCar(sum, root string, opt PrepareOptions) sideCar {
	car := sideCar{
		Name: opt.Name, Contract: ContractNLL, SHA256: sum, TokenizerSHA256: b.card.TokenizerSHA256,
		License:   opt.License,
		MaxTokens: b.card.MaxTokens, VocabSize: b.card.VocabSize, Files: b.weights,
	}
	if b.bos >= 0 {
		car.BOS = &b.bos
	}
	if car.Name == "" {
		car.Name = b.card.Name
	}
	if car.License == "" {
		car.License = statedLicense(root)
	}
	return car
}

// statedLicense reads the licence from the head of a README.md, where model hubs want it, or says
// "unknown".
func statedLicense(folder string) string {
	data, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		return "unknown"
	}
	head, _, _ := strings.Cut(strings.TrimPrefix(string(data), "---\n"), "\n---")
	for line := range strings.Lines(head) {
		if license, found := strings.CutPrefix(line, "license:"); found {
			return strings.Trim(strings.TrimSpace(license), `"'`)
		}
	}
	return "unknown"
}

// sampleTexts are scored with both graphs: of several lengths, so that rows are padded, and not
// only English and ASCII.
var sampleTexts = []Sequence{
	{
		Given: "package store\n\n// Close flushes what is left and gives the file back.\n" +
			"func (s *Store) Close() error {\n\tif err := s.flush(); err != nil {\n" +
			"\t\treturn fmt.Errorf(\"flush: %w\", err)\n\t}\n" +
			"\treturn s.file.Close()\n}\n",
		Text:      "How does the store close its file?",
		WantGiven: true,
	},
	{
		Given:     "def area(w, h):\n    \"\"\"Returns the area of a rectangle.\"\"\"\n    return w * h\n",
		Text:      "the area of a rectangle",
		WantGiven: true,
	},
	{Text: "The quick brown fox jumps over the lazy dog; 1234567890 times, naïvely."},
	{Given: "SELECT name FROM users WHERE id = 7;\n", Text: "Wie heißt der Nutzer Nummer 7? 名前は?"},
}

// compare scores the sample texts with the models in two folders, one after the other: two at once
// may not fit in memory. The original takes each text in one run. states says that the other keeps
// states.
func compare(
	ctx context.Context,
	before, after string,
	progress func(string, int64, int64),
) (out Preparation, states bool, err error) {
	var losses [2][]Losses
	for i, dir := range []string{before, after} {
		progress([]string{"score with the original", "score with the prepared graph"}[i], int64(i), 2)
		m, err := OpenDir(dir, Options{Device: "cpu", MaxBatchTokens: 256})
		if err != nil {
			return out, states, fmt.Errorf("open to compare: %w", err)
		}
		out.Card, states = m.Card(), i > 0 && len(m.engine.channels) > 0
		// Quantised activations share a scale over a batch: both graphs must see the same batches,
		// which the size of full logits decides.
		m.maxBatchTokens = min(256, max(1, logitsBytes/(4*out.Card.VocabSize)))
		score := m.scoreWhole
		if i > 0 {
			score = m.Score
		}
		losses[i], err = score(ctx, sampleTexts)
		if err = errors.Join(err, m.Close()); err != nil {
			return out, states, fmt.Errorf("score to compare: %w", err)
		}
	}
	for i := range sampleTexts {
		a, b := append(losses[0][i].Given, losses[0][i].Text...), append(losses[1][i].Given, losses[1][i].Text...)
		if len(a) != len(b) {
			return out, states, fmt.Errorf("sample %d has %d losses, %d when prepared", i, len(a), len(b))
		}
		for k := range a {
			out.Losses++
			if d := math.Abs(a[k].NLL - b[k].NLL); !(d <= out.Worst) { // NaN is kept
				out.Worst = d
			}
		}
	}
	return out, states, nil
}

// writeMessage writes a message to a new file and returns its checksum.
func writeMessage(ctx context.Context, name string, m onnxgraph.Message) (sum string, err error) {
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	_, err = m.WriteTo(writerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Write(p)
	}))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return fileSHA256(os.DirFS(filepath.Dir(name)), filepath.Base(name))
}

// A writerFunc is an io.Writer.
type writerFunc func(p []byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// linkOrCopy gives a file a second name, or copies it where that cannot be.
func linkOrCopy(ctx context.Context, from, to string, progress func(string, int64, int64)) error {
	real, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	if os.Link(real, to) == nil {
		return nil
	}
	in, err := os.Open(real)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	buf, done := make([]byte, 1<<20), int64(0)
	for err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		var n int
		n, err = in.Read(buf)
		if _, werr := out.Write(buf[:n]); werr != nil {
			err = werr
		}
		done += int64(n)
		progress("copy weights", done, info.Size())
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, out.Close())
}
