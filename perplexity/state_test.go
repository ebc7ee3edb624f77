package perplexity_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pith/perplexity"
)

// A model that remembers must give what one that does not gives, to the last bit: a replica that
// restarted answers alike.
func TestKeptStatesChangeNoBit(t *testing.T) {
	kept := open(t, perplexity.Options{Threads: 2})
	fresh := func() *perplexity.Model { return open(t, perplexity.Options{Threads: 2, StateBytes: -1}) }
	texts := cut(kept.Tokenizer(), source(t, 1<<16), 12, 150)
	texts = append(texts, source(t, 1<<11), "x", "func f() {\n")
	ask := func(q string, lines bool) []perplexity.Sequence {
		var seqs []perplexity.Sequence
		for i, given := range texts {
			seqs = append(
				seqs, perplexity.Sequence{Given: given[:len(given)*(i+3)/(len(texts)+2)], Text: q, WantGiven: lines})
		}
		return seqs
	}
	score(t, kept, ask("Which error comes back?", false)...)
	before := kept.Stats()
	for _, lines := range []bool{false, true} {
		seqs := ask(query, lines)
		warm := score(t, kept, seqs...)
		cold := score(t, fresh(), seqs...)
		slices.Reverse(seqs)
		alone := fresh()
		for i := range seqs {
			equalBits(t, score(t, alone, seqs[len(seqs)-1-i])[0], cold[i])
			equalBits(t, warm[i], cold[i])
		}
	}
	after := kept.Stats()
	if after.StateMisses != before.StateMisses || after.StateHits == 0 {
		t.Errorf("figures went from %+v to %+v: known text went through the network again", before, after)
	}
	if n := after.Scored - before.Scored; n > uint64(len(texts)*20) {
		t.Errorf("%d tokens for %d new questions", n, len(texts))
	}
}

func equalBits(t *testing.T, got, want perplexity.Losses) {
	t.Helper()
	if !slices.Equal(got.Given, want.Given) || !slices.Equal(got.Text, want.Text) {
		t.Fatalf("losses are %v, want %v", got, want)
	}
}

func TestStatesStayWithinTheirBound(t *testing.T) {
	const limit = 2 << 20
	m := open(t, perplexity.Options{StateBytes: limit})
	for _, given := range cut(m.Tokenizer(), source(t, 1<<16), 20, 100) {
		score(t, m, perplexity.Sequence{Given: given, Text: query})
		if n := m.Stats().StateBytes; n == 0 || n > limit {
			t.Fatalf("%d bytes of states, the bound is %d", n, limit)
		}
	}
}

func TestScopesDoNotShare(t *testing.T) {
	m := open(t, perplexity.Options{})
	seqs := []perplexity.Sequence{{Given: "package main\n\nfunc main() {}\n", Text: query}}
	for i, scope := range []string{"a", "b", "a"} {
		if _, err := m.Score(perplexity.InScope(t.Context(), scope), seqs); err != nil {
			t.Fatal(err)
		}
		if hits := m.Stats().LossHits; (hits > 0) != (i == 2) {
			t.Errorf("call %d, scope %s: %d results known", i, scope, hits)
		}
	}
}

// A foreign export goes on from its past as well.
func TestForeignPast(t *testing.T) {
	whole, err := perplexity.OpenDir(tinyQwen, perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	files := tinyFolder(t)
	files["model.onnx"].Data = read(t, tinyQwen, "model_with_past.onnx")
	split, err := perplexity.Open(files, perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { err = errors.Join(err, split.Close()) }()
	seqs := []perplexity.Sequence{{Given: source(t, 1<<11)[:1500], Text: query, WantGiven: true}}
	for _, q := range []string{query, "Which error comes back?"} {
		seqs[0].Text = q
		got, want := score(t, split, seqs...)[0], score(t, whole, seqs...)[0]
		for i := range want.Text {
			if d := math.Abs(got.Text[i].NLL - want.Text[i].NLL); !(d < 1e-3) {
				t.Errorf("loss %d of %q is off by %g", i, q, d)
			}
		}
	}
	if s := split.Stats(); s.StateHits == 0 && s.StateMisses > 0 {
		t.Errorf("the second question found no state: %+v", s)
	}
}
