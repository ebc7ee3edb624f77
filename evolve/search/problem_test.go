package search

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestEachCallsAllOnce(t *testing.T) {
	for _, workers := range []int{-1, 1, 3, 50} {
		counts := make([]atomic.Int64, 20)
		if err := Each(len(counts), workers, func(i int) error { counts[i].Add(1); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range counts {
			if n := counts[i].Load(); n != 1 {
				t.Errorf("%d workers: %d was called %d times", workers, i, n)
			}
		}
	}
	if err := Each(0, 4, func(int) error { return errors.New("called") }); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}

// After an error nothing new begins, and what is under way ends.
func TestEachBeginsNothingAfterAnError(t *testing.T) {
	var calls atomic.Int64
	broken := errors.New("broken")
	err := Each(1000, 1, func(i int) error {
		calls.Add(1)
		if i == 4 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || calls.Load() != 5 {
		t.Errorf("%d calls, %v, want 5 and the error", calls.Load(), err)
	}
}

func TestParallelKeepsTheOrderAndFails(t *testing.T) {
	e := letters(func(text string) float64 { return float64(len(text)) })
	var trials []Trial
	for n := range 30 {
		trials = append(trials, Trial{Text: strings.Repeat("x", n), To: 2})
	}
	got, err := Parallel(e, 7).Evaluate(t.Context(), trials)
	if err != nil {
		t.Fatal(err)
	}
	for n, row := range got {
		if len(row) != 2 || row[0] != float64(n) {
			t.Fatalf("the rewards of trial %d are %v", n, row)
		}
	}
	broken := errors.New("broken")
	if _, err := Parallel(brokenEvaluator{broken}, 3).Evaluate(t.Context(), trials); !errors.Is(err, broken) {
		t.Errorf("Evaluate = %v, want the error", err)
	}
}

func TestMasks(t *testing.T) {
	m := FullMask(5)
	if m.Kept() != 5 || m.String() != "11111" {
		t.Errorf("the full mask is %s with %d kept", m, m.Kept())
	}
	turned := m.Flip(0, 3)
	if turned.String() != "01101" || turned.Kept() != 3 || m.Kept() != 5 {
		t.Errorf("flipped: %s, and the mask it was made of %s", turned, m)
	}
	if back := turned.Flip(3, 0); back.String() != m.String() {
		t.Errorf("flipped back: %s", back)
	}
	text, err := json.Marshal(Candidate{Mask: turned, Text: "x"})
	if err != nil || !strings.Contains(string(text), `"mask":"01101"`) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	var read Candidate
	if err := json.Unmarshal(text, &read); err != nil || read.Mask.String() != "01101" {
		t.Errorf("read back: %v, %v", read.Mask, err)
	}
	var bad Mask
	if err := bad.UnmarshalText([]byte("01x")); err == nil || !strings.Contains(err.Error(), "character 3") {
		t.Errorf("a mask that is none: %v", err)
	}
	if d := distance(maskOf("1100"), maskOf("1010")); d != 2 {
		t.Errorf("the distance is %d, want 2", d)
	}
}

func TestProblemsWithNothingToSearch(t *testing.T) {
	whole := letterProblem("abc", additive)
	for name, p := range map[string]Problem{
		"no examples": {Template: whole.Template, Evaluator: whole.Evaluator},
		"no template": {Examples: 1, Evaluator: whole.Evaluator},
	} {
		if _, err := Run(t.Context(), p, Options{}); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: Run = %v, want ErrOptions", name, err)
		}
	}
}
