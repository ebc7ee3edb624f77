package perplexity

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// Where a text is cut into runs that hand on their state, and what stands beside it, moves no loss
// by more than 1e-3 nats.
func TestLossesAreThoseOfThePlainSchedule(t *testing.T) {
	var texts struct {
		Cases []struct{ Given, Text string }
	}
	data, err := os.ReadFile("testdata/parity.json")
	if err == nil {
		err = json.Unmarshal(data, &texts)
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(Embedded(), Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var seqs []Sequence
	for _, context := range texts.Cases {
		for _, question := range texts.Cases {
			text := question.Text[:min(len(question.Text), 300)]
			if len(context.Given) < 4000 && text != "" {
				seqs = append(
					seqs,
					Sequence{Given: context.Given + context.Text + "\n\n", Text: text, WantGiven: len(seqs)%2 == 0})
			}
		}
	}
	packed, err := m.Score(t.Context(), seqs)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := m.scoreWhole(t.Context(), seqs)
	if err != nil {
		t.Fatal(err)
	}
	worst, compared := 0.0, 0
	for i := range seqs {
		want := alone[i]
		got := append(packed[i].Given, packed[i].Text...)
		for k, l := range append(want.Given, want.Text...) {
			if got[k].Offset != l.Offset {
				t.Fatalf("sequence %d: loss %d is at %d, want %d", i, k, got[k].Offset, l.Offset)
			}
			worst = max(worst, math.Abs(got[k].NLL-l.NLL))
			compared++
		}
	}
	if compared < 15_000 || !(worst <= 1e-3) {
		t.Errorf("%d losses compared, the largest difference is %.2e nats", compared, worst)
	}
	t.Logf("%d sequences, %d losses, largest difference %.2e nats", len(seqs), compared, worst)
}
