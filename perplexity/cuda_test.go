package perplexity

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

func TestBatchesFitTheCard(t *testing.T) {
	for _, tt := range []struct{ free, vocab, want int }{
		{0, 8192, 3744},              // unknown: as 8 GiB
		{140 << 30, 151_936, 16_384}, // no more than the bound
		{8 << 30, 151_936, 1495},
		{100 << 20, 151_936, cpuBatchTokens},
	} {
		if got := cudaBatch(tt.free, tt.vocab); got != tt.want {
			t.Errorf("%d bytes free, vocabulary of %d: %d tokens, want %d", tt.free, tt.vocab, got, tt.want)
		}
	}
}

// The driver's program is asked about the device that the runtime means, and its silence is no
// error.
func TestFreeMemory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	if got := freeMemory("cuda:0"); got != 0 {
		t.Errorf("without the program: %d bytes", got)
	}
	script := "#!/bin/sh\nfor last; do :; done\n" +
		"case $last in 0) echo 1000;; 3) echo 80000;; *) echo no such device; exit 6;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		device, visible string
		want            int
	}{{"cuda:0", "", 1000 << 20}, {"cuda:1", "0,3", 80000 << 20}, {"cuda:0", "3", 80000 << 20}, {"cuda:2", "", 0}} {
		t.Setenv("CUDA_VISIBLE_DEVICES", tt.visible)
		if got := freeMemory(tt.device); got != tt.want {
			t.Errorf("%s of devices %q: %d bytes, want %d", tt.device, tt.visible, got, tt.want)
		}
	}
}

// A tight session has memory for so many rows only.
type tight struct {
	session
	rows int
}

func (s tight) RunWithOptions(in, out []ort.Value, opts *ort.RunOptions) error {
	if int(in[0].GetShape()[0]) > s.rows {
		return errors.New("bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1073741824")
	}
	return s.session.RunWithOptions(in, out, opts)
}

// Without states, as on a card, the losses are those that a pass goes on to from its states.
func TestStatelessGraph(t *testing.T) {
	b, err := load(Embedded(), "")
	if err != nil {
		t.Fatal(err)
	}
	b.graph.Stateless = true
	s, where, err := openSession(b, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	b.card.Device = where.name
	whole := newModel(b, s, Options{})
	defer func() { _ = whole.Close() }()
	kept, err := Open(Embedded(), Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	code := strings.Repeat("func total(price, tax int) int {\n\treturn price + price*tax/100\n}\n", 12)
	seqs := []Sequence{
		{Given: code, Text: "Where is the tax added?", WantGiven: true},
		{Given: code[:90], Text: "Where is the tax added?"},
		{Text: "Where is the tax added?"},
	}
	got, err := whole.Score(t.Context(), seqs)
	if err != nil {
		t.Fatal(err)
	}
	want, err := kept.Score(t.Context(), seqs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for k, l := range want[i].Text {
			if d := math.Abs(got[i].Text[k].NLL - l.NLL); !(d < 1e-3) {
				t.Errorf("sequence %d, loss %d is off by %g", i, k, d)
			}
		}
		if len(got[i].Given) != len(want[i].Given) {
			t.Errorf("sequence %d: %d losses of what was given, want %d", i, len(got[i].Given), len(want[i].Given))
		}
	}
	if s := whole.Stats(); s.StateBytes != 0 || s.StateMisses != 0 || s.Runs == 0 {
		t.Errorf("%+v: want runs and no states", s)
	}
}

func TestBatchesWithoutMemoryAreHalved(t *testing.T) {
	var seqs []Sequence
	for word := range strings.FieldsSeq("total price order tax refund customer invoice") {
		seqs = append(
			seqs,
			Sequence{
				Given: "func " + word + "() int {\n\treturn 1\n}\n\n", Text: "what returns the " + word,
				WantGiven: true,
			},
		)
	}
	scored := func(rows int) ([]Losses, error) {
		m, err := Open(Embedded(), Options{Device: "cpu", Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		m.engine.session = tight{session: m.engine.session, rows: rows}
		return m.Score(t.Context(), seqs)
	}
	want, err := scored(len(seqs))
	if err != nil {
		t.Fatal(err)
	}
	got, err := scored(1)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("halved batches give other losses")
	}
	if _, err := scored(0); !outOfMemory(err) {
		t.Errorf("without memory for one row: %v", err)
	}
}
