package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// reply is what a client saw.
type reply struct {
	Text, Finish, Error string
}

// A client sends one user message through an official SDK.
type client func(t *testing.T, baseURL, message string, stream bool) reply

func goClient(t *testing.T, baseURL, message string, stream bool) reply {
	t.Helper()
	c := openai.NewClient(option.WithBaseURL(baseURL), option.WithAPIKey("sk-e2e"), option.WithMaxRetries(0))
	params := openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Answer briefly."), openai.UserMessage(message)},
	}
	if !stream {
		res, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			return reply{Error: err.Error()}
		}
		return reply{Text: res.Choices[0].Message.Content, Finish: res.Choices[0].FinishReason}
	}
	var r reply
	events := c.Chat.Completions.NewStreaming(t.Context(), params)
	for events.Next() {
		for _, choice := range events.Current().Choices {
			r.Text += choice.Delta.Content
			if choice.FinishReason != "" {
				r.Finish = choice.FinishReason
			}
		}
	}
	if err := events.Err(); err != nil {
		r.Error = err.Error()
	}
	return r
}

func nodeClient(t *testing.T, baseURL, message string, stream bool) reply {
	t.Helper()
	return runNode(t, "chat.mjs", baseURL, map[string]any{
		"model": "gpt-4o", "stream": stream,
		"messages": []map[string]string{{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": message}},
	})
}

// runNode gives request to one of the scripts in clients and returns what it printed.
func runNode(t *testing.T, script, baseURL string, request any) reply {
	t.Helper()
	node := "node"
	if _, err := exec.LookPath(node); err != nil {
		node = filepath.Join(root, ".deps/node/bin/node")
	}
	in, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(root, "e2e/clients", script))
	cmd.Env = append(os.Environ(), "BASE_URL="+baseURL, "CLIENT_MODULES="+filepath.Join(root, ".deps/clients"))
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node client (make testdeps installs it): %v", err)
	}
	var r reply
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("node client printed %q: %v", out, err)
	}
	return r
}

func TestChatThroughOfficialClients(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	message := prompt(t)
	for name, send := range map[string]client{"go": goClient, "node": nodeClient} {
		for mode, stream := range map[string]bool{"whole": false, "streamed": true} {
			t.Run(name+" "+mode, func(t *testing.T) {
				// The same request straight to the upstream says what the client sends when nobody stands between.
				direct := send(t, up.URL+"/v1", message, stream)
				sent := up.last(t)
				got := send(t, p.URL+"/v1", message, stream)
				if got != direct || got != (reply{Text: answer, Finish: "stop"}) {
					t.Errorf("through pith %+v, direct %+v", got, direct)
				}
				checkCompressed(t, sent, up.last(t))
			})
		}
	}
}

func TestMessagesThroughOfficialClient(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	request := map[string]any{
		"model": "claude-sonnet-4-5", "system": "Answer briefly.",
		"messages": []map[string]string{{"role": "user", "content": prompt(t)}},
	}
	direct := runNode(t, "messages.mjs", up.URL, request)
	sent := up.last(t)
	if got := runNode(t, "messages.mjs", p.URL, request); got != direct || got.Text != answer {
		t.Errorf("through pith %+v, direct %+v", got, direct)
	}
	checkCompressed(t, sent, up.last(t))
}

func TestCutUpstreamIsSeenAsCut(t *testing.T) {
	up := newUpstream(t)
	up.cut = true
	p := serve(t, up.URL)
	for name, send := range map[string]client{"go": goClient, "node": nodeClient} {
		t.Run(name, func(t *testing.T) {
			got := send(t, p.URL+"/v1", "Say something.", true)
			if got.Error == "" || got.Finish != "" {
				t.Errorf("the client took a cut answer for a whole one: %+v", got)
			}
		})
	}
}

func TestLeavingClientCancelsUpstream(t *testing.T) {
	up := newUpstream(t)
	up.hang = true
	p := serve(t, up.URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-up.gone:
	case <-time.After(30 * time.Second):
		t.Fatal("the upstream was not cancelled")
	}
}

// post sends body as a plain HTTP client does and returns the response with its body read.
func post(t *testing.T, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-e2e")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// chatBody is a chat completion request with fields that the proxy does not know and numbers that a decoder would change.
func chatBody(t *testing.T) string {
	t.Helper()
	content, err := json.Marshal(prompt(t))
	if err != nil {
		t.Fatal(err)
	}
	return `{ "model":"gpt-4o","temperature":1.0,"seed":12345678901234567890,"x_unknown":{"b":1,"a":[1e2,"\u00e9"]},` +
		`"messages":[{"role":"system","content":"Answer  briefly."},{"role":"user","content":` + string(content) + `}] }`
}

func TestPreviewShowsWhatWouldBeSent(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	body := chatBody(t)
	res, preview := post(t, p.URL+"/v1/chat/completions", body, "X-Pith-Mode", "preview")
	if res.StatusCode != http.StatusOK || up.count() != 0 {
		t.Fatalf("preview: status %d, %d requests upstream", res.StatusCode, up.count())
	}
	checkCompressed(t, body, preview)
	post(t, p.URL+"/v1/chat/completions", body)
	if up.last(t) != preview {
		t.Error("what was sent differs from the preview")
	}
	res, _ = post(t, p.URL+"/v1/chat/completions", body, "X-Pith-Mode", "off")
	if up.last(t) != body {
		t.Errorf("mode off changed the body (decision %q)", res.Header.Get("X-Pith-Decision"))
	}
}

func TestSigtermDrains(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	if got := goClient(t, p.URL+"/v1", "Say something.", true); got.Text != answer {
		t.Fatalf("got %+v", got)
	}
	status, log := p.terminate(t)
	if status != 0 {
		t.Errorf("exit status %d after SIGTERM:\n%s", status, log)
	}
	if strings.Contains(log, "sk-e2e") || strings.Contains(log, "Say something") {
		t.Errorf("the log holds a key or a prompt:\n%s", log)
	}
}
