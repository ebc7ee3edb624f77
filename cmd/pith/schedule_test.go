package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/configs"
	"pith/perplexity"
)

// The model's runs are packed, batched and go on from states that are kept. Of all this nothing may
// be seen. Where each text runs alone and nothing is known of it, the results are the same to the
// last bit. Where all that is before a line runs together with it, and not on a state, the lines'
// losses are the same to a thousandth of a nat; blocks begin where they jump, and begin at the same
// lines.
func TestPackedScheduleCutsLikeThePlainOne(t *testing.T) {
	cfg := configs.Default()
	cfg.Compress.Ranker, cfg.Compress.Speed, cfg.Compress.Deadline = "hybrid", "exact", 0
	cfg.Parsers.InProcess, cfg.Model.Device = true, "cpu"
	packed, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), nil)
	if err = errors.Join(err, packed.ModelErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := packed.Close(); err != nil {
			t.Error(err)
		}
	})
	tasks := corpus(t)
	lone := alone{model: openPlain(t), losses: map[compress.Sequence]compress.Losses{}}
	whole := &together{alone: lone, questions: map[string]bool{}}
	for _, task := range tasks {
		for _, query := range task.queries {
			whole.questions[query] = true
		}
	}
	references := map[string]*wiring.Engine{}
	for name, plain := range map[string]compress.Scorer{"alone": lone, "together": whole} {
		if references[name], err = packed.With(cfg.Compress,
			func(o *compress.Options) { o.Scorer = plain }); err != nil {
			t.Fatal(err)
		}
	}
	cut := 0
	for _, task := range tasks {
		for _, rate := range []float64{0.05, 0.1, 0.2} {
			cut += task.compare(t, rate, packed, references)
		}
	}
	if hits := packed.Model.Stats().StateHits; cut < 40 || hits == 0 || whole.texts < 50 || !(whole.worst <= 1e-3) {
		t.Errorf("%d functions were cut, %d states found; the lines of %d texts differ by up to %.2g nats", cut, hits,
			whole.texts, whole.worst)
	}
	t.Logf("%d functions were cut, %d texts scored; the lines of %d texts differ by up to %.2g nats", cut,
		len(lone.losses), whole.texts, whole.worst)
}

// A scheduleTask is a text to shorten and what is asked about it, turn by turn.
type scheduleTask struct {
	name    string
	files   []compress.File
	queries []string
}

// compare asks the task's questions at a rate and returns how many functions lost lines.
func (c scheduleTask) compare(t *testing.T, rate float64, packed *wiring.Engine,
	references map[string]*wiring.Engine,
) (cut int) {
	t.Helper()
	// Nothing is known in a new scope: the first question is cold, the others find states.
	ctx := perplexity.InScope(t.Context(), fmt.Sprint(c.name, rate))
	for turn, query := range c.queries {
		req := compress.Request{Files: c.files, Query: query, Rate: rate}
		got := shorten(ctx, t, packed, req)
		for name, reference := range references {
			if want := shorten(ctx, t, reference, req); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, rate %v, question %d, texts %s: the packed schedule gives\n%s\nthe plain one\n%s", c.name,
					rate, turn+1, name, got.Text, want.Text)
			}
		}
		for _, chunk := range got.Chunks {
			if chunk.Decision == compress.Pruned {
				cut++
			}
		}
	}
	return cut
}

// corpus is functions in several languages, together and apart, and a file with functions that are
// longer than one run of the model.
func corpus(t *testing.T) []scheduleTask {
	t.Helper()
	tasks := []scheduleTask{
		{
			name: "../../compress/testdata/*",
			queries: []string{
				"how are failed jobs retried?", "when does a withdrawal fail?",
				"what is evicted when the cache is full?",
			},
		},
		{
			name: "../../bench/testdata/packages/harbor/*",
			queries: []string{
				"how is the tide predicted?", "which berth is free for a ship?",
				"what raises an error?",
			},
		},
		{
			name:    "../../bench/testdata/packages/orchard/*",
			queries: []string{"how is the harvest weighed?", "which tree is the oldest?", "when is a tree removed?"},
		},
		{
			name: "../../bench/testdata/packages/palette/*",
			queries: []string{
				"how is a colour mixed?", "how is the contrast of two colours computed?",
				"what is a scheme?",
			},
		},
		{
			name:    "../../bench/testdata/packages/tickets/*",
			queries: []string{"who is served next?", "how is a refund booked?", "when is the queue full?"},
		},
		{
			name: filepath.Join(build.Default.GOROOT, "src/bufio/scan.go"),
			queries: []string{
				"how does the buffer grow?", "when is a token too long?",
				"how are carriage returns dropped?",
			},
		},
	}
	for i := range tasks {
		paths, err := filepath.Glob(tasks[i].name)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no files (%v)", tasks[i].name, err)
		}
		for _, path := range paths {
			if filepath.Ext(path) == ".golden" {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tasks[i].files = append(tasks[i].files, compress.File{Path: filepath.Base(path), Content: string(content)})
		}
	}
	return tasks
}

// shorten is a result without the times that it took.
func shorten(ctx context.Context, t *testing.T, e *wiring.Engine, req compress.Request) compress.Result {
	t.Helper()
	res, err := e.Compress(ctx, req)
	if err != nil || res.RankerReason != "" {
		t.Fatalf("reason %q, error %v", res.RankerReason, err)
	}
	res.TimingsMS = nil
	return res
}

// openPlain opens the embedded model so that it keeps no states and runs one thing at a time.
func openPlain(t *testing.T) *perplexity.Model {
	t.Helper()
	m, err := perplexity.Open(perplexity.Embedded(),
		perplexity.Options{Device: "cpu", Threads: 1, MaxBatchTokens: 1, StateBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// An alone is a Scorer that runs each text alone, in a scope of its own, so that the model knows
// nothing of it.
type alone struct {
	model  *perplexity.Model
	losses map[compress.Sequence]compress.Losses
}

func (a alone) Info() (id, device string) { return a.model.Info() }

func (a alone) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	out := make([]compress.Losses, len(seqs))
	for i, seq := range seqs {
		if _, ok := a.losses[seq]; !ok {
			scope := perplexity.InScope(ctx, fmt.Sprint("text ", len(a.losses)))
			list, err := wiring.NewScorer(a.model).Score(scope, []compress.Sequence{seq})
			if err != nil {
				return nil, err
			}
			a.losses[seq] = list[0]
		}
		out[i] = a.losses[seq]
	}
	return out, nil
}

// A together is a Scorer that runs all that is no question together with what is before it,
// wherever the two have the same tokens then and are few enough for one run: so not even the end of
// one is a state for the other.
type together struct {
	alone
	questions map[string]bool
	// texts counts those that ran so, worst is by how much their losses differed at most, in nats.
	texts int
	worst float64
}

// oneRun is how many tokens without a state before them the model takes in a run.
const oneRun = 256

func (w *together) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	out, err := w.alone.Score(ctx, seqs)
	if err != nil {
		return nil, err
	}
	for i, seq := range seqs {
		if w.questions[seq.Text] || !w.joins(seq) {
			continue
		}
		list, err := w.alone.Score(ctx, []compress.Sequence{{Text: seq.Given + seq.Text}})
		if err != nil {
			return nil, err
		}
		out[i] = w.cut(seq, list[0].Text, out[i])
	}
	return out, nil
}

// cut returns the losses of seq's texts out of those of both together, and notes how far they are
// from apart.
func (w *together) cut(seq compress.Sequence, both []compress.Loss, apart compress.Losses) compress.Losses {
	w.texts++
	var l compress.Losses
	for _, loss := range both {
		if loss.Offset < len(seq.Given) {
			l.Given = append(l.Given, loss)
			continue
		}
		loss.Offset -= len(seq.Given)
		l.Text = append(l.Text, loss)
	}
	if !seq.WantGiven {
		l.Given = nil
	}
	for _, pair := range [][2][]compress.Loss{{l.Given, apart.Given}, {l.Text, apart.Text}} {
		if len(pair[0]) != len(pair[1]) {
			w.worst = math.Inf(1)
			continue
		}
		for k, loss := range pair[0] {
			w.worst = max(w.worst, math.Abs(loss.NLL-pair[1][k].NLL))
		}
	}
	return l
}

// joins reports that seq's texts have the same tokens together as apart, and few.
func (w *together) joins(seq compress.Sequence) bool {
	ids := func(text string) (ids []int32) {
		for _, token := range w.model.Tokenizer().Encode(text) {
			ids = append(ids, token.ID)
		}
		return ids
	}
	all := ids(seq.Given + seq.Text)
	return len(all) <= oneRun && slices.Equal(all, append(ids(seq.Given), ids(seq.Text)...))
}
