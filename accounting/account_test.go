package accounting_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"pith/accounting"
	"pith/dialects"
)

const body = `{"model":"gpt-4o","messages":[{"role":"user","content":"func main() {}"}]}`

// An upstream answers every request with JSON.
type upstream string

func (u upstream) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(string(u))),
	}, nil
}

func open(t *testing.T, o accounting.Options) *accounting.Books {
	t.Helper()
	books, err := accounting.New(o, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return books
}

// pay sends a request of which omitted tokens were left out, and returns its bill as the log shows
// it.
func pay(t *testing.T, books *accounting.Books, answer string, omitted int) map[string]slog.Value {
	t.Helper()
	a := books.Open("gpt-4o", false, dialects.Of("/v1/chat/completions").Usage, []byte(body))
	req, err := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		"http://upstream.test/",
		strings.NewReader(body),
	)
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.Meter(upstream(answer)).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != answer {
		t.Fatalf("the answer became %q, %v", got, err)
	}
	res.Body.Close()
	attrs := map[string]slog.Value{}
	for _, attr := range a.Close(omitted).Attrs() {
		attrs[attr.Key] = attr.Value
	}
	return attrs
}

// The factor that turns our tokens into the provider's is learnt from what it reports. Requests are
// counted beside their way and one at a time, so not every one of them is.
func TestCalibration(t *testing.T) {
	tests := []struct {
		name     string
		exact    bool
		reported int
		basis    string
		omitted  int64
	}{
		{"provider counts more", false, 2600, "calibrated", 1300},
		{"provider counts less", false, 1800, "calibrated", 900},
		{"something else was counted", false, 9000, "estimated", 1000},
		{"own tokenizer, more", true, 2600, "exact", 1000},
		{"own tokenizer, less", true, 1800, "exact", 900},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var counted atomic.Int64
			books := open(t, accounting.Options{
				CalibrateEvery: 1, // every request
				Count: func(model, text string) (int, bool) {
					if text != "" {
						if model != "gpt-4o" || !strings.Contains(text, "func main() {}") {
							t.Errorf("counted %q for %q", text, model)
						}
						counted.Add(1)
					}
					return 2000, tt.exact
				},
			})
			answer := fmt.Sprintf(`{"usage":{"prompt_tokens":%d,"completion_tokens":1}}`, tt.reported)
			if first := pay(t, books, answer, 1000); first["omitted_tokens"].Int64() != 1000 {
				t.Errorf("before anything is learnt %v tokens were left out", first["omitted_tokens"])
			}
			for counted.Load() < 20 {
				pay(t, books, answer, 1000)
				runtime.Gosched()
			}
			last := pay(t, books, answer, 1000)
			if last["omitted_tokens"].Int64() != tt.omitted || last["omitted_basis"].String() != tt.basis {
				t.Errorf(
					"%v tokens were left out, %v, want %d, %s",
					last["omitted_tokens"],
					last["omitted_basis"],
					tt.omitted,
					tt.basis,
				)
			}
		})
	}
}

// What is known does not end with a configuration: prices are the new ones, samples stay.
func TestReloadKeepsWhatWasLearnt(t *testing.T) {
	var counted atomic.Int64
	o := accounting.Options{CalibrateEvery: 1, Count: func(_, text string) (int, bool) {
		if text != "" {
			counted.Add(1)
		}
		return 2000, false
	}}
	books := open(t, o)
	const answer = `{"usage":{"prompt_tokens":3000,"completion_tokens":0}}`
	for counted.Load() < 20 {
		pay(t, books, answer, 1000)
		runtime.Gosched()
	}
	o.Prices = []accounting.Price{{Model: "gpt-*", Input: 2}}
	next, err := books.Reload(o)
	if err != nil {
		t.Fatal(err)
	}
	bill := pay(t, next, answer, 1000)
	if got := bill["omitted_tokens"].Int64(); got != 1500 {
		t.Errorf("%d tokens were left out, want 1500", got)
	}
	if cost, whole := bill["cost"].Float64(), bill["cost_uncompressed"].Float64(); cost != 3000*2/1e6 ||
		whole != 4500*2/1e6 {
		t.Errorf("cost %v and %v uncompressed", cost, whole)
	}
	if _, priced := pay(t, books, answer, 1000)["cost"]; priced {
		t.Error("the books of before have prices")
	}
}

func TestBadPricesAreRefused(t *testing.T) {
	for name, p := range map[string]accounting.Price{"no model": {Input: 1}, "negative": {Model: "m", CacheRead: -1}} {
		if _, err := accounting.New(
			accounting.Options{Prices: []accounting.Price{p}},
			prometheus.NewRegistry(),
		); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A conversation is held out or not for good, and a larger share holds the same ones out, and more.
func TestHeldOut(t *testing.T) {
	none, some, more, all := open(t, accounting.Options{}), open(t, accounting.Options{Holdout: 0.2}),
		open(t, accounting.Options{Holdout: 0.5}), open(t, accounting.Options{Holdout: 1})
	held, byTenant := 0, 0
	for i := range 2000 {
		opening := fmt.Sprintf("question %d", i)
		out := some.HeldOut("one", opening)
		if out {
			held++
		}
		if out != some.HeldOut("two", opening) {
			byTenant++
		}
		if none.HeldOut("one", opening) || !all.HeldOut("one", opening) || out && !more.HeldOut("one", opening) ||
			out != some.HeldOut("one", opening) {
			t.Errorf("question %d", i)
		}
	}
	if held < 330 || held > 470 { // four standard deviations
		t.Errorf("%d of 2000 are held out, want about 400", held)
	}
	if byTenant == 0 {
		t.Error("the tenant decides nothing")
	}
}
