package perplexity

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRandomModel(t *testing.T) {
	for _, format := range []string{Float32, Float16} {
		t.Run(format, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "random")
			r := RandomModel{
				Hidden:    64,
				Inner:     96,
				Layers:    2,
				Heads:     4,
				KVHeads:   2,
				Vocab:     16384,
				MaxTokens: 128,
				Format:    format,
			}
			if err := r.Write(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			if err := r.Write(t.Context(), dir); err == nil {
				t.Error("it is written over what is there")
			}
			m, err := OpenDir(dir, Options{Device: "cpu"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			card := m.Card()
			if !card.Verified || card.Contract != ContractNLL || card.MaxTokens != 128 {
				t.Errorf("card is %+v", card)
			}
			perLayer := 64*(64+2*32) + 64*64 + 3*64*96
			if card.TokenWeights != int64(2*perLayer) || card.LossWeights != 64*16384 {
				t.Errorf(
					"%d weights for a token and %d for a loss, want %d and %d", card.TokenWeights, card.LossWeights,
					2*perLayer, 64*16384,
				)
			}
			long := Sequence{
				Given: "func f(a int) int { return a * a }\n", Text: "what does f do to a?",
				WantGiven: true,
			}
			together, err := m.Score(t.Context(), []Sequence{long, {Text: "short one"}})
			if err != nil {
				t.Fatal(err)
			}
			alone, err := m.Score(t.Context(), []Sequence{long})
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range together[0].Text {
				if d := math.Abs(l.NLL - alone[0].Text[i].NLL); !(d < 1e-3) {
					t.Errorf("loss %d is %g in company, %g alone", i, l.NLL, alone[0].Text[i].NLL)
				}
			}
			if l := together[0].Text; math.Abs(l[0].NLL-l[1].NLL) < 1e-6 {
				t.Errorf("losses %v do not depend on the token", l[:2])
			}
		})
	}
}

func TestRandomModelRefusesOtherNumbers(t *testing.T) {
	r := RandomModel{Hidden: 64, Inner: 96, Layers: 1, Heads: 4, KVHeads: 2, Vocab: 16384, MaxTokens: 128, Format: Int8}
	if err := r.Write(t.Context(), filepath.Join(t.TempDir(), "random")); err == nil {
		t.Error("a model of int8 was written")
	}
}

func TestRandomModelInterrupted(t *testing.T) {
	r := RandomModel{
		Hidden: 64, Inner: 96, Layers: 1, Heads: 4, KVHeads: 2, Vocab: 16384, MaxTokens: 128, Format: Float32,
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	if err := r.Write(ctx, filepath.Join(folder, "random")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want Canceled", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestMultiplier(t *testing.T) {
	for _, format := range []string{Float32, Int8} {
		m, err := NewMultiplier(format, Options{Device: "cpu", Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		flop, err := m.Run(t.Context(), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if once := 2.0 * 512 * 1024 * 1024 * 4; flop < 2*once || math.Mod(flop, once) != 0 {
			t.Errorf("%s: %g operations", format, flop)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := NewMultiplier("float8", Options{Device: "cpu"}); err == nil {
		t.Error("an unknown number format is taken")
	}
}

func TestHalf(t *testing.T) {
	for _, v := range []float32{0, 1, -1, 0.5, 1.5, -0.03125, 1024, 6.1035156e-05} {
		if got := fromHalf(toHalf(v)); got != v {
			t.Errorf("%g became %g", v, got)
		}
	}
	if got := fromHalf(toHalf(0.1)); math.Abs(float64(got)-0.1) > 1e-4 {
		t.Errorf("0.1 became %g", got)
	}
}
