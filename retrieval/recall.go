package retrieval

import (
	"context"
	"strconv"
	"strings"

	"pith/compress"
	"pith/internal/apierror"
	"pith/internal/panics"
)

// A Query is what is asked of an original: the lines of a marker's gap, or in their place other
// lines of the same file, or the declarations of a name in it.
type Query struct {
	Hash   string `json:"hash"`
	Lines  string `json:"lines"`
	Symbol string `json:"symbol"`
}

// An Excerpt is the answer to a Query. The names hash and original_content are those that LiteLLM's
// guardrail reads.
type Excerpt struct {
	Hash    string `json:"hash"`
	Content string `json:"original_content"`
	Path    string `json:"path,omitempty"`
	// Lines are the runs of the file that Content holds, counted from 1, inclusive.
	Lines [][2]int `json:"lines"`
}

// Recall answers a tenant's query, or says in an apierror.Error why not. It renews no life.
func (o *Originals) Recall(ctx context.Context, tenant string, q Query) (Excerpt, error) {
	gap, ok := compress.ParseGap(q.Hash)
	if !ok {
		return Excerpt{}, apierror.Missing("no such hash, or its time is over")
	}
	f, ok := o.get(ctx, tenant, gap.Original)
	if !ok {
		return Excerpt{}, apierror.Missing("no such hash, or its time is over")
	}
	spans := [][2]int{{gap.First, gap.Last}}
	switch {
	case q.Lines != "" && q.Symbol != "":
		return Excerpt{}, apierror.BadRequest("lines and symbol exclude each other")
	case q.Lines != "":
		span, ok := parseLines(q.Lines)
		if !ok {
			return Excerpt{}, apierror.BadRequest("lines: want a-b with 1 <= a <= b")
		}
		spans = [][2]int{span}
	case q.Symbol != "":
		var err error
		if spans, err = o.symbols(ctx, f, q.Symbol); err != nil {
			return Excerpt{}, err
		}
	}
	return cutOut(q.Hash, f, spans), nil
}

// symbols finds the declarations of name. Grammars are slow on hostile files, so it takes a slot as
// a compression does.
func (o *Originals) symbols(ctx context.Context, f compress.File, name string) (spans [][2]int, err error) {
	if o.opts.Find == nil {
		return nil, apierror.Missing("that file declares no such symbol")
	}
	release, ok := o.opts.Admit()
	if !ok {
		return nil, apierror.Busy("too many compressions at once, try again")
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, o.opts.Timeout)
	defer cancel()
	err = panics.Guard(func() (err error) {
		spans, err = o.opts.Find.Find(ctx, f, name)
		return err
	})
	switch {
	case err != nil:
		return nil, apierror.FromEngine(err)
	case len(spans) == 0:
		return nil, apierror.Missing("that file declares no such symbol")
	}
	return spans, nil
}

// cutOut copies spans of a file; what is beyond its end is left out.
func cutOut(hash string, f compress.File, spans [][2]int) Excerpt {
	lines := strings.SplitAfter(strings.TrimSuffix(f.Content, "\n"), "\n")
	if strings.HasSuffix(f.Content, "\n") {
		lines[len(lines)-1] += "\n"
	}
	e := Excerpt{Hash: hash, Path: f.Path, Lines: [][2]int{}}
	var b strings.Builder
	for _, span := range spans {
		first, last := span[0], min(span[1], len(lines))
		if first > last {
			continue
		}
		e.Lines = append(e.Lines, [2]int{first, last})
		for _, line := range lines[first-1 : last] {
			b.WriteString(line)
		}
	}
	e.Content = b.String()
	return e
}

// parseLines reads "a-b" or "a".
func parseLines(s string) (span [2]int, ok bool) {
	from, to, ranged := strings.Cut(s, "-")
	if !ranged {
		to = from
	}
	first, errFirst := strconv.Atoi(strings.TrimSpace(from))
	last, errLast := strconv.Atoi(strings.TrimSpace(to))
	return [2]int{first, last}, errFirst == nil && errLast == nil && 1 <= first && first <= last
}
