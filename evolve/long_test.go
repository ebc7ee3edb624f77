package evolve

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"pith/evolve/llm"
	"pith/evolve/search"
)

const (
	longWords   = 226
	longEffects = 60
)

// longEffect is what some words of the long prompt do to the model's confidence, half of them good.
func longEffect() map[string]float64 {
	rng := rand.New(rand.NewPCG(60, 226))
	out := map[string]float64{}
	for k, i := range rng.Perm(longWords)[:longEffects] {
		size := .3 + .6*rng.Float64()
		if k%2 == 1 {
			size = -size
		}
		out[fmt.Sprintf("w%d", i)] = size
	}
	return out
}

// longEndpoint is a model whose confidence in the right answer of a row is the sum of what the kept
// words do, less how hard the row is. A row ends its prompt: "|HARDNESS LABEL".
func longEndpoint(t *testing.T) *llm.Endpoint {
	t.Helper()
	effects := longEffect()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Messages []struct{ Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		prompt, row, _ := strings.Cut(request.Messages[0].Content, "|")
		margin := 0.0
		for word := range strings.FieldsSeq(prompt) {
			margin += effects[word]
		}
		var hardness float64
		var right string
		if _, err := fmt.Sscan(row, &hardness, &right); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		wrong := map[string]string{"yes": "no", "no": "yes"}[right]
		p := 1 / (1 + math.Exp(-(margin-hardness)/3))
		fmt.Fprintf(w, `{"choices":[{"message":{"content":"?"},"logprobs":{"content":[{"top_logprobs":[`+
			`{"token":%q,"logprob":%g},{"token":%q,"logprob":%g}]}]}}],`+
			`"usage":{"prompt_tokens":%d,"completion_tokens":1}}`,
			right, math.Log(p), wrong, math.Log(1-p), len(prompt)/3)
	}))
	t.Cleanup(s.Close)
	e, err := llm.NewEndpoint(llm.EndpointOptions{BaseURL: s.URL + "/v1", Model: "m", Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func longTask(t *testing.T) string {
	t.Helper()
	words := make([]string, longWords)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i)
	}
	split := func(rows int, seed uint64) string {
		rng := rand.New(rand.NewPCG(seed, 1))
		out := "text\tlabel\n"
		for i := range rows {
			label := []string{"yes", "no"}[i%2]
			out += fmt.Sprintf("|%.4f %s\t%s\n", 1+14*rng.Float64(), label, label)
		}
		return out
	}
	return taskDir(t, map[string]string{
		"task.yaml": "name: long\ntemplate: '" + strings.Join(words, " ") + "{text}'\n" +
			"labels: [{name: \"yes\", verbalizer: \" yes\"}, {name: \"no\", verbalizer: \" no\"}]\n" +
			"data: {search: s.tsv, validation: v.tsv, test: t.tsv}\n",
		"s.tsv": split(16, 1), "v.tsv": split(60, 2), "t.tsv": split(200, 3),
	})
}

// On a long prompt the guided search is well ahead of as many random prunings of the same length,
// on rows that neither has seen. What it is charged and what it says beforehand is the whole of it.
func TestGuidedBeatsRandomPruningOnALongPrompt(t *testing.T) {
	task, err := LoadTask(longTask(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := CreateRun(filepath.Join(t.TempDir(), "run"), Spec{
		Algorithm: search.Guided, Objective: search.Best, Seed: 1, MaxPrompts: 300, Units: "words",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	var notes []string
	r, err := (&Run{
		Dir: dir, Task: task, Workers: 8, Backend: longEndpoint(t).Backend("u"), Tokenize: search.Words,
		TokenizerName: search.TokenizerWords, OnNote: func(n string) { notes = append(notes, n) },
	}).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	random := r.Baselines[0]
	t.Logf("full prompt %.3f, guided %.3f, random pruning %.3f", r.Full.Test, r.Answer.Test, random.Test)
	if r.Answer.Test < random.Test+.2 {
		t.Errorf("guided %.3f, random pruning %.3f: want .2 more", r.Answer.Test, random.Test)
	}
	if len(r.Comparisons) != 2 || r.Comparisons[1].Verdict != Better {
		t.Errorf("comparisons %+v, want better than random pruning", r.Comparisons)
	}
	// A question that two workers come upon at the same moment is asked twice, and paid twice.
	n, used := int64(dir.Answers().Len()), dir.Answers().Used()
	if used != r.Spending.Usage || used.Out < n || used.Out > n+n/50 {
		t.Errorf("spent %+v, logged %+v, for %d answers of one token each", r.Spending, used, n)
	}
	mustHold(t, "notes", strings.Join(notes, "\n"), "random pruning asks up to", "--baselines none")
}
