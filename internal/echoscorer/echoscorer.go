// Package echoscorer stands in for an inference server of OpenAI's protocol, where what a model
// would say does not matter.
package echoscorer

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"time"
)

// tokenBytes is how long its tokens are. Texts are taken to be ASCII.
const tokenBytes = 4

// Handler answers as a server of a model does that has enough cards: each text takes latency,
// however many there are. The log-probability of a token depends on what stands before it.
func Handler(model string, latency time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Who asked may have left: what cannot be written is not missed.
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]any{
				"data": []any{map[string]any{"id": model, "max_model_len": 100_000}},
			})
			return
		}
		var in struct{ Prompt string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(latency):
		case <-r.Context().Done():
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"logprobs": echo(in.Prompt)}}})
	})
}

func echo(prompt string) map[string]any {
	var tokens []string
	var values []any
	seen := fnv.New32a()
	for at := 0; at < len(prompt); at += tokenBytes {
		token := prompt[at:min(at+tokenBytes, len(prompt))]
		_, _ = seen.Write([]byte(token)) // never fails
		tokens, values = append(tokens, token), append(values, -float64(seen.Sum32()%10_000)/1000)
	}
	if len(values) > 0 {
		values[0] = nil // the first has nothing before it
	}
	return map[string]any{"tokens": tokens, "token_logprobs": values}
}
