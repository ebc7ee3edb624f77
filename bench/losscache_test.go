package bench_test

import (
	"context"
	"testing"

	"pith/bench"
	"pith/compress"
)

// lengths scores a text by its length.
type lengths struct{ asked int }

func (*lengths) Info() (id, device string) { return "lengths", "cpu" }

func (l *lengths) Score(_ context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	l.asked += len(seqs)
	out := make([]compress.Losses, len(seqs))
	for i, s := range seqs {
		out[i].Text = []compress.Loss{{NLL: float64(len(s.Text))}}
		out[i].Given = make([]compress.Loss, len(s.Given))
	}
	return out, nil
}

func TestLossCacheAsksOnce(t *testing.T) {
	model := &lengths{}
	memo := bench.NewLossCache(model)
	a, b := compress.Sequence{Text: "long text"}, compress.Sequence{Given: "x y", Text: "short", WantGiven: true}
	for _, seqs := range [][]compress.Sequence{{a}, {b, a}, {a, b}} {
		losses, err := memo.Score(t.Context(), seqs)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range seqs {
			if losses[i].Text[0].NLL != float64(len(s.Text)) || len(losses[i].Given) != len(s.Given) {
				t.Errorf("Score(%v)[%d] = %v belongs to another sequence", seqs, i, losses[i])
			}
		}
	}
	if model.asked != 2 {
		t.Errorf("the model was asked %d times for 2 sequences", model.asked)
	}
}
