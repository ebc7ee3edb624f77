package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	anthropicparam "github.com/anthropics/anthropic-sdk-go/packages/param"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
)

// A scriptStep is one request of a script: an operation that a client knows, and what its caller
// fills in.
type scriptStep struct {
	Op   string          `json:"op"`
	Body json.RawMessage `json:"body,omitempty"`
}

// A reply is what a client made of the answer to one step.
type reply struct {
	Whole  json.RawMessage   `json:"whole,omitempty"`
	Events []json.RawMessage `json:"events,omitempty"`
	Error  string            `json:"error,omitempty"`
	Status int               `json:"status,omitempty"`
}

// A sdkClient runs a script through an official SDK.
type sdkClient struct {
	name, sdk string
	run       func(t *testing.T, c sdkClient, baseURL string, script []scriptStep) []reply
}

func clients() []sdkClient {
	return []sdkClient{
		{"OpenAI Go", "openai", runOpenAI},
		{"OpenAI Node", "openai", runNode},
		{"OpenAI Python", "openai", runPython},
		{"Anthropic Go", "anthropic", runAnthropic},
		{"Anthropic Node", "anthropic", runNode},
		{"Anthropic Python", "anthropic", runPython},
	}
}

// key tells this client's requests from those of the others.
func (c sdkClient) key() string {
	return "sk-e2e-" + strings.ReplaceAll(strings.ToLower(c.name), " ", "-")
}

// base is the base URL as the SDK wants it.
func (c sdkClient) base(url string) string {
	if c.sdk == "openai" {
		return url + "/v1"
	}
	return url
}

func runNode(t *testing.T, c sdkClient, baseURL string, script []scriptStep) []reply {
	t.Helper()
	node := "node"
	if _, err := exec.LookPath(node); err != nil {
		node = filepath.Join(root, ".deps/node/bin/node")
	}
	return runScript(t, c, script,
		exec.CommandContext(t.Context(), node, filepath.Join(root, "e2e/clients/client.mjs"), c.sdk),
		"BASE_URL="+baseURL)
}

func runPython(t *testing.T, c sdkClient, baseURL string, script []scriptStep) []reply {
	t.Helper()
	return runScript(t, c, script,
		exec.CommandContext(t.Context(), "python3", filepath.Join(root, "e2e/clients/client.py"), c.sdk),
		"BASE_URL="+baseURL)
}

// runScript gives script to one of the programs in clients and returns what it printed.
func runScript(t *testing.T, c sdkClient, script []scriptStep, cmd *exec.Cmd, env string) []reply {
	t.Helper()
	in, err := json.Marshal(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), env, "API_KEY="+c.key(), "CLIENT_MODULES="+filepath.Join(root, ".deps/clients"),
		"PYTHONPATH="+filepath.Join(root, ".deps/sdks"))
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s client (make testdeps installs it): %v", c.name, err)
	}
	var replies []reply
	if err := json.Unmarshal(out, &replies); err != nil || len(replies) != len(script) {
		t.Fatalf("%s client printed %q: %v", c.name, out, err)
	}
	return replies
}

// A stream is what both Go SDKs return for one; T is its event.
type openStream[T rawJSON] interface {
	Next() bool
	Current() T
	Err() error
}

// A rawJSON is an answer that knows the bytes it was read from.
type rawJSON interface{ RawJSON() string }

// drain reads a stream to its end.
func drain[T rawJSON](s openStream[T]) reply {
	var r reply
	for s.Next() {
		r.Events = append(r.Events, json.RawMessage(s.Current().RawJSON()))
	}
	r.fail(s.Err())
	return r
}

func whole(answer rawJSON, err error) reply {
	var r reply
	if r.fail(err); err == nil {
		r.Whole = json.RawMessage(answer.RawJSON())
	}
	return r
}

func (r *reply) fail(err error) {
	if err == nil {
		return
	}
	r.Error = err.Error()
	if e, ok := errors.AsType[*openai.Error](err); ok {
		r.Error, r.Status = e.Code+" "+e.Message, e.StatusCode
	}
	if e, ok := errors.AsType[*anthropic.Error](err); ok {
		r.Error, r.Status = e.RawJSON(), e.StatusCode
	}
}

func streams(body json.RawMessage) bool {
	var b struct{ Stream bool }
	return json.Unmarshal(body, &b) == nil && b.Stream
}

func runOpenAI(t *testing.T, c sdkClient, baseURL string, script []scriptStep) []reply {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	sdk := openai.NewClient(option.WithBaseURL(baseURL), option.WithAPIKey(c.key()), option.WithMaxRetries(0),
		option.WithHTTPClient(&http.Client{Transport: transport}))
	var out []reply
	for _, s := range script {
		params := param.Override[openai.ChatCompletionNewParams](s.Body)
		switch {
		case s.Op == "models":
			var models raw
			out = append(out, whole(&models, sdk.Get(t.Context(), "models", nil, &models)))
		case streams(s.Body):
			out = append(out, drain(sdk.Chat.Completions.NewStreaming(t.Context(), params)))
		default:
			out = append(out, whole(sdk.Chat.Completions.New(t.Context(), params)))
		}
	}
	return out
}

func runAnthropic(t *testing.T, c sdkClient, baseURL string, script []scriptStep) []reply {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	sdk := anthropic.NewClient(anthropicoption.WithBaseURL(baseURL), anthropicoption.WithAPIKey(c.key()),
		anthropicoption.WithMaxRetries(0),
		anthropicoption.WithHTTPClient(&http.Client{Transport: transport}))
	var out []reply
	for _, s := range script {
		params := anthropicparam.Override[anthropic.MessageNewParams](s.Body)
		switch {
		case s.Op == "count":
			out = append(
				out,
				whole(
					sdk.Messages.CountTokens(t.Context(),
						anthropicparam.Override[anthropic.MessageCountTokensParams](s.Body))))
		case streams(s.Body):
			out = append(out, drain(sdk.Messages.NewStreaming(t.Context(), params)))
		default:
			out = append(out, whole(sdk.Messages.New(t.Context(), params)))
		}
	}
	return out
}

// raw keeps an answer as it came.
type raw struct{ json.RawMessage }

func (r *raw) RawJSON() string { return string(r.RawMessage) }

// ask sends one chat message through the OpenAI client for Go.
func ask(ctx context.Context, baseURL, message string) (string, error) {
	sdk := openai.NewClient(option.WithBaseURL(baseURL), option.WithAPIKey("sk-e2e"), option.WithMaxRetries(0))
	res, err := sdk.Chat.Completions.New(
		ctx, openai.ChatCompletionNewParams{
			Model:    "gpt-4o",
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(message)},
		})
	if err != nil {
		return "", err
	}
	return res.Choices[0].Message.Content, nil
}
