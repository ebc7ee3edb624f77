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
		if now, missing := l.GetAll(qs); err != nil || len(missing) > 0 || (cut == len(whole) && now[0] != Outcome{1, 2}) {
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
