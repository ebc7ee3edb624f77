package compress

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A sleepy model takes a random time for each answer.
type sleepy struct {
	hashModel
	most time.Duration
}

func (m *sleepy) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	select {
	case <-time.After(time.Duration(rand.IntN(1 + int(m.most)))):
		return m.hashModel.Score(ctx, seqs)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// However long the model takes, a result is the one form of its request or says that it was cut
// short.
func TestClockDecidesNoForm(t *testing.T) {
	req := ask(func(r *Request) { r.Files[0].Content, r.Rate = strings.Repeat(sample, 40), 0.3 })
	want := compress(t, engine(t, nil), req)
	synctest.Test(t, func(t *testing.T) {
		cut, whole := 0, 0
		for i := range 40 {
			c := cached(t, &valueStore{}, func(o *Options) {
				o.Scorer, o.Deadline = &sleepy{most: time.Duration(i) * 10 * time.Millisecond}, time.Second
			})
			res, err := c.Compress(t.Context(), req)
			switch {
			case err != nil:
				t.Fatal(err)
			case res.Cut:
				cut++
			case res.Text != want.Text:
				t.Fatal("a third form")
			default:
				whole++
			}
		}
		if cut == 0 || whole == 0 {
			t.Errorf("%d were cut short and %d not: the test shows nothing", cut, whole)
		}
	})
}

// A slowStore tells what another replica stored only when something is added.
type slowStore struct{ first []byte }

func (s slowStore) Get(context.Context, string) ([]byte, bool) { return nil, false }

func (s slowStore) Add(context.Context, string, []byte, time.Duration) []byte { return s.first }

// Of two replicas that compute a result at the same time the first to store it is right for both:
// what goes out is what every later request will get.
func TestFirstStoredResultGoesOut(t *testing.T) {
	first, err := pack(Result{Text: "of the other replica"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := cached(t, slowStore{first}, nil).Compress(t.Context(), ask(nil))
	if err != nil || res.Text != "of the other replica" {
		t.Errorf("got %q, %v", res.Text, err)
	}
}
