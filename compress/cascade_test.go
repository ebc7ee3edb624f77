package compress

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// The letters are eight chunks in the order of their words: read or not.
func TestCascade(t *testing.T) {
	for _, tt := range []struct {
		name      string
		allowance int
		want      string
	}{
		{"everything", math.MaxInt, "rrrrrrrr"},
		{"the first", 30, "rrr....."},
		{"exactly all", 80, "rrrrrrrr"},
		{"one less", 79, "rrrrrrr."},
		{"nothing", 0, "........"},
		{"less than one", 9, "........"},
	} {
		order, costs := []int{7, 6, 5, 4, 3, 2, 1, 0}, []int{10, 10, 10, 10, 10, 10, 10, 10}
		read := cascade(order, costs, tt.allowance)
		got := make([]byte, len(order))
		for at, n := range order {
			got[at] = '.'
			if read[n] {
				got[at] = 'r'
			}
		}
		if string(got) != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What the model did not read stands in the middle of what it read, in the order of words, by
// either ranker.
func TestUnreadChunksStandInTheMiddle(t *testing.T) {
	e := evidence{
		rows: wordRows(0.07, 0.05, 0.04, 0.02, 0.01), alone: query(3),
		read:  []bool{true, true, true, false, false},
		given: [][]Loss{query(2), query(1), query(2.5), nil, nil},
	}
	for name, want := range map[string][]int{rankAMI: {1, 0, 3, 4, 2}, rankHybrid: {1, 0, 3, 4, 2}} {
		r, _ := rankerOf(name)
		scores := r.scores(e)
		if got := byScore(scores); !slices.Equal(got, want) {
			t.Errorf("%s orders them %v by %v, want %v", name, got, scores, want)
		}
	}
}

// query makes the losses of a query of two tokens.
func query(nll float64) []Loss { return []Loss{{0, 9}, {1, nll}} }

// The classes read less and less, whatever the length of the text, and report it.
func TestSpeedBoundsWhatIsRead(t *testing.T) {
	text := strings.Repeat(sample+"\n", 60)
	last := 1 << 40
	for _, speed := range []Speed{SpeedExact, SpeedBalanced, SpeedFast} {
		res := compress(t, engine(t, nil),
			ask(func(r *Request) { r.Files[0].Content, r.Speed, r.Rate = text, speed, 0.2 }))
		r := res.Reading
		if r == nil || r.Speed != speed || r.Bytes >= last || r.Late != 0 {
			t.Fatalf("%s reads %+v, want less than %d bytes", speed, r, last)
		}
		last = r.Bytes
		ranked := 0
		for _, c := range res.Chunks {
			if c.Rank > 0 {
				ranked++
			}
		}
		if r.Ranked+r.Settled != ranked || (r.Settled == 0) != (speed == SpeedExact) {
			t.Errorf("%s: %+v of %d chunks", speed, r, ranked)
		}
	}
}

// Of a function larger than the speed allows the model reads blocks, those that words rank first,
// and no more than the speed allows.
func TestLargeFunctionIsReadByBlocks(t *testing.T) {
	const lines = 900
	req := ask(func(r *Request) {
		r.Files = []File{{Path: "long.py", Content: longFunction(lines)}}
		r.Speed, r.Rate, r.Stage = SpeedBalanced, 0.2, ""
	})
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	res := compress(t, e, req)
	check(t, splitter, wordCounter{}, req, res)
	limit, _ := classOf(SpeedBalanced)
	if whole := res.OriginalTokens; whole <= limit.inside {
		t.Fatalf("the function has %d tokens; it should be more than %d", whole, limit.inside)
	}
	r := res.Reading
	if read := r.Passes - 1 - r.Ranked; r.Inside != 1 || read < 10 {
		t.Errorf("%+v: the model read %d blocks of one function", r, read)
	}
	if most := 8 * (limit.chunks + limit.inside); r.Bytes > most {
		t.Errorf("%d bytes read, want at most %d", r.Bytes, most)
	}
}

func TestCascadeOfLeaves(t *testing.T) {
	list := []leaf{
		{chunk: 1, tokens: 10, read: true},
		{chunk: 2, tokens: 10},
		{chunk: 2, tokens: 30},
		{chunk: 2, tokens: 1},
		{chunk: 3, tokens: 40},
	}
	cascadeLeaves(list, []float64{9, 1, 3, 2, 4}, 37, 3)
	for n, want := range []bool{true, false, true, true, false} {
		if list[n].read != want {
			t.Errorf("leaf %d: read %v, want %v", n, list[n].read, want)
		}
	}
}

func TestGuaranteesAtAllSpeeds(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter, o.Speed = splitter, SpeedBalanced })
	req := ask(func(r *Request) { r.Files = append(r.Files, File{Path: "long.py", Content: longFunction(300)}) })
	req.Files[0].Content = strings.Repeat(sample, 10)
	for _, req.Speed = range []Speed{"", SpeedExact, SpeedBalanced, SpeedFast} {
		for _, req.Rate = range []float64{0.05, 0.2, 0.6} {
			res := compress(t, e, req)
			check(t, splitter, wordCounter{}, req, res)
			if again := compress(t, e, req); again.Text != res.Text {
				t.Errorf("speed %q, rate %v: a second run gives other bytes", req.Speed, req.Rate)
			}
		}
	}
}

// tiringModel answers so many times, then waits for the end or fails.
type tiringModel struct {
	hashModel
	answers int64
}

func (m *tiringModel) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	if m.calls.Load() >= m.answers {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("tired")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.hashModel.Score(ctx, seqs)
}

// A deadline, or a failure, loses what it cuts off and not what was read before.
func TestDeadlineKeepsWhatWasRead(t *testing.T) {
	req := ask(func(r *Request) { r.Files[0].Content = strings.Repeat(sample+"\n", 30) })
	whole := compress(t, engine(t, nil), req).Reading
	for answers := range 3 {
		for _, deadline := range []time.Duration{0, 30 * time.Millisecond} {
			t.Run(fmt.Sprintf("%d answers in %v", answers, deadline), func(t *testing.T) {
				model := &tiringModel{answers: int64(answers)}
				res := compress(t, engine(t, func(o *Options) { o.Scorer, o.Deadline = model, deadline }), req)
				check(t, indents{}, wordCounter{}, req, res)
				r := res.Reading
				if !res.Cut || res.RankerReason == "" || r.Ranked+r.Late != whole.Ranked {
					t.Fatalf("cut %v (%q), read %+v of %+v", res.Cut, res.RankerReason, r, whole)
				}
				if (r.Ranked > 0) != (answers > 0) || (res.Ranker == rankHybrid) != (answers > 0) {
					t.Errorf("%s ranked after %+v", res.Ranker, r)
				}
			})
		}
	}
}

func TestSuggestSpeed(t *testing.T) {
	for _, tt := range []struct {
		rate     float64
		deadline time.Duration
		want     Speed
	}{
		{1000, 0, SpeedExact},
		{500, 800 * time.Millisecond, SpeedFast},
		{30000, 800 * time.Millisecond, SpeedBalanced},
		{30000, 10 * time.Second, SpeedExact},
		{1e6, 800 * time.Millisecond, SpeedExact},
	} {
		if got := SuggestSpeed(tt.rate, tt.deadline); got != tt.want {
			t.Errorf("%v tokens/s within %v: %s, want %s", tt.rate, tt.deadline, got, tt.want)
		}
	}
}

// wordRows makes rows of which only the words differ.
func wordRows(scores ...float64) []row {
	rows := make([]row, len(scores))
	for i, s := range scores {
		rows[i][signalRoots] = s
	}
	return rows
}
