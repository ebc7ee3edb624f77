package remote_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ort "github.com/yalue/onnxruntime_go"
	"go.uber.org/goleak"

	"pith/perplexity"
	"pith/perplexity/remote"
)

func TestMain(m *testing.M) {
	if err := perplexity.Setup(""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// A fault changes what a server does with a request; it reports whether it answered.
type fault func(w http.ResponseWriter, r *http.Request) bool

// A fakeServer speaks a protocol over the real embedded model.
type fakeServer struct {
	*httptest.Server
	requests, most, now atomic.Int64
	mu                  sync.Mutex
	fault               fault
	honest              http.HandlerFunc // without the fault
}

func (s *fakeServer) breakBy(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *fakeServer) serve(t *testing.T, answer http.HandlerFunc) {
	s.honest = answer
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		now := s.now.Add(1)
		defer s.now.Add(-1)
		for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
		}
		body, err := io.ReadAll(r.Body) // only then does the request's context end when the client leaves
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		f := s.fault
		s.mu.Unlock()
		if f == nil || !f(w, r) {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
}

// tensors is a message of KServe's protocol.
type tensors struct {
	Inputs  []tensor `json:"inputs,omitempty"`
	Outputs []tensor `json:"outputs,omitempty"`
}

type tensor struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int64        `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"`
}

// export writes the embedded model as a Triton repository, once for all tests.
var export = sync.OnceValues(func() (perplexity.TritonExport, error) {
	dir, err := os.MkdirTemp("", "pith-export")
	if err != nil {
		return perplexity.TritonExport{}, err
	}
	return perplexity.ExportTriton(ctx, "", perplexity.TritonOptions{Out: filepath.Join(dir, "models")})
})

// newKServe serves the exported graph, in binary tensors or in JSON.
func newKServe(t *testing.T, inBinary bool) *fakeServer {
	t.Helper()
	e, err := export()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(e.Folder, "1", "model.onnx")
	inputs, _, err := ort.GetInputOutputInfo(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	about := map[string]any{"name": e.Name, "versions": []string{"1"}, "platform": "onnxruntime_onnx"}
	var described []tensor
	for _, in := range inputs {
		names = append(names, in.Name)
		described = append(described, tensor{Name: in.Name, Datatype: "INT64", Shape: []int64{-1, -1}})
	}
	about["inputs"], about["outputs"] = described, []tensor{{Name: "losses", Datatype: "FP32", Shape: []int64{-1, -1}}}
	session, err := ort.NewDynamicAdvancedSession(path, names, []string{"losses"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{}
	s.serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2":
			extensions := []string{"schedule_policy"}
			if inBinary {
				extensions = append(extensions, "binary_tensor_data")
			}
			respond(t, w, map[string]any{"name": "in-process", "version": "1", "extensions": extensions})
		case "/v2/models/" + e.Name:
			respond(t, w, about)
		case "/v2/models/" + e.Name + "/infer":
			infer(t, w, r, session, names)
		default:
			http.Error(w, `{"error":"unknown model"}`, http.StatusNotFound)
		}
	})
	t.Cleanup(func() { s.Close(); _ = session.Destroy() })
	return s
}

func respond(t *testing.T, w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func infer(t *testing.T, w http.ResponseWriter, r *http.Request, session *ort.DynamicAdvancedSession, names []string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left
	}
	head, rest := body, []byte(nil)
	inBinary := r.Header.Get("Inference-Header-Content-Length")
	if inBinary != "" {
		n, err := strconv.Atoi(inBinary)
		if err != nil {
			t.Error(err)
		}
		head, rest = body[:n], body[n:]
	}
	var in tensors
	if err := json.Unmarshal(head, &in); err != nil {
		t.Error(err)
		return
	}
	values := map[string]ort.Value{}
	var shape []int64
	for _, x := range in.Inputs {
		shape = x.Shape
		data := make([]int64, shape[0]*shape[1])
		for i := range data {
			if inBinary != "" {
				data[i] = int64(binary.LittleEndian.Uint64(rest[8*i:]))
			} else {
				data[i] = int64(x.Data.([]any)[i].(float64))
			}
		}
		if inBinary != "" {
			rest = rest[8*len(data):]
		}
		v, err := ort.NewTensor(shape, data)
		if err != nil {
			t.Error(err)
			return
		}
		defer v.Destroy()
		values[x.Name] = v
	}
	losses := make([]float32, shape[0]*shape[1])
	out, err := ort.NewTensor(shape, losses)
	if err != nil {
		t.Error(err)
		return
	}
	defer out.Destroy()
	list := make([]ort.Value, len(names))
	for i, name := range names {
		list[i] = values[name]
	}
	if err := session.Run(list, []ort.Value{out}); err != nil {
		t.Error(err)
		return
	}
	answer := tensor{Name: "losses", Datatype: "FP32", Shape: shape}
	if inBinary == "" {
		answer.Data = losses
		respond(t, w, tensors{Outputs: []tensor{answer}})
		return
	}
	answer.Parameters = map[string]any{"binary_data_size": 4 * len(losses)}
	text, err := json.Marshal(tensors{Outputs: []tensor{answer}})
	if err != nil {
		t.Error(err)
		return
	}
	w.Header().Set("Inference-Header-Content-Length", strconv.Itoa(len(text)))
	buf := bytes.NewBuffer(text)
	for _, x := range losses {
		buf.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
	}
	_, _ = w.Write(buf.Bytes()) // the client may have left
}

// options are those of a scorer of the embedded model on s.
func options(t *testing.T, s *fakeServer, protocol string) remote.Options {
	t.Helper()
	layout, err := perplexity.OpenLayout(perplexity.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	golden, err := perplexity.ReadGolden(perplexity.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	// A busy machine keeps these times; what they bound is tested with shorter ones.
	address := ""
	if s.Server != nil {
		address = s.URL
	}
	return remote.Options{
		URL: address, Protocol: protocol, Model: "pith-code-lm", Layout: layout, Golden: &golden,
		Timeout: time.Minute, Rest: time.Hour,
	}
}

// scorer starts a scorer that must be let in.
func scorer(t *testing.T, opt remote.Options) *remote.Scorer {
	t.Helper()
	s, err := remote.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// refused starts a scorer that must be refused, and returns why.
func refused(t *testing.T, opt remote.Options) error {
	t.Helper()
	s, err := remote.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Start(t.Context())
	if err == nil {
		t.Fatal("it was let in")
	}
	return err
}
