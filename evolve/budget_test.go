package evolve

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// paidEndpoint answers good and counts 12 tokens for it.
func paidEndpoint(t *testing.T) *llm.Endpoint {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		fmt.Fprint(w, `{"choices":[{"message":{"content":"good"},"logprobs":{"content":[{"top_logprobs":[`+
			`{"token":" good","logprob":-0.1}]}]}}],"usage":{"prompt_tokens":11,"completion_tokens":1}}`)
	}))
	t.Cleanup(s.Close)
	e, err := llm.NewEndpoint(llm.EndpointOptions{BaseURL: s.URL + "/v1", Model: "m", Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// However many requests are under way when the budget ends, each answer that was paid for is in the
// log, with what it cost.
func TestBudgetStopKeepsWhatWasPaid(t *testing.T) {
	task, err := LoadTask(runTask(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "answers")
	var asked int64
	for _, budget := range []int64{900, 900, 1500} {
		log, err := OpenAnswerLog(path)
		if err != nil {
			t.Fatal(err)
		}
		j, err := NewJudge(task, paidEndpoint(t).Backend("u"), log, nil)
		if err != nil {
			t.Fatal(err)
		}
		j.limit = llm.NewLimiter(llm.Budget{Tokens: budget}, log.Used())
		trials := make([]search.Trial, 20)
		for i := range trials {
			trials[i] = search.Trial{Text: fmt.Sprintf("%d {text}", i), To: len(task.Search)}
		}
		_, err = search.Parallel(j.On(task.Search), 3).Evaluate(t.Context(), trials)
		if !errors.Is(err, llm.ErrBudgetSpent) {
			t.Fatalf("Evaluate = %v, want ErrBudgetSpent", err)
		}
		used, kept := log.Used().Total(), int64(log.Len())
		if kept == 0 || used != 12*kept || used > budget || used < budget-60 {
			t.Errorf("budget %d: %d tokens used, %d answers kept at 12 each", budget, used, kept)
		}
		if n, _ := j.Asked(); budget == 900 && asked > 0 && n > 1 {
			t.Errorf("%d more answers on a budget that was spent before", n)
		} else {
			asked += n
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
