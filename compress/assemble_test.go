package compress

import (
	"context"
	"strings"
	"testing"

	"pith/parsers"
)

func TestRender(t *testing.T) {
	long := strings.Repeat(" word", 20)
	for _, tt := range []struct {
		name, text     string
		keep           string // one letter per line, k is kept
		prefix, suffix string
		want           string
	}{
		{"middle", "a\n  b" + long + "\n  c\nd\n", "k..k", "# ", "", "a\n  # ... lines 2-3 omitted\nd\n"},
		{"tabs", "a\n\t\tb" + long + "\nc\n", "k.k", "// ", "", "a\n\t\t// ... lines 2-2 omitted\nc\n"},
		{"first line blank", "a\n\n    b" + long + "\nc\n", "k..k", "# ", "", "a\n    # ... lines 2-3 omitted\nc\n"},
		{"enclosed comment", "a\n" + long + "\n", "k.", "<!-- ", " -->", "a\n <!-- ... lines 2-2 omitted -->\n"},
		{"crlf", "a\r\nb" + long + "\r\nc\r\n", "k.k", "# ", "", "a\r\n# ... lines 2-2 omitted\r\nc\r\n"},
		{"no final line end", "a\nb" + long, "k.", "# ", "", "a\n# ... lines 2-2 omitted"},
		{"no cheaper than its lines", "a\nb c\nd\n", "k.k", "# ", "", "a\nb c\nd\n"},
		{
			"blank lines count as what they cost together", "a\n" + strings.Repeat("\n", 30) + "d\n",
			"k" + strings.Repeat(".", 30) + "k", "# ", "", "a\n" + strings.Repeat("\n", 30) + "d\n",
		},
		{"all", long + "\n" + long + "\n", "..", "", "", " # ... lines 1-2 omitted\n"},
		{"an only line", long + "\n", ".", "", "", long + "\n"},
	} {
		j := &job{counter: wordCounter{}, counts: countCache{counter: wordCounter{}, seen: map[string]int{}}}
		src := testSource(tt.text)
		src.parsed = parsers.File{CommentPrefix: tt.prefix, CommentSuffix: tt.suffix}
		keep := make([]bool, src.lines())
		for i := range keep {
			keep[i] = tt.keep[i] == 'k'
		}
		if got := j.render(src, keep); got != tt.want {
			t.Errorf("%s: rendered %q, want %q", tt.name, got, tt.want)
		}
	}
}

// htmlish is indents with comments that have an end.
type htmlish struct{ indents }

func (h htmlish) Parse(ctx context.Context, _ string, src []byte) (parsers.File, error) {
	return h.ParseAs(ctx, "", src)
}

func (h htmlish) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	file, err := h.indents.ParseAs(ctx, language, src)
	file.CommentPrefix, file.CommentSuffix = "<!-- ", " -->"
	return file, err
}

// A path cannot end the comment that it stands in, nor begin a line of its own.
func TestPathsStayInsideTheirComment(t *testing.T) {
	req := ask(func(r *Request) {
		r.Files[0].Path = "a --> b\nc"
		r.Files = append(r.Files, File{Path: "x", Content: sample})
	})
	res := compress(t, engine(t, func(o *Options) { o.Splitter = htmlish{} }), req)
	if head, _, _ := strings.Cut(res.Text, "\n"); !strings.HasPrefix(head, "<!-- a ? b?c") {
		t.Errorf("header is %q", head)
	}
}

// The way back to omitted lines is said once, in the budget, and only where no hash leads there.
func TestWayBack(t *testing.T) {
	const count = "to see such lines, read this file again"
	req := ask(func(r *Request) { r.WayBack = count })
	res := compress(t, engine(t, nil), req)
	markers, said := strings.Count(res.Text, " omitted"), strings.Count(res.Text, " omitted ("+count+")")
	if markers < 2 || said != 1 || strings.Index(res.Text, count) > strings.LastIndex(res.Text, " omitted") {
		t.Errorf("said %d times in %d markers:\n%s", said, markers, res.Text)
	}
	if res.CompressedTokens > res.Budget {
		t.Errorf("%d tokens of %d", res.CompressedTokens, res.Budget)
	}
	lines := 0
	for _, line := range strings.SplitAfter(res.Text, "\n") {
		if !strings.Contains(line, " omitted") {
			lines += len(strings.Fields(line))
		}
	}
	if lines == 0 || res.LineTokens < lines || res.LineTokens > res.CompressedTokens {
		t.Errorf("%d tokens of lines, of %d in all; the words are %d", res.LineTokens, res.CompressedTokens, lines)
	}
	hashed := compress(
		t, engine(t, func(o *Options) { o.Retrieval = func(File) string { return strings.Repeat("a", idDigits) } }),
		req)
	if strings.Contains(hashed.Text, count) || !strings.Contains(hashed.Text, "hash=") {
		t.Errorf("with hashes:\n%s", hashed.Text)
	}
}
