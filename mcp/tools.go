package mcp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"pith/compress"
	"pith/explain"
	"pith/index"
)

// A findArgs is what find_context takes.
type findArgs struct {
	Question string   `json:"question" jsonschema:"what the code is wanted for"`
	Paths    []string `json:"paths,omitempty" jsonschema:"look only in these files and folders"`
	File     string   `json:"file,omitempty" jsonschema:"file open in the editor"`
	Line     int      `json:"line,omitempty" jsonschema:"line of the cursor in it"`
	Budget   int      `json:"budget,omitempty" jsonschema:"most tokens, default 4000"`
}

type readArgs struct {
	Paths    []string `json:"paths" jsonschema:"files or folders"`
	Question string   `json:"question" jsonschema:"what they are read for"`
	Budget   int      `json:"budget,omitempty" jsonschema:"most tokens, default 4000"`
}

type expandArgs struct {
	Hash   string `json:"hash,omitempty" jsonschema:"hash of a marker"`
	Path   string `json:"path,omitempty" jsonschema:"file"`
	Lines  string `json:"lines,omitempty" jsonschema:"such as 120-180"`
	Symbol string `json:"symbol,omitempty" jsonschema:"function or class"`
}

type explainArgs struct {
	ID    string `json:"id,omitempty" jsonschema:"of a result; default the last"`
	About string `json:"about,omitempty" jsonschema:"only what has this in path or name"`
}

// What follows is what clients get beside the words for a model. Some show a model this in their
// place, so every field of it is paid for, too.

// A findResult is the code that was picked.
type findResult struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Tokens int    `json:"tokens"`
	// Files are the lines that Text holds, as path:from-to,from-to.
	Files []string `json:"files"`
	// LeftOut are the best that is not in Text, as path:from-to name.
	LeftOut []string `json:"left_out"`
	// Notes say in what the result is less than was asked for.
	Notes []string `json:"notes,omitempty"`
}

// An expandResult is lines of a file.
type expandResult struct {
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
	// More counts the lines that were asked for and are not in Text.
	More int `json:"more,omitempty"`
}

// An explainResult is what became of the best chunks, and why.
type explainResult struct {
	ID     string         `json:"id"`
	Chunks []chunkVerdict `json:"chunks"`
	// More counts the chunks that are not told of.
	More int `json:"more"`
}

// A chunkVerdict is a chunk with its decision.
type chunkVerdict struct {
	Rank     int               `json:"rank"`
	Where    string            `json:"where"`
	Name     string            `json:"name"`
	Decision compress.Decision `json:"decision"`
	Tokens   int               `json:"tokens"`
	Score    float64           `json:"score"`
	Parts    string            `json:"parts"`
	Why      string            `json:"why"`
}

const (
	// maxExplained bounds the chunks that are told of, maxParts the parts of their scores.
	maxExplained = 30
	maxParts     = 3
)

func (s *Server) addTools() {
	sdk.AddTool(
		s.sdk,
		tool[findArgs](
			"find_context",
			"Finds the workspace's best code for a question: whole functions first, with paths and lines, "+
				"and what was left out.",
		),
		s.find,
	)
	sdk.AddTool(
		s.sdk,
		tool[readArgs]("read_compressed", "Reads files shortened for a question. Markers name the lines left out."),
		s.read,
	)
	sdk.AddTool(
		s.sdk,
		tool[expandArgs](
			"expand",
			"Shows lines that were left out: by path with lines or symbol, or by a marker's hash.",
		),
		s.expand,
	)
	sdk.AddTool(s.sdk, tool[explainArgs]("explain", "Says why each chunk of a result was kept or left out."), s.explain)
}

// tool describes a tool that takes Args. A list is told as a list: that it may be null is true of
// Go alone, and clients that read types take such a list for a string.
func tool[Args any](name, description string) *sdk.Tool {
	schema, err := jsonschema.For[Args](nil)
	if err != nil { // the types are part of the program
		panic(err)
	}
	for _, property := range schema.Properties {
		if slices.Contains(property.Types, "array") {
			property.Type, property.Types = "array", nil
		}
	}
	return &sdk.Tool{Name: name, Description: description, InputSchema: schema, Annotations: &sdk.ToolAnnotations{
		ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(false),
	}}
}

func text(s string) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: s}}}
}

func (s *Server) find(
	ctx context.Context, req *sdk.CallToolRequest, in findArgs,
) (*sdk.CallToolResult, findResult, error) {
	x, err := s.workspace(ctx, req)
	if err != nil {
		return nil, findResult{}, err
	}
	c, err := x.Find(ctx, index.Question{
		Question: in.Question, Paths: in.Paths, Open: in.File, Line: in.Line, Budget: in.Budget,
		Tenant: callerOf(req).tenant,
	})
	return s.answer(req, c, err)
}

func (s *Server) read(
	ctx context.Context, req *sdk.CallToolRequest, in readArgs,
) (*sdk.CallToolResult, findResult, error) {
	x, err := s.workspace(ctx, req)
	if err != nil {
		return nil, findResult{}, err
	}
	c, err := x.Read(ctx, index.Question{
		Question: in.Question, Paths: in.Paths, Budget: in.Budget, Tenant: callerOf(req).tenant,
	})
	return s.answer(req, c, err)
}

func (s *Server) answer(req *sdk.CallToolRequest, c index.Context, err error) (*sdk.CallToolResult, findResult, error) {
	if err != nil {
		return nil, findResult{}, described(err)
	}
	s.session(req.Session, func(known *session) { known.last = c.ID })
	if found := callerOf(req).found; found != nil {
		found(c)
	}
	f := findResult{ID: c.ID, Text: c.Text, Tokens: c.Tokens, Files: []string{}, LeftOut: []string{}, Notes: c.Notes}
	for _, p := range c.Files {
		f.Files = append(f.Files, p.Path+":"+lines(p.Lines))
	}
	for _, chunk := range c.LeftOut {
		f.LeftOut = append(f.LeftOut, strings.TrimSpace(where(chunk)+" "+chunk.Name))
	}
	said := f.Text
	if len(f.LeftOut) > 0 {
		said += "\n\nLeft out, the best first (expand shows it):\n" + strings.Join(f.LeftOut, "\n")
	}
	if len(f.Notes) > 0 {
		said += "\n\nNote: " + strings.Join(f.Notes, "\n\nNote: ")
	}
	return text(said), f, nil
}

func (s *Server) expand(
	ctx context.Context,
	req *sdk.CallToolRequest,
	in expandArgs,
) (*sdk.CallToolResult, expandResult, error) {
	recall := callerOf(req).recall
	switch {
	case in.Hash != "" && recall == nil:
		return nil, expandResult{}, errors.New("markers have no hashes here: give path with lines or symbol")
	case in.Hash != "":
		lines, err := recall(ctx, in.Hash, in.Lines, in.Symbol)
		if err != nil {
			return nil, expandResult{}, err
		}
		return text(lines), expandResult{Text: lines}, nil
	case in.Path == "":
		return nil, expandResult{}, errors.New("give path, with lines or symbol")
	}
	x, err := s.workspace(ctx, req)
	if err != nil {
		return nil, expandResult{}, err
	}
	e, err := x.Expand(in.Path, in.Lines, in.Symbol)
	if err != nil {
		return nil, expandResult{}, described(err)
	}
	said := e.Text
	if e.More > 0 {
		said += fmt.Sprintf("%d more lines: ask for them by lines\n", e.More)
	}
	return text(said), expandResult{Path: e.Path, Text: e.Text, More: e.More}, nil
}

func (s *Server) explain(
	ctx context.Context,
	req *sdk.CallToolRequest,
	in explainArgs,
) (*sdk.CallToolResult, explainResult, error) {
	x, err := s.workspace(ctx, req)
	if err != nil {
		return nil, explainResult{}, err
	}
	id := in.ID
	if id == "" {
		s.session(req.Session, func(known *session) { id = known.last })
	}
	a, ok := x.Explain(callerOf(req).tenant, id)
	if !ok {
		return nil, explainResult{}, errors.New(
			"no such result: the last few of find_context and read_compressed can be explained",
		)
	}
	chunks := slices.DeleteFunc(explain.ByRank(a.Blocks[0].Chunks), func(c explain.Chunk) bool {
		return !strings.Contains(c.File, in.About) && !strings.Contains(c.Name, in.About)
	})
	e := explainResult{ID: a.ID, Chunks: []chunkVerdict{}, More: max(0, len(chunks)-maxExplained)}
	chunks = chunks[:len(chunks)-e.More]
	for _, c := range chunks {
		e.Chunks = append(e.Chunks, chunkVerdict{
			c.Rank, where(c), c.Name, c.Decision, c.Tokens, math.Round(c.Score*100) / 100, parts(c.Parts), c.Why,
		})
	}
	var table strings.Builder
	if err := explain.WriteTable(&table, chunks); err != nil {
		return nil, explainResult{}, err //nolint:wrapcheck // a builder takes everything
	}
	if e.More > 0 {
		fmt.Fprintf(&table, "and %d more: about picks some by path or name\n", e.More)
	}
	return text(table.String()), e, nil
}

func where(c explain.Chunk) string { return fmt.Sprintf("%s:%d-%d", c.File, c.StartLine, c.EndLine) }

func lines(runs [][2]int) string {
	list := make([]string, len(runs))
	for i, run := range runs {
		list[i] = fmt.Sprintf("%d-%d", run[0], run[1])
	}
	return strings.Join(list, ",")
}

func parts(of []explain.Part) string {
	list := make([]string, min(len(of), maxParts))
	for i := range list {
		list[i] = fmt.Sprintf("%s %+.2f", of[i].Signal, of[i].Value)
	}
	return strings.Join(list, ", ")
}
