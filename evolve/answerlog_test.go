package evolve

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pith/evolve/llm"
)

func TestAnswerLogSurvivesATornWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	qs := []question{{key: newAnswerKey("a")}, {key: newAnswerKey("b")}}
	l, err := OpenAnswerLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(qs, []Outcome{{1, 2}, {math.Inf(-1), 4}}, llm.Usage{}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAnswerLog(path); !errors.Is(err, ErrAnswerLog) {
		t.Errorf("a second process got in: %v", err)
	}
	if err := errors.Join(l.Sync(), l.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenAnswerLog(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if want := max(0, cut-len(logMagic)) / logRecord; l.Len() != want {
			t.Fatalf("cut at %d: %d records, want %d", cut, l.Len(), want)
		}
		_, err = l.Put(qs, []Outcome{{9, 9}, {9, 9}}, llm.Usage{})
		if now, missing := l.GetAll(qs); err != nil || len(missing) > 0 ||
			(cut == len(whole) && now[0] != Outcome{1, 2}) {
			t.Fatalf("cut at %d: the first outcome does not stand: %v, %v", cut, now, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = OpenAnswerLog(path); err != nil || l.Len() != 2 {
			t.Fatalf("cut at %d, mended: %v, %v", cut, l, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	flipped := slices.Clone(whole)
	flipped[len(logMagic)+3] ^= 1
	if err := os.WriteFile(path, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenAnswerLog(path); err != nil || l.Len() != 0 {
		t.Errorf("a flipped bit in the first record: %v, %v, want nothing believed", l, err)
	}
}

// A request whose answer a kill took away counts as having used all that was held back for it; one
// that was refused, what it used.
func TestKilledRequestsCountAsSpent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	q := func(name string) question { return question{key: newAnswerKey(name)} }
	held, paid := llm.Usage{In: 30, Out: 5}, llm.Usage{In: 12, Out: 1}
	want := llm.Usage{}
	for round := range 3 {
		l, err := OpenAnswerLog(path)
		if err != nil {
			t.Fatal(err)
		}
		if l.Used() != want {
			t.Fatalf("round %d: used %+v, want %+v", round, l.Used(), want)
		}
		for _, name := range []string{"answered", "killed", "refused"} {
			if err := l.Begin(q(name), held); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Put([]question{q("answered")}, []Outcome{{1, 1}}, paid); err != nil {
			t.Fatal(err)
		}
		if err := l.Refuse(q("refused"), llm.Usage{In: 2}); err != nil {
			t.Fatal(err)
		}
		want = want.Plus(paid).Plus(llm.Usage{In: 2})
		if l.Used() != want || l.Len() != 1 {
			t.Errorf("round %d: used %+v and %d outcomes, want %+v and 1", round, l.Used(), l.Len(), want)
		}
		if err := l.Close(); err != nil { // as a kill would
			t.Fatal(err)
		}
		want = want.Plus(held)
		if used, err := readUsage(path); err != nil || used != want {
			t.Errorf("round %d: read %+v, %v, want %+v", round, used, err, want)
		}
	}
}
