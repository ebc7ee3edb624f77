package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"pith/perplexity"
)

// openAI speaks OpenAI's /v1/completions with the log-probabilities of the prompt: as an echo with
// logprobs, or as prompt_logprobs.
type openAI struct {
	caller
	model string
	told  atomic.Pointer[completions]
}

// completions is what a probe found out of a server.
type completions struct {
	// prompts says that prompt_logprobs are given; else the prompt is echoed.
	prompts bool
	// maxTokens is the longest text that the server takes; 0 where it does not say.
	maxTokens int
}

func (o *openAI) describe(ctx context.Context) (string, error) {
	got, err := o.call(ctx, http.MethodGet, "/v1/models", nil, nil)
	if err != nil {
		return "", asRefusal(err)
	}
	var list struct {
		Data []struct {
			ID       string `json:"id"`
			OwnedBy  string `json:"owned_by"`
			MaxModel int    `json:"max_model_len"`
		} `json:"data"`
	}
	if err := json.Unmarshal(got.body, &list); err != nil {
		return "", fmt.Errorf("%w: GET /v1/models: no list of models: %w", ErrRefused, err)
	}
	told := completions{}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
		if m.ID == o.model {
			told.maxTokens = m.MaxModel
		}
	}
	if !slices.Contains(names, o.model) {
		return "", fmt.Errorf("%w: there is no model %q, only %q", ErrRefused, o.model, names)
	}
	var tried []error
	for _, prompts := range []bool{false, true} {
		told.prompts = prompts
		tokens, err := o.ask(ctx, told, probeText)
		if err == nil {
			if err := o.aligned(ctx, told, tokens); err != nil {
				return "", err
			}
			o.told.Store(&told)
			way := "echo with logprobs"
			if prompts {
				way = "prompt_logprobs"
			}
			about := fmt.Sprintf("model %s, %s", o.model, way)
			if told.maxTokens > 0 {
				about += fmt.Sprintf(", up to %d tokens", told.maxTokens)
			}
			return about, nil
		}
		if !errors.Is(err, errText) && !errors.Is(err, errAnswer) {
			return "", err // it did not answer
		}
		tried = append(tried, err)
	}
	return "", fmt.Errorf("%w: no log-probabilities of the prompt, as an echo: %w; as prompt_logprobs: %w",
		ErrRefused, tried[0], tried[1])
}

// aligned holds an echo to its own word: what it calls the likeliest token of a place has that
// log-probability when it stands there. A server that gives each token's behind it and not before
// it is consistent otherwise. One that names no likely tokens, or none that it spells alike, is
// believed.
func (o *openAI) aligned(ctx context.Context, told completions, tokens []promptToken) error {
	const most = 8 // places
	for i, tries := len(tokens)-1, 0; i > 0 && tries < most; i-- {
		t := tokens[i]
		if t.likely == "" || t.likely == t.text {
			continue
		}
		tries++
		again, err := o.ask(ctx, told, probeText[:t.offset]+t.likely)
		switch {
		case errors.Is(err, errAnswer):
			continue // other tokens
		case err != nil:
			return asRefusal(err)
		case len(again) != i+1 || again[i].offset != t.offset || again[i].text != t.likely:
			continue
		case abs(again[i].logprob-t.likeliest) > perplexity.GoldenTolerance:
			return fmt.Errorf("%w: the likeliest token of a place, %q, has the log-probability %.4g there by its own "+
				"word, and %.4g when it stands there: they are given for another place", ErrRefused, t.likely,
				t.likeliest, again[i].logprob)
		}
		return nil
	}
	return nil
}

// bytesPerToken is at least how many bytes a token of code has, over a text of some length: what
// bounds a text whose tokens only the server can count.
const bytesPerToken = 2

// score asks for the losses of both texts in one. A token that stands across their border counts
// with the first.
func (o *openAI) score(ctx context.Context, s perplexity.Sequence) (perplexity.Losses, int, error) {
	told := *o.told.Load()
	given, losses := s.Given, perplexity.Losses{}
	if most := told.maxTokens * bytesPerToken; most > 0 && len(given)+len(s.Text) > most {
		losses.Dropped = len(given) - max(most-len(s.Text), 0)
		for losses.Dropped < len(given) && given[losses.Dropped]&0xC0 == 0x80 {
			losses.Dropped++ // a character is not cut
		}
		given = given[losses.Dropped:]
	}
	text := given + s.Text
	if text == "" {
		return losses, 0, nil
	}
	tokens, err := o.ask(ctx, told, text)
	if err != nil {
		return losses, 0, err
	}
	for i, t := range tokens {
		switch {
		case i == 0 && t.missing: // nothing stands before the first
		case t.missing:
			return losses, 0, fmt.Errorf("%w: token %d of the prompt has no log-probability", errAnswer, i)
		case t.offset >= len(given):
			losses.Text = append(losses.Text, perplexity.Loss{Offset: t.offset - len(given), NLL: -t.logprob})
		case s.WantGiven:
			losses.Given = append(losses.Given, perplexity.Loss{Offset: losses.Dropped + t.offset, NLL: -t.logprob})
		}
	}
	return losses, len(tokens), nil
}

// A promptToken is a token of a prompt as the server spells it.
type promptToken struct {
	text    string
	offset  int
	logprob float64
	missing bool
	// likely is the token that the server calls the likeliest in its place, with its
	// log-probability; empty where it names none.
	likely    string
	likeliest float64
}

// logprob is one token's entry among a position's prompt_logprobs.
type logprob struct {
	Logprob float64 `json:"logprob"`
	Decoded string  `json:"decoded_token"`
}

// ask returns the tokens of a prompt. One token more is asked for, since to some servers none means
// no end.
func (o *openAI) ask(ctx context.Context, told completions, prompt string) ([]promptToken, error) {
	question := map[string]any{"model": o.model, "prompt": prompt, "max_tokens": 1, "temperature": 0}
	if told.prompts {
		question["prompt_logprobs"] = 0 // the prompt's own tokens and no others
	} else {
		question["echo"], question["logprobs"] = true, 1
	}
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	got, err := o.call(ctx, http.MethodPost, "/v1/completions", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return nil, err
	}
	var out struct {
		Choices []struct {
			PromptLogprobs []map[string]logprob `json:"prompt_logprobs"`
			Logprobs       *struct {
				Tokens  []string             `json:"tokens"`
				Logprob []*float64           `json:"token_logprobs"`
				Top     []map[string]float64 `json:"top_logprobs"`
			} `json:"logprobs"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(got.body, &out); err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	if len(out.Choices) != 1 {
		return nil, fmt.Errorf("%w: %d choices", errAnswer, len(out.Choices))
	}
	c := out.Choices[0]
	var tokens []promptToken
	switch {
	case told.prompts:
		if tokens, err = promptTokens(c.PromptLogprobs); err != nil {
			return nil, err
		}
	case c.Logprobs == nil || len(c.Logprobs.Tokens) != len(c.Logprobs.Logprob):
		return nil, fmt.Errorf("%w: no logprobs of an echo", errAnswer)
	default:
		for i, t := range c.Logprobs.Tokens {
			one := promptToken{text: t, missing: c.Logprobs.Logprob[i] == nil}
			if !one.missing {
				one.logprob = *c.Logprobs.Logprob[i]
			}
			if i < len(c.Logprobs.Top) {
				one.likely, one.likeliest = best(c.Logprobs.Top[i])
			}
			tokens = append(tokens, one)
		}
	}
	return place(tokens, prompt)
}

// best is the likeliest of some tokens.
func best(list map[string]float64) (text string, most float64) {
	for t, p := range list {
		if text == "" || p > most || p == most && t < text {
			text, most = t, p
		}
	}
	return text, most
}

// promptTokens reads prompt_logprobs: null for the first token, then one entry each.
func promptTokens(list []map[string]logprob) ([]promptToken, error) {
	tokens := make([]promptToken, 0, len(list))
	for i, entries := range list {
		switch {
		case i == 0 && len(entries) == 0:
			tokens = append(tokens, promptToken{missing: true})
			continue
		case len(entries) != 1:
			return nil, fmt.Errorf("%w: %d entries for token %d of the prompt, want its own", errAnswer,
				len(entries), i)
		}
		for _, e := range entries {
			tokens = append(tokens, promptToken{text: e.Decoded, logprob: e.Logprob})
		}
	}
	return tokens, nil
}
