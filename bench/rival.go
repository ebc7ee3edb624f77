package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"pith/compress"
	"pith/parsers"
)

// A Rival is another compressor behind a program of bench/field. The program reads one JSON object
// a line, {"files": [{"path", "language", "content"}], "query", "budget"}, and answers each with
// {"files": [{"path", "text"}]}. Which lines of the original an answer shows is found by their
// text, so that frames and markers of its own do no harm.
type Rival struct {
	counters compress.Counters

	mu  sync.Mutex // one request at a time
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err *bytes.Buffer
	// end waits for the program's end once; what it complained of may be read then.
	end func() error
}

// StartRival starts a rival's program, which Close ends.
func StartRival(counters compress.Counters, name string, args ...string) (*Rival, error) {
	r := &Rival{
		counters: counters, cmd: exec.CommandContext(context.Background(), name, args...),
		err: new(bytes.Buffer),
	}
	r.cmd.Stderr = r.err
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewReader(out)
	r.end = sync.OnceValue(func() error { return errors.Join(r.in.Close(), r.cmd.Wait()) })
	return r, r.cmd.Start()
}

// Close ends the program.
func (r *Rival) Close() error { return r.end() }

// Compress implements Compressor. A rival that has no way to be told a budget ignores it.
func (r *Rival) Compress(_ context.Context, req compress.Request) (compress.Result, error) {
	counter := r.counters.For(req.Model)
	original := 0
	for _, f := range req.Files {
		original += counter.Count(f.Content)
	}
	budget := req.Budget
	if budget == 0 {
		budget = int(req.Rate * float64(original))
	}
	texts, err := r.ask(map[string]any{"files": req.Files, "query": req.Query, "budget": budget})
	if err != nil {
		return compress.Result{}, err
	}
	res := compress.Result{OriginalTokens: original, Budget: budget}
	for _, f := range req.Files {
		text := texts[f.Path]
		tokens := counter.Count(text)
		res.CompressedTokens += tokens
		res.Files = append(
			res.Files, compress.FileResult{Path: f.Path, Language: f.Language, Text: text, CompressedTokens: tokens})
		lines := strings.Split(f.Content, "\n")
		keep := aligned(lines, strings.Split(text, "\n"))
		res.Chunks = append(res.Chunks, compress.ChunkResult{
			File: f.Path, Kind: parsers.KindModule, StartLine: 1, EndLine: len(lines),
			KeptLines: runs(keep, span{0, len(lines)}),
		})
	}
	return res, nil
}

// ask sends a request and returns the answer's texts by path.
func (r *Rival) ask(request map[string]any) (map[string]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err = r.in.Write(append(line, '\n')); err == nil {
		line, err = r.out.ReadBytes('\n')
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errors.Join(err, r.end()), strings.TrimSpace(r.err.String()))
	}
	var answer struct {
		Files []struct{ Path, Text string }
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, fmt.Errorf("answer %.100q: %w", line, err)
	}
	texts := make(map[string]string)
	for _, f := range answer.Files {
		texts[f.Path] = f.Text
	}
	return texts, nil
}

// aligned marks the lines that are shown, in order: those of a longest common subsequence,
// indentation and blank lines not counted.
func aligned(lines, shown []string) []bool {
	var original, text []string
	var at []int
	for i, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			original, at = append(original, line), append(at, i)
		}
	}
	for _, line := range shown {
		if line = strings.TrimSpace(line); line != "" {
			text = append(text, line)
		}
	}
	// longest[i][j] is of original[i:] and text[j:].
	longest := make([][]int32, len(original)+1)
	longest[len(original)] = make([]int32, len(text)+1)
	for i, line := range slices.Backward(original) {
		longest[i] = make([]int32, len(text)+1)
		for j, other := range slices.Backward(text) {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if line == other {
				longest[i][j] = max(longest[i][j], longest[i+1][j+1]+1)
			}
		}
	}
	keep := make([]bool, len(lines))
	for i, j := 0, 0; i < len(original) && j < len(text); {
		switch {
		case original[i] == text[j] && longest[i][j] == longest[i+1][j+1]+1:
			keep[at[i]] = true
			i++
			j++
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return keep
}
