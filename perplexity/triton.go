package perplexity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"pith/perplexity/onnxgraph"
)

// TritonOptions say how ExportTriton writes a model repository.
type TritonOptions struct {
	// Out is the folder to write, which must not exist.
	Out string
	// Name is what the server calls the model. If empty, the side-car's name.
	Name string
	// MaxBatch is the most rows of one run; 64 if zero.
	MaxBatch int
	// QueueTimeout is how long a row may wait in the server before it is refused; it belongs below
	// the deadline of whoever asks.
	QueueTimeout time.Duration
	Progress     func(what string, done, total int64)
}

// A TritonExport is what ExportTriton wrote.
type TritonExport struct {
	Card Card
	// Name is the model's name on the server, Folder its folder, Client the one that a proxy takes
	// as model.dir.
	Name, Folder, Client string
	// Worst is the largest difference, in nats, between the served graph's losses and the model's.
	Worst float64
}

// servedName is what servers take as the name of a model in a URL.
var servedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// ExportTriton writes the model in dir, or the embedded one if dir is empty, as a model repository
// of the Triton inference server: the graph with rows that the server can batch, its configuration,
// and beside them a folder for the proxies with side-car, tokenizer and golden scores. The written
// graph is run and has to give those scores. The folder stands there whole or not at all.
func ExportTriton(ctx context.Context, dir string, opt TritonOptions) (TritonExport, error) {
	if opt.Progress == nil {
		opt.Progress = func(string, int64, int64) {}
	}
	if _, err := os.Lstat(opt.Out); !errors.Is(err, fs.ErrNotExist) {
		return TritonExport{}, fmt.Errorf("%s is there already", opt.Out)
	}
	fsys := Embedded()
	if dir != "" {
		fsys = os.DirFS(dir)
	}
	b, err := load(fsys, dir)
	if err != nil {
		return TritonExport{}, err
	}
	if b.card.Contract != ContractNLL || !b.card.Verified {
		return TritonExport{}, fmt.Errorf("the model gives logits or has no side-car: %w (run `pith model prepare` "+
			"first)", ErrUnsupported)
	}
	if opt.Name == "" {
		opt.Name = strings.ReplaceAll(b.card.Name, " ", "-")
	}
	if !servedName.MatchString(opt.Name) {
		return TritonExport{}, fmt.Errorf("name %q: want letters, digits, dots, dashes and underscores", opt.Name)
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(opt.Out)), ".pith-triton-")
	if err != nil {
		return TritonExport{}, fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	out, err := b.exportTo(ctx, fsys, dir, temp, opt)
	if err != nil {
		return out, err
	}
	if err := errors.Join(os.Chmod(temp, 0o755), os.Rename(temp, opt.Out)); err != nil {
		return out, fmt.Errorf("put folder in place: %w", err)
	}
	return out, nil
}

func (b *bundle) exportTo(ctx context.Context, fsys fs.FS, dir, temp string, opt TritonOptions) (TritonExport, error) {
	out := TritonExport{Card: b.card, Name: opt.Name, Folder: filepath.Join(opt.Out, opt.Name)}
	out.Client = filepath.Join(out.Folder, "pith")
	version, client := filepath.Join(temp, opt.Name, "1"), filepath.Join(temp, opt.Name, "pith")
	if err := errors.Join(os.MkdirAll(version, 0o755), os.MkdirAll(client, 0o755)); err != nil {
		return out, fmt.Errorf("make folders: %w", err)
	}
	graph, err := onnxgraph.ToServed(b.onnx, b.graph)
	if err != nil {
		return out, err
	}
	for _, name := range b.graph.External {
		from := filepath.Join(filepath.Dir(b.path), name)
		if err := linkOrCopy(ctx, from, filepath.Join(version, name), opt.Progress); err != nil {
			return out, fmt.Errorf("weights: %w", err)
		}
	}
	if _, err := writeMessage(ctx, filepath.Join(version, "model.onnx"), graph); err != nil {
		return out, fmt.Errorf("write graph: %w", err)
	}
	golden, err := goldenOf(ctx, fsys, dir)
	if err != nil {
		return out, err
	}
	scores, err := json.MarshalIndent(golden, "", " ")
	if err != nil {
		return out, err
	}
	files := map[string][]byte{
		filepath.Join(client, GoldenFile):             append(scores, '\n'),
		filepath.Join(temp, opt.Name, "config.pbtxt"): []byte(b.tritonConfig(opt)),
	}
	for _, name := range []string{"pith.json", "tokenizer.json"} {
		if files[filepath.Join(client, name)], err = fs.ReadFile(fsys, name); err != nil {
			return out, fmt.Errorf("copy %s: %w", name, err)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return out, err
		}
	}
	layout, err := OpenLayout(os.DirFS(client))
	if err != nil {
		return out, err
	}
	opt.Progress("score with the exported graph", 0, 1)
	scored, err := scoreServed(filepath.Join(version, "model.onnx"), layout, golden.Texts())
	if err != nil {
		return out, fmt.Errorf("score with the exported graph: %w", err)
	}
	out.Worst, err = golden.Compare(scored)
	return out, err
}

// goldenOf scores the sample texts with the model in fsys.
func goldenOf(ctx context.Context, fsys fs.FS, dir string) (Golden, error) {
	m, err := openAt(fsys, dir, Options{Device: "cpu", StateBytes: -1})
	if err != nil {
		return Golden{}, err
	}
	golden, err := m.Golden(ctx)
	return golden, errors.Join(err, m.Close())
}

// tritonConfig is config.pbtxt. Rows of one length meet in a batch as they come; none waits for
// others.
func (b *bundle) tritonConfig(opt TritonOptions) string {
	most, wait := opt.MaxBatch, opt.QueueTimeout
	if most == 0 {
		most = 64
	}
	if wait == 0 {
		wait = time.Second
	}
	var ends strings.Builder
	for _, in := range b.graph.Inputs {
		if in.Name == "past_ids" || strings.HasPrefix(in.Name, "past_key_values.") {
			continue
		}
		fmt.Fprintf(&ends, "input [ { name: %q data_type: TYPE_INT64 dims: [ -1 ] } ]\n", in.Name)
	}
	return fmt.Sprintf(`# %s, for the Triton inference server. The losses of each row come back in its own shape.
name: %q
backend: "onnxruntime"
max_batch_size: %d
%soutput [ { name: %q data_type: TYPE_FP32 dims: [ -1 ] } ]
dynamic_batching {
  default_queue_policy {
    timeout_action: REJECT
    default_timeout_microseconds: %d
    allow_timeout_override: true
    max_queue_size: 4096
  }
}
instance_group [ { kind: KIND_AUTO } ]
`, b.card.Name, opt.Name, most, ends.String(), onnxgraph.ServedOutput, wait.Microseconds())
}

// scoreServed runs an exported graph, one row at a time.
func scoreServed(path string, layout *Layout, seqs []Sequence) ([]Losses, error) {
	inputs, _, err := ort.GetInputOutputInfo(path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.Name
	}
	s, err := ort.NewDynamicAdvancedSession(path, names, []string{onnxgraph.ServedOutput}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Destroy() }() // fails only for a session that was destroyed before
	out := make([]Losses, len(seqs))
	for i, seq := range seqs {
		row := layout.Row(seq)
		nll, err := runServed(s, names, row)
		if err != nil {
			return nil, err
		}
		if out[i], err = row.Losses(nll); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func runServed(s *ort.DynamicAdvancedSession, names []string, row Row) ([]float32, error) {
	var open tensorSet
	defer open.destroy()
	size := row.Padded()
	tensors := row.Tensors(size)
	list := make([]ort.Value, len(names))
	for i, name := range names {
		list[i] = addTensor(&open, ort.NewShape(1, int64(size)), tensors[name])
	}
	losses := make([]float32, size)
	outputs := []ort.Value{addTensor(&open, ort.NewShape(1, int64(size)), losses)}
	if open.err != nil {
		return nil, open.err
	}
	if err := s.Run(list, outputs); err != nil {
		return nil, err
	}
	return row.Wanted(losses), nil
}
