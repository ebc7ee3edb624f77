package remote_test

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pith/perplexity"
	"pith/perplexity/remote"
)

// newOpenAI serves the embedded model as an OpenAI-compatible server does: with an echo, or with
// prompt_logprobs; part is how it spells a part of a character.
func newOpenAI(t *testing.T, echo bool, part string) *fakeServer {
	t.Helper()
	m, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	s := &fakeServer{}
	s.serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			respond(t, w, map[string]any{"data": []any{map[string]any{"id": "pith-code-lm", "max_model_len": 2048}}})
			return
		}
		var in struct {
			Prompt         string
			Echo           bool
			PromptLogprobs *int `json:"prompt_logprobs"`
			MaxTokens      int  `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
			return
		}
		choice := map[string]any{"text": "x", "index": 0}
		scored, err := m.Score(r.Context(), []perplexity.Sequence{{Text: in.Prompt}})
		if err != nil {
			return // the client left
		}
		tokens := m.Tokenizer().Encode(in.Prompt)
		spell := func(i int) string {
			end := len(in.Prompt)
			if i+1 < len(tokens) {
				end = tokens[i+1].Offset
			}
			return strings.ToValidUTF8(in.Prompt[tokens[i].Offset:end], part)
		}
		switch {
		case in.Echo && echo:
			var words []string
			values := []any{nil}
			for i := range tokens {
				words = append(words, spell(i))
				if i > 0 {
					values = append(values, -scored[0].Text[i-1].NLL)
				}
			}
			// The token that was asked for beyond the prompt.
			choice["logprobs"] = map[string]any{"tokens": append(words, " x"), "token_logprobs": append(values, -0.5)}
		case in.PromptLogprobs != nil && !echo:
			list := []any{nil}
			for i := 1; i < len(tokens); i++ {
				list = append(list, map[string]any{"17": map[string]any{
					"logprob": -scored[0].Text[i-1].NLL,
					"rank":    1, "decoded_token": spell(i),
				}})
			}
			choice["prompt_logprobs"] = list
		}
		respond(t, w, map[string]any{"choices": []any{choice}})
	})
	return s
}

// An OpenAI-compatible server with the embedded model's weights gives the embedded model's losses,
// whichever way it tells the prompt's log-probabilities.
func TestOpenAIGivesTheModelsLosses(t *testing.T) {
	want := []perplexity.Sequence{
		{Text: "Where is a connection handled?"},
		{Given: "func area(w, h int) int {\n\treturn w * h\n}\n", Text: "the area of a rectangle", WantGiven: true},
		{Given: "größe := \"漢字 ok\"\n", Text: "how large is it 🙂?"},
		{},
		{Text: "x"},
	}
	for name, row := range map[string]struct {
		echo        bool
		part, about string
	}{
		"echo": {true, "\uFFFD", "echo with logprobs"},
		"echo that leaves parts of characters out": {true, "", "echo with logprobs"},
		"prompt_logprobs":                          {false, "\uFFFD", "prompt_logprobs"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(t, newOpenAI(t, row.echo, row.part), remote.OpenAI)
			opt.Layout = nil
			s := scorer(t, opt)
			if !strings.Contains(s.About(), row.about) {
				t.Errorf("About is %q, want %s in it", s.About(), row.about)
			}
			got, err := s.Score(t.Context(), want)
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, local(t, want), 3)
			opt.Golden = nil // without known weights a server is held to what any losses must be
			scorer(t, opt)
			// Longer than the server takes: the head of what stands before goes.
			long := perplexity.Sequence{Given: strings.Repeat("return é\n", 1000), Text: "Where?"}
			if got, err = s.Score(t.Context(), []perplexity.Sequence{long}); err != nil {
				t.Fatal(err)
			}
			if got[0].Dropped < 5000 || len(got[0].Text) == 0 {
				t.Errorf("%d bytes dropped, %d losses", got[0].Dropped, len(got[0].Text))
			}
		})
	}
}

// What gives no log-probabilities of the prompt, or such that are none, is refused with the reason.
func TestOpenAIRefusals(t *testing.T) {
	reply := func(body string) fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/models" {
				return false
			}
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	server := newOpenAI(t, true, "\uFFFD")
	var calls atomic.Int64
	for name, c := range map[string]struct {
		want  string
		fault fault
	}{
		"none": {"no log-probabilities of the prompt", reply(`{"choices":[{"text":"x","logprobs":null}]}`)},
		"of answers": {"no log-probabilities of the prompt", reply(
			`{"choices":[{"text":"x","logprobs":{"tokens":[" x"],"token_logprobs":[-0.1]}}]}`)},
		"not allowed": {"not supported", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/models" {
				return false
			}
			http.Error(w, `{"error":{"message":"echo is not supported"}}`, http.StatusBadRequest)
			return true
		}},
		"never the same": {"asked again", func(w http.ResponseWriter, r *http.Request) bool {
			call := float64(calls.Add(1))
			return bytesOf(w, r, func(_ byte, i int) float64 { return -float64(i) - call })
		}},
		"whatever stands before": {"whatever stands before", func(w http.ResponseWriter, r *http.Request) bool {
			return bytesOf(w, r, func(b byte, _ int) float64 { return -float64(b) })
		}},
		"all the same": {"most log-probabilities are equal", func(w http.ResponseWriter, r *http.Request) bool {
			return bytesOf(w, r, func(b byte, _ int) float64 { return -float64(b / 64) })
		}},
		"of what follows": {"depend on what follows", func(w http.ResponseWriter, r *http.Request) bool {
			return bytesOf(w, r, func(_ byte, i int) float64 { return -float64(i) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server.breakBy(c.fault)
			opt := options(t, server, remote.OpenAI)
			opt.Layout, opt.Golden = nil, nil
			if err := refused(t, opt); !errors.Is(err, remote.ErrRefused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("refused with %v, want %q in it", err, c.want)
			}
		})
	}
	server.breakBy(nil)
	opt := options(t, server, remote.OpenAI)
	opt.Model, opt.Golden = "absent", nil
	if err := refused(t, opt); !strings.Contains(err.Error(), `no model "absent"`) {
		t.Errorf("an absent model: %v", err)
	}
}

// A server that names the likeliest tokens is held to them: log-probabilities that are given one
// token too late are no others than the prompt's to every other trial.
func TestOpenAILikeliestTokens(t *testing.T) {
	for name, row := range map[string]struct {
		late    int
		refused string
	}{"in their places": {0, ""}, "one token too late": {1, "given for another place"}} {
		t.Run(name, func(t *testing.T) {
			// The log-probabilities of 'a' to 'z' in a place depend on all that stands before.
			of := func(before string, b byte) float64 {
				return -1 - float64(crc32.ChecksumIEEE([]byte(before+"/"+string(b)))%997)/100
			}
			server := newOpenAI(t, true, "")
			server.breakBy(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/v1/models" {
					return false
				}
				var in struct{ Prompt string }
				_ = json.NewDecoder(r.Body).Decode(&in) // the tests' own
				words, values, top := []string{}, []any{}, []any{}
				for i := range len(in.Prompt) {
					before := in.Prompt[:i+row.late]
					likely := map[string]float64{in.Prompt[i : i+1]: of(before, in.Prompt[i])}
					for b := byte('a'); b <= 'z'; b++ {
						likely[string(b)] = of(before, b)
					}
					words, values = append(words, in.Prompt[i:i+1]), append(values, of(before, in.Prompt[i]))
					top = append(top, likely)
				}
				values[0] = nil
				respond(t, w, map[string]any{"choices": []any{map[string]any{
					"logprobs": map[string]any{"tokens": words, "token_logprobs": values, "top_logprobs": top},
				}}})
				return true
			})
			opt := options(t, server, remote.OpenAI)
			opt.Layout, opt.Golden = nil, nil
			if row.refused == "" {
				scorer(t, opt)
			} else if err := refused(t, opt); !errors.Is(err, remote.ErrRefused) ||
				!strings.Contains(err.Error(), row.refused) {
				t.Errorf("refused with %v, want %q in it", err, row.refused)
			}
		})
	}
}

// bytesOf answers with a log-probability for each byte, by its value and how many stand behind it.
func bytesOf(w http.ResponseWriter, r *http.Request, logprob func(b byte, behind int) float64) bool {
	if r.URL.Path == "/v1/models" {
		return false
	}
	var in struct{ Prompt string }
	_ = json.NewDecoder(r.Body).Decode(&in) // the tests' own
	words, values := []string{}, []any{}
	for i := range len(in.Prompt) {
		words = append(words, in.Prompt[i:i+1])
		values = append(values, logprob(in.Prompt[i], len(in.Prompt)-i))
	}
	values[0] = nil
	_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{
		map[string]any{"logprobs": map[string]any{"tokens": words, "token_logprobs": values}},
	}})
	return true
}

// Answers in the form that vLLM documents are read: prompt_logprobs by token id, an echo with
// marks of the beginning and bytes that are no whole character.
func TestRecordedAnswers(t *testing.T) {
	for _, name := range []string{"vllm-echo.json", "vllm-prompt-logprobs.json"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			var recorded struct {
				Prompt string
				Answer json.RawMessage
				Want   []perplexity.Loss
			}
			if err := json.Unmarshal(data, &recorded); err != nil {
				t.Fatal(err)
			}
			real := newOpenAI(t, strings.Contains(name, "echo"), "\uFFFD")
			opt := options(t, real, remote.OpenAI)
			opt.Layout, opt.Golden = nil, nil
			s := scorer(t, opt)
			real.breakBy(func(w http.ResponseWriter, _ *http.Request) bool {
				_,
					_ = w.Write(recorded.Answer)
				return true
			})
			got, err := s.Score(t.Context(), []perplexity.Sequence{{Text: recorded.Prompt}})
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, []perplexity.Losses{{Text: recorded.Want}}, 0)
		})
	}
}
