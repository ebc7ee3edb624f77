package perplexity_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/perplexity"
)

const query = "How does the server close idle connections?"

func TestResultsDoNotDependOnTheBatch(t *testing.T) {
	m := open(t, perplexity.Options{MaxBatchTokens: 4096})
	var seqs []perplexity.Sequence
	for i, given := range cut(m.Tokenizer(), source(t, 1<<16), 24, 97) {
		seqs = append(seqs, perplexity.Sequence{Given: given[:len(given)*(i+1)/24], Text: query, WantGiven: i%2 == 0})
	}
	together := score(t, m, seqs...)
	for i, s := range seqs {
		alone := score(t, m, s)[0]
		sameLosses(t, fmt.Sprintf("given of sequence %d", i), alone.Given, together[i].Given)
		sameLosses(t, fmt.Sprintf("text of sequence %d", i), alone.Text, together[i].Text)
	}
	for i, j := 0, len(seqs)-1; i < j; i, j = i+1, j-1 {
		seqs[i], seqs[j] = seqs[j], seqs[i]
	}
	for i, got := range score(t, m, seqs...) {
		sameLosses(t, "reversed order", got.Text, together[len(seqs)-1-i].Text)
	}
}

func sameLosses(t *testing.T, what string, got, want []perplexity.Loss) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d losses, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i].Offset != want[i].Offset || math.Abs(got[i].NLL-want[i].NLL) > 1e-4 {
			t.Fatalf("%s: loss %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestTheSameRequestGivesTheSameBits(t *testing.T) {
	m := open(t, perplexity.Options{Threads: 2})
	var seqs []perplexity.Sequence
	for _, given := range cut(m.Tokenizer(), source(t, 1<<15), 12, 130) {
		seqs = append(seqs, perplexity.Sequence{Given: given, Text: query, WantGiven: true})
	}
	want := score(t, m, seqs...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := m.Score(t.Context(), seqs)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range got {
				for k := range got[i].Given {
					if got[i].Given[k] != want[i].Given[k] {
						t.Errorf("sequence %d: loss %d is %v, want %v", i, k, got[i].Given[k], want[i].Given[k])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestShapesOfLosses(t *testing.T) {
	m := open(t, perplexity.Options{})
	n := func(text string) int { return len(m.Tokenizer().Encode(text)) }
	given := "func add(a, b int) int { return a + b }\n"
	tests := []struct {
		name        string
		seq         perplexity.Sequence
		given, text int
	}{
		{name: "empty", seq: perplexity.Sequence{WantGiven: true}},
		{name: "text alone", seq: perplexity.Sequence{Text: query}, text: n(query) - 1},
		{name: "one token", seq: perplexity.Sequence{Text: "return"}},
		{name: "no text", seq: perplexity.Sequence{Given: given}},
		{name: "no text, given wanted", seq: perplexity.Sequence{Given: given, WantGiven: true}, given: n(given) - 1},
		{name: "both", seq: perplexity.Sequence{Given: given, Text: query}, text: n(query)},
		{
			name:  "both wanted",
			seq:   perplexity.Sequence{Given: given, Text: query, WantGiven: true},
			given: n(given) - 1,
			text:  n(query),
		},
		{
			name: "not UTF-8", seq: perplexity.Sequence{Given: "a\xff\xfeb", Text: "\x80", WantGiven: true},
			given: 3, text: 1,
		},
	}
	seqs := make([]perplexity.Sequence, len(tests))
	for i, tt := range tests {
		seqs[i] = tt.seq
	}
	for i, got := range score(t, m, seqs...) {
		tt := tests[i]
		if len(got.Given) != tt.given || len(got.Text) != tt.text || got.Dropped != 0 {
			t.Errorf(
				"%s: %d and %d losses, %d bytes dropped; want %d and %d, 0", tt.name, len(got.Given), len(got.Text),
				got.Dropped, tt.given, tt.text,
			)
		}
		for _, l := range append(got.Given, got.Text...) {
			if !(l.NLL >= 0) || math.IsInf(l.NLL, 0) {
				t.Errorf("%s: loss %v", tt.name, l)
			}
		}
	}
	if out := score(t, m); len(out) != 0 {
		t.Errorf("no sequences gave %d results", len(out))
	}
}

func TestOffsetsPointAtTokens(t *testing.T) {
	m := open(t, perplexity.Options{})
	text := "héllo := \"漢字 🙂\"\n\tfoo(1234)\n"
	tokens := m.Tokenizer().Encode(text)
	got := score(t, m, perplexity.Sequence{Given: "x := 1\n", Text: text})[0].Text
	if len(got) != len(tokens) {
		t.Fatalf("%d losses for %d tokens", len(got), len(tokens))
	}
	for i := range got {
		if got[i].Offset != tokens[i].Offset {
			t.Errorf("loss %d is at byte %d, its token at %d", i, got[i].Offset, tokens[i].Offset)
		}
	}
}

func TestLongGivenLosesItsHead(t *testing.T) {
	const limit = 128
	m := open(t, perplexity.Options{MaxTokens: limit})
	given := source(t, 1<<13)
	got := score(t, m, perplexity.Sequence{Given: given, Text: query, WantGiven: true})[0]
	if len(got.Given)+len(got.Text) != limit-1 {
		t.Errorf("%d losses, want %d", len(got.Given)+len(got.Text), limit-1)
	}
	if got.Dropped == 0 || got.Given[0].Offset <= got.Dropped {
		t.Errorf("dropped %d bytes, first loss at byte %d", got.Dropped, got.Given[0].Offset)
	}
	// What is left is scored as if the rest had never been there.
	short := score(t, m, perplexity.Sequence{Given: given[got.Dropped:], Text: query, WantGiven: true})[0]
	sameLosses(t, "text", got.Text, short.Text)

	text := score(t, m, perplexity.Sequence{Given: "x", Text: given})[0]
	if len(text.Text) != limit-1 || text.Dropped != 1 || text.Text[0].Offset == 0 {
		t.Errorf(
			"a long text keeps %d losses from byte %d, given loses %d bytes", len(text.Text), text.Text[0].Offset,
			text.Dropped,
		)
	}
}

func TestCancelledScoreLeavesTheModelUsable(t *testing.T) {
	m := open(t, perplexity.Options{})
	text := source(t, 1<<18)
	var seqs []perplexity.Sequence
	for _, given := range cut(m.Tokenizer(), text, 60, 1000) {
		seqs = append(seqs, perplexity.Sequence{Given: given, Text: query})
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for m.Stats().Running == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := m.Score(ctx, seqs); !errors.Is(err, context.Canceled) {
		t.Fatalf("Score whose caller left returned %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := m.Score(ctx, seqs[:1]); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Score past its deadline returned %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := m.Score(ctx, seqs[:1]); !errors.Is(err, context.Canceled) {
		t.Fatalf("Score with a cancelled context returned %v", err)
	}
	if got := score(t, m, seqs[0])[0]; len(got.Text) == 0 {
		t.Error("no losses after a cancelled call")
	}
}

func TestCallersAtOnce(t *testing.T) {
	m := open(t, perplexity.Options{Threads: 2})
	texts := cut(m.Tokenizer(), source(t, 1<<16), 16, 60)
	want := make([]perplexity.Losses, len(texts))
	for i, given := range texts {
		want[i] = score(t, m, perplexity.Sequence{Given: given, Text: query})[0]
	}
	var wg sync.WaitGroup
	for i, given := range texts {
		wg.Go(func() {
			got, err := m.Score(t.Context(), []perplexity.Sequence{{Given: given, Text: query}})
			if err != nil {
				t.Error(err)
				return
			}
			sameLosses(t, "caller", got[0].Text, want[i].Text)
		})
	}
	wg.Wait()
}

func TestCloseWaitsForScores(t *testing.T) {
	m, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	seqs := []perplexity.Sequence{{Text: strings.Repeat("if err != nil {\n\treturn err\n}\n", 100)}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			out, err := m.Score(t.Context(), seqs)
			if err == nil && len(out[0].Text) == 0 || err != nil && !errors.Is(err, perplexity.ErrClosed) {
				t.Errorf("Score beside Close: %v, %v", out, err)
			}
		})
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := m.Score(t.Context(), seqs); !errors.Is(err, perplexity.ErrClosed) {
		t.Errorf("Score after Close returned %v", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A shared beginning changes what is paid; the losses move by what a state kept in half precision
// rounds away.
func TestSharedGiven(t *testing.T) {
	text := source(t, 1<<12)
	var shared, whole []perplexity.Sequence
	for i := range 12 {
		given := text[:1500] + text[1600+40*i:1700+40*i]
		shared = append(shared, perplexity.Sequence{Given: given, Text: " return", Shared: 1500})
		whole = append(whole, perplexity.Sequence{Given: given, Text: " return"})
	}
	m, forgetful := open(t, perplexity.Options{}), open(t, perplexity.Options{StateBytes: -1})
	together, apart := score(t, m, shared...), score(t, m, whole...)
	for i := range shared {
		alone := score(t, forgetful, shared[i])[0]
		sameLosses(t, fmt.Sprintf("sequence %d alone", i), alone.Text, together[i].Text)
		for k := range alone.Text {
			if d := math.Abs(apart[i].Text[k].NLL - together[i].Text[k].NLL); d > 1e-2 {
				t.Errorf("sequence %d: sharing moves loss %d by %g nats", i, k, d)
			}
		}
	}
}
