package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/explain"
	"pith/index"
	"pith/proxy"
	"pith/retrieval"
)

// A workspaceFunc is a workspace of one function.
type workspaceFunc func(index.Question) (index.Context, error)

func (f workspaceFunc) Find(_ context.Context, q index.Question) (index.Context, error) { return f(q) }

func (f workspaceFunc) Explain(_ context.Context, _, id string) (explain.Account, bool) {
	c, err := f(index.Question{Question: id})
	return c.Account, err == nil && id == "c"
}

// servedAnswer is an answer as the validator reads it.
type servedAnswer struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Type   string `json:"type"`
	Body   string `json:"body"`
	Sent   string `json:"sent,omitempty"`
}

// Every operation of the document is called, well and badly, and every answer is what it says.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	u := newUpstream(t)
	o, requests := watchedOptions(t, u, 3)
	o.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		if req.Budget == 1 {
			return compress.Result{}, compress.ErrBudget
		}
		res, err := hashed(ctx, req)
		res.TimingsMS = map[string]float64{"total": 1}
		return res, err
	})
	o.Retrieval = retrieval.Options{Store: &valueStore{}, Find: finder{}, TTL: time.Hour}
	o.Workspace = workspaceFunc(func(q index.Question) (index.Context, error) {
		if q.Question == "" {
			return index.Context{}, compress.ErrRequest
		}
		if q.Question == "nothing" {
			return index.Context{}, index.ErrNothing
		}
		return index.Context{
			ID:       "c",
			Question: q.Question,
			Text:     "x",
			Account: explain.Account{
				Request: explain.Request{ID: "c"}, Blocks: []explain.Block{{Chunks: []explain.Chunk{}}},
			},
			Files: []index.Piece{{Path: "a.go", Language: "go", Lines: [][2]int{{1, 2}}}},
			LeftOut: []explain.Chunk{{
				File: "a.go", Parts: []explain.Part{}, KeptLines: [][2]int{}, Decision: compress.Omitted,
			}},
		}, nil
	})
	base, client := start(t, o)
	var answers []servedAnswer
	ask := func(method, path, body string) (responseHead, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, got := do(t, client, req)
		a := servedAnswer{
			Method: method, Path: path, Status: res.StatusCode, Type: res.Header.Get("Content-Type"), Body: got,
		}
		if res.StatusCode == http.StatusOK {
			a.Sent = body
		}
		answers = append(answers, a)
		return res, got
	}
	res, _ := post(t, client, base+"/v1/chat/completions", question())
	hasSeen(t, requests, 1)
	files := `{"files":[{"path":"a.go","content":` + quote(source(30)) + `}],"query":"why?","budget":100}`
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/healthz", "", 200},
		{http.MethodGet, "/readyz", "", 200},
		{http.MethodGet, "/health", "", 200},
		{http.MethodGet, "/openapi.json", "", 200},
		{http.MethodPost, "/pith/v1/compress", files, 200},
		{http.MethodPost, "/pith/v1/compress", `{"text":` + quote(source(9)) + `,"rate":0.5,"explain":true}`, 200},
		{http.MethodPost, "/pith/v1/compress", `{"fils":[]}`, 400},
		{http.MethodPost, "/pith/v1/compress", strings.Replace(files, "100", "1", 1), 422},
		{
			http.MethodPost, "/pith/v1/context",
			`{"question":"why?","paths":["a"],"open":"a.go","line":3,"budget":9}`, 200,
		},
		{http.MethodPost, "/pith/v1/context", `{"question":""}`, 400},
		{http.MethodPost, "/pith/v1/context", `{"question":"nothing"}`, 404},
		{http.MethodPost, "/pith/v1/context", `{"questions":"x"}`, 400},
		{http.MethodPost, "/pith/v1/context", `{"question":"x","budget":-1}`, 400},
		{http.MethodGet, "/pith/v1/explain/" + res.Header.Get("X-Pith-Request-Id"), "", 200},
		{http.MethodGet, "/pith/v1/explain/c", "", 200},
		{http.MethodGet, "/pith/v1/explain/none", "", 404},
		{http.MethodPost, "/v1/compress", userChat("Why?\n```go\n" + source(30) + "```\n"), 200},
		{http.MethodPost, "/v1/compress", `{}`, 400},
		{http.MethodGet, "/v1/retrieve/none", "", 404},
	} {
		if res, got := ask(c.method, c.path, c.body); res.StatusCode != c.status {
			t.Errorf("%s %s %.60s: %d, want %d: %.300s", c.method, c.path, c.body, res.StatusCode, c.status, got)
		}
	}
	_, got := ask(http.MethodPost, "/pith/v1/compress", files)
	hash := hashInText.FindStringSubmatch(got)
	if hash == nil {
		t.Fatalf("no marker with a hash in %.300s", got)
	}
	if res, got := ask(http.MethodGet, "/v1/retrieve/"+hash[1], ""); res.StatusCode != http.StatusOK {
		t.Errorf("retrieve: %d %s", res.StatusCode, got)
	}
	_, document := get(t, client, base+"/openapi.json")
	checkAnswers(t, document, answers)
}

// checkAnswers has Python's jsonschema, which did not make the document, hold answers to it.
func checkAnswers(t *testing.T, document string, answers []servedAnswer) {
	t.Helper()
	called := map[string]bool{}
	for _, a := range answers {
		called[a.Path] = true
	}
	gjson.Get(document, "paths").ForEach(func(path, _ gjson.Result) bool {
		prefix, _, _ := strings.Cut(path.Str, "{")
		found := false
		for p := range called {
			found = found || strings.HasPrefix(p, prefix)
		}
		if !found {
			t.Errorf("%s was not called", path.Str)
		}
		return true
	})
	in, err := json.Marshal(map[string]any{"document": json.RawMessage(document), "answers": answers})
	if err != nil {
		t.Fatal(err)
	}
	deps, err := filepath.Abs("../.deps/python")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/validate.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+deps)
	cmd.Stdin = bytes.NewReader(in)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	for _, wrong := range gjson.GetBytes(out, "wrong").Array() {
		t.Error(wrong.Str)
	}
	if n := gjson.GetBytes(out, "operations").Int(); n < 9 {
		t.Errorf("%d operations", n)
	}
}

func TestCompressStreamsItsProgress(t *testing.T) {
	u := newUpstream(t)
	o := options(t, u)
	release := make(chan struct{})
	o.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		<-release
		if req.Query == "fail" {
			return compress.Result{}, compress.ErrBudget
		}
		return thirds(ctx, req)
	})
	base, client := start(t, o)
	ask := func(query string) (status int, events string) {
		body := `{"text":` + quote(source(30)) + `,"query":"` + query + `","rate":0.5}`
		req, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			base+"/pith/v1/compress",
			strings.NewReader(body),
		)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		// The first event comes while the engine still works.
		first := make([]byte, 16)
		if _, err := res.Body.Read(
			first,
		); err != nil ||
			!strings.HasPrefix(string(first), "event: progress"[:len(first)-1]) {
			t.Fatalf("%v %q", err, first)
		}
		release <- struct{}{}
		var rest bytes.Buffer
		if _, err := rest.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, rest.String()
	}
	if status, events := ask("why"); status != http.StatusOK || !strings.Contains(events, "event: result\ndata: {") {
		t.Errorf("%d %s", status, events)
	}
	if _, events := ask(
		"fail",
	); !strings.Contains(events, `event: error`+"\n"+`data: {"message":`) ||
		!strings.Contains(events, `"status":422`) {
		t.Errorf("%s", events)
	}
}
