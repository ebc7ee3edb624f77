package proxy

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"pith/compress"
)

// A wish is what is asked of an original: the lines of a marker's gap, or in their place other lines of the same file, or the
// declarations of a name in it.
type wish struct {
	Hash   string `json:"hash"`
	Lines  string `json:"lines"`
	Symbol string `json:"symbol"`
}

// An excerpt is an answer to a wish. The names hash and original_content are those that LiteLLM's guardrail reads.
type excerpt struct {
	Hash    string `json:"hash"`
	Content string `json:"original_content"`
	Path    string `json:"path,omitempty"`
	// Lines are the runs of the file that Content holds, counted from 1, inclusive.
	Lines [][2]int `json:"lines"`
}

// retrieve serves GET /v1/retrieve/{hash}: the lines that a marker's hash stands for. lines=a-b asks for other lines of the same
// file, counted as the markers count; symbol=name asks for a function or a class of it. Other parameters are not looked at.
func (s *Server) retrieve(c *gin.Context) {
	e, err := s.recall(c.Request.Context(), s.opts.Tenant(c.Request), wish{c.Param("hash"), c.Query("lines"), c.Query("symbol")})
	if err != nil {
		writeError(c.Writer, openAIError, err)
		return
	}
	c.PureJSON(http.StatusOK, e)
}

// recall answers a wish of a tenant, or says in an apiError why not. It renews no life.
func (s *Server) recall(ctx context.Context, tenant string, w wish) (excerpt, error) {
	gap, ok := compress.ParseGap(w.Hash)
	if !ok {
		return excerpt{}, noSuch("no such hash, or its time is over")
	}
	f, ok := s.originals.get(ctx, tenant, gap.Original)
	if !ok {
		return excerpt{}, noSuch("no such hash, or its time is over")
	}
	spans := [][2]int{{gap.First, gap.Last}}
	switch {
	case w.Lines != "" && w.Symbol != "":
		return excerpt{}, badWish("lines and symbol exclude each other")
	case w.Lines != "":
		span, ok := parseLines(w.Lines)
		if !ok {
			return excerpt{}, badWish("lines: want a-b with 1 <= a <= b")
		}
		spans = [][2]int{span}
	case w.Symbol != "":
		var err error
		if spans, err = s.symbols(ctx, f, w.Symbol); err != nil {
			return excerpt{}, err
		}
	}
	return cutOut(w.Hash, f, spans), nil
}

// symbols finds the declarations of name. Grammars are slow on hostile files, so it takes a slot as a compression does.
func (s *Server) symbols(ctx context.Context, f compress.File, name string) (spans [][2]int, err error) {
	if s.originals.Find == nil {
		return nil, noSuch("that file declares no such symbol")
	}
	release, ok := s.slots.take()
	if !ok {
		return nil, &apiError{status: http.StatusTooManyRequests, kind: kindRate, msg: "too many compressions at once, try again", retryAfter: 1}
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, s.opts.Compression.Timeout)
	defer cancel()
	err = guard(func() (err error) {
		spans, err = s.originals.Find.Find(ctx, f, name)
		return err
	})
	switch {
	case err != nil:
		return nil, describeFailure(err)
	case len(spans) == 0:
		return nil, noSuch("that file declares no such symbol")
	}
	return spans, nil
}

// cutOut copies spans of a file; what is beyond its end is left out.
func cutOut(hash string, f compress.File, spans [][2]int) excerpt {
	lines := strings.SplitAfter(strings.TrimSuffix(f.Content, "\n"), "\n")
	if strings.HasSuffix(f.Content, "\n") {
		lines[len(lines)-1] += "\n"
	}
	e := excerpt{Hash: hash, Path: f.Path, Lines: [][2]int{}}
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

func noSuch(msg string) error {
	return &apiError{status: http.StatusNotFound, kind: kindNotFound, msg: msg}
}

func badWish(msg string) error {
	return &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: msg}
}
