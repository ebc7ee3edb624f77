package remote

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"pith/perplexity"
)

// kserve speaks KServe's protocol of version 2, with a graph that `pith model export-triton` wrote.
type kserve struct {
	caller
	model, version string
	layout         *perplexity.Layout
	timeout        time.Duration
	// told is what the last probe found out.
	told atomic.Pointer[modelInfo]
}

// modelInfo is what a server says of its model.
type modelInfo struct {
	inputs []string
	binary bool
}

const (
	output       = "losses"
	headerLength = "Inference-Header-Content-Length"
	// binaryTensors is the extension under which tensors stand behind the JSON as bytes.
	binaryTensors = "binary_tensor_data"
)

func (k *kserve) path(end string) string {
	path := "/v2/models/" + url.PathEscape(k.model)
	if k.version != "" {
		path += "/versions/" + url.PathEscape(k.version)
	}
	return path + end
}

func (k *kserve) describe(ctx context.Context) (string, error) {
	var server struct {
		Name, Version string
		Extensions    []string
	}
	var model struct {
		Name, Platform  string
		Inputs, Outputs []struct{ Name, Datatype string }
	}
	for _, question := range []struct {
		path   string
		answer any
	}{{"/v2", &server}, {k.path(""), &model}} {
		got, err := k.call(ctx, http.MethodGet, question.path, nil, nil)
		if err != nil {
			return "", asRefusal(err)
		}
		if err := json.Unmarshal(got.body, question.answer); err != nil {
			return "", fmt.Errorf("%w: GET %s: no KServe answer: %w", ErrRefused, question.path, err)
		}
	}
	s := &modelInfo{binary: slices.Contains(server.Extensions, binaryTensors)}
	for _, in := range model.Inputs {
		if !slices.Contains([]string{"input_ids", "attention_mask", "position_ids", "targets"}, in.Name) ||
			in.Datatype != "INT64" {
			return "", fmt.Errorf("%w: model %s wants input %s of %s (serve what `pith model export-triton` "+
				"writes)", ErrRefused, k.model, in.Name, in.Datatype)
		}
		s.inputs = append(s.inputs, in.Name)
	}
	if len(model.Outputs) != 1 || model.Outputs[0].Name != output || model.Outputs[0].Datatype != "FP32" ||
		!slices.Contains(s.inputs, "targets") {
		return "", fmt.Errorf("%w: model %s does not give %s for targets (serve what `pith model export-triton` "+
			"writes)", ErrRefused, k.model, output)
	}
	k.told.Store(s)
	how := "JSON"
	if s.binary {
		how = "binary tensors"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s, model %s (%s), %s", server.Name, server.Version, k.model,
		model.Platform, how)), nil
}

// A tensor is one in a request or an answer.
type tensor struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype,omitempty"`
	Shape      []int          `json:"shape,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"`
}

type inference struct {
	Parameters map[string]any `json:"parameters,omitempty"`
	Inputs     []tensor       `json:"inputs"`
	Outputs    []tensor       `json:"outputs"`
}

func (k *kserve) score(ctx context.Context, s perplexity.Sequence) (perplexity.Losses, int, error) {
	row := k.layout.Row(s)
	if row.From >= len(row.IDs) {
		losses, err := row.Losses(nil)
		return losses, 0, err
	}
	told := k.told.Load()
	size := row.Padded()
	body, header, err := told.request(row.Tensors(size), size, k.queueTime(ctx))
	if err != nil {
		return perplexity.Losses{}, 0, err
	}
	got, err := k.call(ctx, http.MethodPost, k.path("/infer"), header, body)
	if err != nil {
		return perplexity.Losses{}, 0, err
	}
	nll, err := readLosses(got, size)
	if err != nil {
		return perplexity.Losses{}, 0, fmt.Errorf("%w: %w", errAnswer, err)
	}
	losses, err := row.Losses(row.Wanted(nll))
	return losses, len(row.IDs), err
}

// queueTime is how long the server may let a row wait: three quarters of what is left, so that its
// refusal still arrives.
func (k *kserve) queueTime(ctx context.Context) time.Duration {
	left := k.timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return max(left*3/4, time.Millisecond)
}

// request writes a row as the server takes it.
func (s *modelInfo) request(tensors map[string][]int64, size int, wait time.Duration) ([]byte, http.Header, error) {
	in := inference{Parameters: map[string]any{"timeout": wait.Microseconds()}, Outputs: []tensor{{Name: output}}}
	if s.binary {
		in.Outputs[0].Parameters = map[string]any{"binary_data": true}
	}
	for _, name := range s.inputs {
		t := tensor{Name: name, Datatype: "INT64", Shape: []int{1, size}}
		if s.binary {
			t.Parameters = map[string]any{"binary_data_size": 8 * size}
		} else {
			t.Data = tensors[name]
		}
		in.Inputs = append(in.Inputs, t)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if s.binary {
		header.Set("Content-Type", "application/octet-stream")
		header.Set(headerLength, strconv.Itoa(len(body)))
		for _, name := range s.inputs {
			for _, x := range tensors[name] {
				body = binary.LittleEndian.AppendUint64(body, uint64(x))
			}
		}
	}
	return body, header, nil
}

// readLosses reads the only output of an answer, which has one number for each of size positions.
func readLosses(got answer, size int) ([]float32, error) {
	head, rest := got.body, []byte(nil)
	if length := got.header.Get(headerLength); length != "" {
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(head) {
			return nil, fmt.Errorf("%s is %q", headerLength, length)
		}
		head, rest = head[:n], head[n:]
	}
	var out struct {
		Outputs []struct {
			Name, Datatype string
			Shape          []int
			Parameters     struct {
				BinaryDataSize int `json:"binary_data_size"`
			}
			Data []float32
		}
	}
	if err := json.Unmarshal(head, &out); err != nil {
		return nil, err
	}
	if len(out.Outputs) != 1 || out.Outputs[0].Name != output || out.Outputs[0].Datatype != "FP32" {
		return nil, fmt.Errorf("no output %s of FP32", output)
	}
	nll := out.Outputs[0].Data
	if n := out.Outputs[0].Parameters.BinaryDataSize; n > 0 {
		if n != 4*size || len(rest) != n {
			return nil, fmt.Errorf("%d bytes of %d for %d losses", len(rest), n, size)
		}
		nll = make([]float32, size)
		for i := range nll {
			nll[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest[4*i:]))
		}
	}
	if len(nll) != size {
		return nil, fmt.Errorf("%d losses, want %d", len(nll), size)
	}
	return nll, nil
}
