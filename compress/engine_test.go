package compress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ask is a request for sample about refunds.
func ask(change func(*Request)) Request {
	req := Request{Files: []File{{Path: "shop.py", Content: sample}}, Query: "how is an order refunded?", Rate: 0.4}
	if change != nil {
		change(&req)
	}
	return req
}

func compress(t testing.TB, e *Engine, req Request) Result {
	t.Helper()
	res, err := e.Compress(context.Background(), req)
	if err != nil {
		t.Fatalf("Compress(%d tokens allowed) failed: %v", req.Budget, err)
	}
	return res
}

func TestIdentity(t *testing.T) {
	tokens := wordCounter{}.Count(sample)
	for _, tt := range []struct {
		name   string
		budget int
		rate   float64
		whole  bool
	}{
		{"fits exactly", tokens, 0, true},
		{"rate 1", 0, 1, true},
		{"one token short", tokens - 1, 0, false},
		{"plenty", 1 << 30, 0, true},
	} {
		res := compress(t, engine(t, nil), ask(func(r *Request) { r.Budget, r.Rate = tt.budget, tt.rate }))
		if whole := res.Text == sample; whole != tt.whole {
			t.Errorf("%s: unchanged is %v, want %v", tt.name, whole, tt.whole)
		}
	}
	empty := compress(t, engine(t, nil), ask(func(r *Request) { r.Files[0].Content = "" }))
	if empty.Text != "" || empty.Ratio != 1 {
		t.Errorf("empty file became %q at ratio %v", empty.Text, empty.Ratio)
	}
}

func TestRequestErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Request)
		want   error
	}{
		{"no files", func(r *Request) { r.Files = nil }, ErrRequest},
		{"rate above 1", func(r *Request) { r.Rate = 1.01 }, ErrRequest},
		{"negative rate", func(r *Request) { r.Rate = -0.1 }, ErrRequest},
		{"negative budget", func(r *Request) { r.Budget = -1 }, ErrRequest},
		{"ranker", func(r *Request) { r.Ranker = "best" }, ErrRequest},
		{"speed", func(r *Request) { r.Speed = "slow" }, ErrRequest},
		{"stage", func(r *Request) { r.Stage = "medium" }, ErrRequest},
		{"compat", func(r *Request) { r.Compat = "llmlingua" }, ErrRequest},
		{"budget below a marker", func(r *Request) { r.Budget = 3 }, ErrBudget},
	} {
		if _, err := engine(t, nil).Compress(t.Context(), ask(tt.change)); !errors.Is(err, tt.want) {
			t.Errorf("%s: error is %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := New(Options{FineRatio: 2}); err == nil || !strings.Contains(err.Error(), "fine ratio") ||
		!strings.Contains(err.Error(), "splitter") {
		t.Errorf("New names not all that is wrong: %v", err)
	}
}

func TestSmallestOutput(t *testing.T) {
	marker := "# ... lines 1-122 omitted\n"
	res := compress(t, engine(t, nil), ask(func(r *Request) { r.Budget = wordCounter{}.Count(marker) }))
	if !strings.HasPrefix(res.Text, "# ... lines 1-") || strings.Count(res.Text, "\n") != 1 {
		t.Errorf("the budget of one marker gives %q", res.Text)
	}
}

func TestRankerChoice(t *testing.T) {
	broken := &hashModel{err: errors.New("no memory")}
	for _, tt := range []struct {
		name, ask, standard string
		scorer              Scorer
		query               string
		want, reason        string
		cut                 bool
	}{
		{name: "auto with a model", standard: "auto", scorer: &hashModel{}, query: "refund", want: "words"},
		{name: "auto as configured", standard: "ami", scorer: &hashModel{}, query: "refund", want: "ami"},
		{name: "auto without a model", query: "refund", want: "words"},
		{name: "ami without a model", ask: "ami", query: "refund", want: "words", reason: "no model is loaded"},
		{name: "bm25 asked for", ask: "bm25", scorer: &hashModel{}, query: "refund", want: "bm25"},
		{name: "no query", scorer: &hashModel{}, query: " \n", want: "order", reason: "the query is empty"},
		{
			name: "failing model", standard: "hybrid", scorer: broken, query: "refund", want: "words",
			reason: "the model failed: no memory", cut: true,
		},
		{
			name: "slow model", standard: "hybrid", scorer: &hashModel{wait: true}, query: "refund", want: "words",
			reason: "the deadline of 5ms for scoring passed", cut: true,
		},
	} {
		e := engine(t, func(o *Options) { o.Scorer, o.Ranker, o.Deadline = tt.scorer, tt.standard, 5*time.Millisecond })
		if m, ok := tt.scorer.(*hashModel); ok && !m.wait {
			e = engine(t, func(o *Options) { o.Scorer, o.Ranker = tt.scorer, tt.standard })
		}
		res := compress(t, e, ask(func(r *Request) { r.Query, r.Ranker = tt.query, tt.ask }))
		if res.Ranker != tt.want || res.RankerReason != tt.reason || res.Cut != tt.cut {
			t.Errorf("%s: %s ran (%q, cut %v), want %s (%q, cut %v)", tt.name, res.Ranker, res.RankerReason, res.Cut,
				tt.want, tt.reason, tt.cut)
		}
	}
}

// The model is asked three times for a text of one slice: for all chunks, for the lines of those
// cut, and for their blocks.
func TestScorerCalls(t *testing.T) {
	model := &hashModel{}
	compress(t, engine(t, func(o *Options) { o.Scorer = model }), ask(nil))
	if got := model.calls.Load(); got != 3 {
		t.Errorf("%d calls of the model, want 3", got)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	model := &hashModel{wait: true}
	done := make(chan error)
	go func() {
		_, err := engine(t, func(o *Options) { o.Scorer = model }).Compress(ctx, ask(nil))
		done <- err
	}()
	for model.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request ends with %v", err)
	}
}

func TestOrderWithoutQuery(t *testing.T) {
	res := compress(t, engine(t, nil), ask(func(r *Request) { r.Query = "" }))
	if head, _, _ := strings.Cut(sample, "\n"); !strings.HasPrefix(res.Text, head) {
		t.Errorf("without a query the head of the file stays first, got %.60q", res.Text)
	}
	check(t, indents{}, wordCounter{}, ask(nil), res)
}

// shuffler hands the sequences to the model in another order, as a batcher might.
type shuffler struct{ hashModel }

func (s *shuffler) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	back := slices.Clone(seqs)
	slices.Reverse(back)
	losses, err := s.hashModel.Score(ctx, back)
	slices.Reverse(losses)
	return losses, err
}

func TestDeterministic(t *testing.T) {
	want := compress(t, engine(t, nil), ask(nil))
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			e := engine(t, func(o *Options) {
				if i%2 == 1 {
					o.Scorer = &shuffler{}
				}
			})
			if got := compress(t, e, ask(nil)); got.Text != want.Text {
				t.Errorf("run %d gives other bytes", i)
			}
		})
	}
	wg.Wait()
}

// Chunks in another order keep their scores: the ranking depends on what they say, not on where
// they stand.
func TestRankingIgnoresOrder(t *testing.T) {
	parts := strings.SplitAfter(strings.ReplaceAll(sample, "\n\n\n", "\n\n\x00"), "\x00")
	turned := slices.Clone(parts)
	slices.Reverse(turned)
	scores := func(parts []string) map[string]float64 {
		text := strings.ReplaceAll(strings.TrimRight(strings.Join(parts, "\n\n"), "\n")+"\n", "\x00", "")
		res := compress(t, engine(t, nil), ask(func(r *Request) { r.Files[0].Content, r.Ranker = text, "bm25" }))
		list := map[string]float64{}
		for _, c := range res.Chunks {
			list[c.Name] = c.Score
		}
		return list
	}
	want := scores(parts)
	for name, got := range scores(turned) {
		if !near(got, want[name]) {
			t.Errorf("%s scores %v, in another order %v", name, want[name], got)
		}
	}
}

func TestManyFiles(t *testing.T) {
	req := ask(func(r *Request) {
		r.Files = append(r.Files, File{Path: "notes\n.txt", Content: "unrelated words about gardens\n"},
			File{Content: strings.Repeat("roses and tulips\n", 40)}, File{Path: "empty"})
	})
	req.Rate = 1
	whole := compress(t, engine(t, nil), req)
	if whole.OriginalTokens != whole.CompressedTokens || !strings.Contains(whole.Text, "# notes?.txt\n") ||
		!strings.Contains(whole.Text, "# file 3\n") {
		t.Errorf("rate 1 changes files: %d of %d tokens in %.200q", whole.CompressedTokens,
			whole.OriginalTokens, whole.Text)
	}
	req.Rate = 0.2
	res := compress(t, engine(t, nil), req)
	check(t, indents{}, wordCounter{}, req, res)
	if !strings.Contains(res.Text, "# shop.py\n") || !strings.Contains(res.Text, "def refund(") {
		t.Errorf("the file that matters is not there: %s", res.Text)
	}
	if !strings.Contains(res.Text, "# file 3 ... lines 1-40 omitted\n") {
		t.Errorf("a file left out leaves no line: %s", res.Text)
	}
}

func TestCoarseStageKeepsWholeChunks(t *testing.T) {
	req := ask(func(r *Request) { r.Stage = StageCoarse })
	res := compress(t, engine(t, nil), req)
	check(t, indents{}, wordCounter{}, req, res)
	for _, c := range res.Chunks {
		if c.Decision == Pruned {
			t.Errorf("coarse stage pruned %s", c.Name)
		}
	}
}

// Without rate and budget the coverage asked for decides, within bounds: more of it takes more, and
// a question that says nothing of any chunk gets more than one that names its function.
func TestAdaptiveBudget(t *testing.T) {
	budget := func(query string, coverage float64) Result {
		e := engine(t, func(o *Options) { o.Coverage = coverage })
		return compress(
			t, e, ask(func(r *Request) { r.Rate, r.Query, r.Files[0].Content = 0, query, manyFunctions(40) }))
	}
	const pointed = "what does handle_7 return?"
	last := 0
	for _, coverage := range []float64{0.5, 0.9, 0.95, 0.99} {
		res := budget(pointed, coverage)
		if res.Budget < last {
			t.Errorf("coverage %v: budget %d, less coverage has %d", coverage, res.Budget, last)
		}
		low, high := max(smallText, int(leastPart*float64(res.OriginalTokens))),
			int(mostPart*float64(res.OriginalTokens))
		if res.Budget < low || res.Budget > high {
			t.Errorf("coverage %v: budget %d, want between %d and %d", coverage, res.Budget, low, high)
		}
		if res.Coverage <= 0 || res.Coverage > 1 {
			t.Errorf("coverage %v: expects %v", coverage, res.Coverage)
		}
		last = res.Budget
	}
	if sharp, flat := budget(pointed, 0.8), budget("why?", 0.8); flat.Budget <= sharp.Budget {
		t.Errorf("a question about nothing gets %d tokens, one about a function %d", flat.Budget, sharp.Budget)
	}
	short := compress(t, engine(t, nil),
		ask(func(r *Request) { r.Rate, r.Files[0].Content = 0, "def f():\n    return 1\n" }))
	if short.Ratio != 1 {
		t.Errorf("a short text is cut to ratio %v", short.Ratio)
	}
}

// manyFunctions is a file of n functions of some forty words.
func manyFunctions(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "def handle_%d(event):\n", i)
		for k := range 8 {
			fmt.Fprintf(&text, "    step_%d = event.part_%d(%d)\n", k, i*k, k)
		}
		text.WriteString("    return step_7\n\n")
	}
	return text.String()
}

func BenchmarkCompress(b *testing.B) {
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "%s\n", strings.ReplaceAll(sample, "refund", fmt.Sprintf("refund%d", i)))
	}
	e := engine(b, nil)
	req := ask(func(r *Request) { r.Files[0].Content, r.Rate = text.String(), 0.2 })
	tokens := wordCounter{}.Count(text.String())
	for b.Loop() {
		compress(b, e, req)
	}
	b.ReportMetric(float64(tokens), "tokens")
}
