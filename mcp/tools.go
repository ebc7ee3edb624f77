package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

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
	ID string `json:"id,omitempty" jsonschema:"of a result; default the last"`
}

// A findResult is the code that was picked.
type findResult struct {
	ID     string        `json:"id"`
	Text   string        `json:"text"`
	Tokens int           `json:"tokens"`
	Budget int           `json:"budget"`
	Files  []index.Piece `json:"files"`
	// LeftOut are the best that is not in Text, as path:lines name.
	LeftOut []string `json:"left_out"`
}

// An expandResult is lines of a file.
type expandResult struct {
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

// An explainResult is what became of each chunk, and why.
type explainResult struct {
	ID       string          `json:"id"`
	Question string          `json:"question"`
	Chunks   []explain.Chunk `json:"chunks"`
}

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
	c, err := x.Find(
		ctx,
		index.Question{Question: in.Question, Paths: in.Paths, Open: in.File, Line: in.Line, Budget: in.Budget},
	)
	return answer(c, err)
}

func (s *Server) read(
	ctx context.Context, req *sdk.CallToolRequest, in readArgs,
) (*sdk.CallToolResult, findResult, error) {
	x, err := s.workspace(ctx, req)
	if err != nil {
		return nil, findResult{}, err
	}
	c, err := x.Read(ctx, index.Question{Question: in.Question, Paths: in.Paths, Budget: in.Budget})
	return answer(c, err)
}

func answer(c index.Context, err error) (*sdk.CallToolResult, findResult, error) {
	if err != nil {
		return nil, findResult{}, described(err)
	}
	f := findResult{ID: c.ID, Text: c.Text, Tokens: c.Tokens, Budget: c.Budget, Files: c.Files, LeftOut: []string{}}
	for _, chunk := range c.LeftOut {
		f.LeftOut = append(
			f.LeftOut,
			strings.TrimSpace(fmt.Sprintf("%s:%d-%d %s", chunk.File, chunk.StartLine, chunk.EndLine, chunk.Name)),
		)
	}
	said := f.Text
	if len(f.LeftOut) > 0 {
		said += "\n\nLeft out, the best first (expand shows it):\n" + strings.Join(f.LeftOut, "\n")
	}
	return text(said), f, nil
}

func (s *Server) expand(
	ctx context.Context,
	req *sdk.CallToolRequest,
	in expandArgs,
) (*sdk.CallToolResult, expandResult, error) {
	switch {
	case in.Hash != "" && s.opts.Recall == nil:
		return nil, expandResult{}, errors.New("markers have no hashes here: give path with lines or symbol")
	case in.Hash != "":
		lines, err := s.opts.Recall(ctx, in.Hash, in.Lines, in.Symbol)
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
	return text(e.Text), expandResult{Path: e.Path, Text: e.Text}, nil
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
	c, ok := x.Explain(in.ID)
	if !ok {
		return nil, explainResult{}, errors.New(
			"no such result: the last few of find_context and read_compressed can be explained",
		)
	}
	var table strings.Builder
	chunks := explain.ByRank(c.Block.Chunks)
	if err := explain.WriteTable(&table, chunks); err != nil {
		return nil, explainResult{}, err //nolint:wrapcheck // a builder takes everything
	}
	return text(table.String()), explainResult{ID: c.ID, Question: c.Question, Chunks: chunks}, nil
}
