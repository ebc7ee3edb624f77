package index

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"pith/compress"
	"pith/explain"
)

// A Question asks for the code of the workspace that matters to something.
type Question struct {
	// Question is what the code is wanted for.
	Question string `json:"question"`
	// Paths, where there are some, are the files and folders to look in.
	Paths []string `json:"paths,omitempty"`
	// Open is the file that is open in the editor, and Line where the cursor stands in it, from 1.
	Open string `json:"open,omitempty"`
	Line int    `json:"line,omitempty"`
	// Budget is the number of tokens allowed. If zero, 4,000.
	Budget int `json:"budget,omitempty"`
	// Model is the one whose tokenizer counts.
	Model string `json:"model,omitempty"`
	// Tenant is who asks: nobody else finds the context again. Never sent by a client.
	Tenant string `json:"-"`
}

// A Context is the code that a question needs.
type Context struct {
	// ID names the context for Explain.
	ID       string `json:"id"`
	Question string `json:"question"`
	// Text is the code: files by their paths, with a marker for each gap that names its lines.
	Text   string `json:"text"`
	Tokens int    `json:"tokens"`
	Budget int    `json:"budget"`
	// WholeTokens are those of Files, were they read whole.
	WholeTokens int `json:"whole_tokens"`
	// Files are those of which lines are in Text.
	Files []Piece `json:"files"`
	// LeftOut are the best chunks that are not in Text, Considered the number of files that were
	// ranked, of all that the index holds.
	LeftOut    []explain.Chunk `json:"left_out"`
	Considered int             `json:"considered"`
	Indexed    int             `json:"indexed"`
	// Reason says in a word in what the context is less than was asked for, one of compress.Less...
	// or LessIndexed; Notes say it in sentences.
	Reason string   `json:"reason,omitempty"`
	Notes  []string `json:"notes,omitempty"`
	// Account says what became of each chunk of the files that were ranked.
	Account explain.Account `json:"-"`

	tenant string
}

// A Piece is what of a file is in a Context.
type Piece struct {
	Path     string `json:"path"`
	Language string `json:"language"`
	// Lines are runs of lines, counted from 1, inclusive.
	Lines [][2]int `json:"lines"`
}

const (
	defaultBudget = 4000
	// mostFiles and mostBytes bound what the engine ranks for one question.
	mostFiles = 12
	mostBytes = 128 << 10
	// mostReadFiles and mostReadBytes bound what is ranked of paths that the question names.
	mostReadFiles = 500
	mostReadBytes = 2 << 20
	// shownOut is how many chunks are named that were left out.
	shownOut = 12
	// answersKept is how many contexts can be explained.
	answersKept = 32
)

// ErrNothing says that the workspace has nothing where was looked.
var ErrNothing = errors.New("nothing in the workspace matches")

// ErrIndexing says that an index is not ready to be asked.
var ErrIndexing = errors.New("the workspace is still being indexed")

// Find finds the best code of the workspace for a question.
func (x *Index) Find(ctx context.Context, q Question) (Context, error) {
	if strings.TrimSpace(q.Question) == "" {
		return Context{}, fmt.Errorf("%w: question: missing", compress.ErrRequest)
	}
	return x.answer(ctx, q, x.candidates(q), true)
}

// Read returns files, shortened together for a question.
func (x *Index) Read(ctx context.Context, q Question) (Context, error) {
	if len(q.Paths) == 0 {
		return Context{}, fmt.Errorf("%w: paths: missing", compress.ErrRequest)
	}
	var names []string
	for _, p := range q.Paths {
		below := x.below(p)
		if len(below) == 0 {
			return Context{}, noSource(p)
		}
		names = append(names, below...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if size := x.size(names); len(names) > mostReadFiles || size > mostReadBytes {
		return Context{}, fmt.Errorf(
			"%w: paths: %d files of %d KiB are more than the %d files and %d KiB that are read at once: "+
				"name fewer, or ask find_context, which chooses",
			compress.ErrRequest, len(names), size>>10, mostReadFiles, mostReadBytes>>10)
	}
	return x.answer(ctx, q, names, false)
}

// size is that of files together, in bytes.
func (x *Index) size(names []string) (sum int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, name := range names {
		if f := x.files[name]; f != nil {
			sum += f.Size
		}
	}
	return sum
}

// below lists the files that a path names: itself, or what lies in it.
func (x *Index) below(p string) []string {
	p = x.clean(p)
	x.mu.RLock()
	defer x.mu.RUnlock()
	if f := x.files[p]; f != nil && !f.NoSource {
		return []string{p}
	}
	var list []string
	for name, f := range x.files {
		if !f.NoSource && (p == "." || strings.HasPrefix(name, p+"/")) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// clean is a path as the index has it: an absolute one below a root is taken from there.
func (x *Index) clean(p string) string {
	p = strings.TrimPrefix(p, "file://")
	for i, root := range x.opts.Roots {
		if p == root {
			return "."
		}
		if rest, ok := strings.CutPrefix(p, root+"/"); ok {
			return x.name(i, path.Clean(rest))
		}
	}
	return path.Clean(p)
}

// answer has the engine rank and pack files. Sparse leaves those without an answer out.
func (x *Index) answer(ctx context.Context, q Question, names []string, sparse bool) (Context, error) {
	start := time.Now()
	if len(names) == 0 {
		return Context{}, ErrNothing
	}
	req := compress.Request{
		Query: q.Question, Budget: cmp.Or(q.Budget, defaultBudget), Model: q.Model, Ranker: "auto", Explain: true,
		Sparse: sparse,
	}
	if q.Open != "" && q.Line > 0 { // the ranking knows such places
		req.Query = fmt.Sprintf("%s\n%s:%d", q.Question, x.clean(q.Open), q.Line)
	}
	notes := x.missing(q.Paths)
	for _, name := range names {
		text, err := x.text(name)
		if err != nil {
			notes = append(notes, name+": it cannot be read any more")
			continue
		}
		req.Files = append(req.Files, compress.File{Path: name, Content: string(text)})
	}
	if len(req.Files) == 0 {
		return Context{}, ErrNothing
	}
	res, err := x.engine.Compress(ctx, req)
	if err != nil {
		return Context{}, fmt.Errorf("rank the workspace: %w", err)
	}
	if res.Text == "" {
		return Context{}, fmt.Errorf("%w: %d tokens hold nothing of the workspace", compress.ErrBudget, res.Budget)
	}
	c := Context{
		ID: rand.Text()[:12], Question: q.Question, Text: res.Text, Tokens: res.CompressedTokens, Budget: res.Budget,
		Files: pieces(res), Considered: len(req.Files), Indexed: x.Status().Files, LeftOut: []explain.Chunk{},
		Notes: append(res.Notes(), notes...), tenant: q.Tenant,
	}
	if c.Reason = res.Less(); c.Reason == "" && len(notes) > 0 {
		c.Reason = LessIndexed
	}
	for _, f := range res.Files {
		if slices.ContainsFunc(c.Files, func(p Piece) bool { return p.Path == f.Path }) {
			c.WholeTokens += f.OriginalTokens
		}
	}
	c.Account = account(c, res, start)
	for _, chunk := range explain.ByRank(c.Account.Blocks[0].Chunks) {
		if chunk.Decision == compress.Omitted && chunk.Rank > 0 && len(c.LeftOut) < shownOut {
			c.LeftOut = append(c.LeftOut, chunk)
		}
	}
	x.remember(c)
	return c, nil
}

// account is a context in the form in which requests are explained.
func account(c Context, res compress.Result, start time.Time) explain.Account {
	took := float64(time.Since(start)) / float64(time.Millisecond)
	return explain.Account{
		Request: explain.Request{
			ID: c.ID, Time: start, Dialect: "context", Decision: "compressed", Reason: c.Reason, Kept: true,
			OriginalTokens: c.WholeTokens, CompressedTokens: c.Tokens,
			Ratio: float64(c.WholeTokens) / float64(max(c.Tokens, 1)), Budget: res.Budget, LineTokens: res.LineTokens,
			CompressMS: took, TookMS: took,
		},
		Blocks: []explain.Block{{
			Question: c.Question, Outcome: "compressed", Ranker: res.Ranker, RankerReason: res.RankerReason,
			OriginalTokens: c.WholeTokens, CompressedTokens: c.Tokens, Budget: res.Budget, LineTokens: res.LineTokens,
			Sent: c.Text, Chunks: explain.Chunks(res), Notes: c.Notes,
		}},
	}
}

// pieces lists the lines of each file that a result holds.
func pieces(res compress.Result) []Piece {
	list := []Piece{}
	for _, c := range res.Chunks {
		if len(c.KeptLines) == 0 {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Path != c.File {
			list = append(list, Piece{Path: c.File, Language: c.Language})
		}
		p := &list[len(list)-1]
		for _, run := range c.KeptLines {
			if n := len(p.Lines); n > 0 && p.Lines[n-1][1]+1 == run[0] {
				p.Lines[n-1][1] = run[1]
				continue
			}
			p.Lines = append(p.Lines, run)
		}
	}
	return list
}

func (x *Index) remember(c Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.answers = append(x.answers, c); len(x.answers) > answersKept {
		x.answers = x.answers[1:]
	}
}

// Explain returns the account of a context that a tenant was given lately.
func (x *Index) Explain(tenant, id string) (explain.Account, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, c := range x.answers {
		if c.ID == id && c.tenant == tenant {
			return c.Account, true
		}
	}
	return explain.Account{}, false
}

// text is the text of a file of the index.
func (x *Index) text(name string) ([]byte, error) {
	if f := x.file(name); f == nil || f.NoSource {
		return nil, ErrNothing
	}
	root, p := x.place(name)
	return x.read(root, p)
}

// candidates are the files that the engine is to rank: the best by their best chunks, those that
// define what these use, and what is open.
func (x *Index) candidates(q Question) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	within := func(string) bool { return true }
	if len(q.Paths) > 0 {
		var paths []string
		for _, p := range q.Paths {
			paths = append(paths, x.clean(p))
		}
		within = func(name string) bool {
			return slices.ContainsFunc(
				paths,
				func(p string) bool { return p == "." || name == p || strings.HasPrefix(name, p+"/") },
			)
		}
	}
	scores := x.scores(q.Question, within)
	x.addNeighbours(scores, q.Question, within)
	if open := x.clean(q.Open); q.Open != "" && x.files[open] != nil && !x.files[open].NoSource {
		scores[open] = math.Inf(1)
	}
	order := slices.SortedFunc(maps.Keys(scores), func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
	})
	var list []string
	bytes := int64(0)
	for _, name := range order {
		if size := x.files[name].Size; len(list) < mostFiles && (bytes+size <= mostBytes || len(list) == 0) {
			list = append(list, name)
			bytes += size
		}
	}
	slices.Sort(list)
	return list
}
