package perplexity_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pith/perplexity"
)

// parityFile holds losses computed in PyTorch by the training code: for each token of given and
// text but the first, in nats.
type parityFile struct {
	ModelSHA256 string `json:"model_sha256"`
	Cases       []struct {
		Name        string
		Given, Text string
		IDs         []int32
		NLL         []*float64
	}
}

const parityTolerance = 1e-3 // nats per token

func TestParityWithPyTorch(t *testing.T) {
	checkParity(t, open(t, perplexity.Options{}), filepath.Join("testdata", "parity.json"), parityTolerance)
}

func checkParity(t *testing.T, m *perplexity.Model, file string, tolerance float64) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want parityFile
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Cases) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	if got := m.Card().SHA256; want.ModelSHA256 != "" && got != want.ModelSHA256 {
		t.Fatalf("%s is for model %s, this is %s", file, want.ModelSHA256, got)
	}
	seqs := make([]perplexity.Sequence, len(want.Cases))
	for i, c := range want.Cases {
		seqs[i] = perplexity.Sequence{Given: c.Given, Text: c.Text, WantGiven: true}
	}
	worst, compared := 0.0, 0
	for i, got := range score(t, m, seqs...) {
		c := want.Cases[i]
		if !checkIDs(t, m.Tokenizer(), c.Name, []string{c.Given, c.Text}, c.IDs) {
			continue // longer than the model takes: the stored values keep the head, Score the end
		}
		nll := append(got.Given, got.Text...)
		if len(nll) != max(len(c.NLL)-1, 0) {
			t.Errorf("%s: %d losses, want %d", c.Name, len(nll), len(c.NLL)-1)
			continue
		}
		for k, l := range nll {
			diff := math.Abs(l.NLL - *c.NLL[k+1])
			worst = max(worst, diff)
			compared++
			if !(diff <= tolerance) {
				t.Errorf("%s: loss %d is %.6f, want %.6f", c.Name, k+1, l.NLL, *c.NLL[k+1])
				break
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d losses compared", compared)
	}
	t.Logf("%d losses of %d cases, largest difference %.2e nats", compared, len(want.Cases), worst)
}

// checkIDs holds the tokenizer against stored token ids of texts that were tokenised apart. It
// tells whether the ids are those of all the text and not only of its head.
func checkIDs(t *testing.T, tok *perplexity.Tokenizer, name string, texts []string, want []int32) bool {
	t.Helper()
	var got []int32
	for _, text := range texts {
		for _, token := range tok.Encode(text) {
			got = append(got, token.ID)
		}
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%s: tokens %v, want %v", name, got, want)
	}
	return len(got) == len(want)
}
