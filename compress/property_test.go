package compress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pith/parsers"
)

// check holds a result against the guarantees of the package: identity, budget, verbatim lines in
// order, one honest marker per gap, no new syntax errors, and no chunk without what encloses it.
func check(t *testing.T, splitter Splitter, counter Counter, req Request, res Result) {
	t.Helper()
	if res.CompressedTokens != counter.Count(res.Text) {
		t.Errorf("reports %d tokens, the text has %d", res.CompressedTokens, counter.Count(res.Text))
	}
	if res.CompressedTokens > res.Budget {
		t.Errorf("%d tokens in a budget of %d", res.CompressedTokens, res.Budget)
	}
	if len(res.Files) != len(req.Files) {
		t.Fatalf("%d files of %d", len(res.Files), len(req.Files))
	}
	for i, f := range req.Files {
		out := res.Files[i]
		kept := checkFile(t, counter, f.Content, out.Text)
		if res.OriginalTokens <= res.Budget && out.Text != f.Content {
			t.Errorf("file %d fits and was changed", i)
		}
		before := parse(t, splitter, out.Language, f.Content)
		after := parse(t, splitter, out.Language, out.Text)
		if before.SyntaxErrors >= 0 && after.SyntaxErrors > before.SyntaxErrors && slices.Contains(kept, true) {
			t.Errorf("file %d: %d syntax errors became %d in\n%s", i, before.SyntaxErrors, after.SyntaxErrors, out.Text)
		}
		checkFrames(t, before, kept)
	}
	if len(req.Files) == 1 && res.Files[0].Text != res.Text {
		t.Errorf("text of the one file differs from the whole")
	}
}

func parse(t *testing.T, splitter Splitter, language, text string) parsers.File {
	t.Helper()
	file, err := splitter.ParseAs(context.Background(), language, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// checkFile walks the output along the input: kept lines, and where they break off the one marker
// that names exactly the missing lines and costs less than they do. It returns which lines are
// kept.
func checkFile(t *testing.T, counter Counter, in, out string) []bool {
	t.Helper()
	lines := slices.Collect(strings.Lines(in))
	kept := make([]bool, len(lines))
	at := 0
	for rest := out; rest != ""; {
		if marker, to := markerAt(rest, at, len(lines)); marker != "" {
			rest = rest[len(marker):]
			if next, _ := markerAt(rest, to, len(lines)); next != "" {
				t.Fatalf("two markers for one gap before line %d", to+1)
			}
			if omitted := strings.Join(lines[at:to], ""); counter.Count(marker) >= counter.Count(omitted) {
				t.Errorf("marker %q is not cheaper than %q", marker, omitted)
			}
			at = to
			continue
		}
		if at >= len(lines) || !strings.HasPrefix(rest, lines[at]) {
			t.Fatalf("after line %d comes neither line %d nor its marker: %.80q", at, at+1, rest)
		}
		rest = rest[len(lines[at]):]
		kept[at] = true
		at++
	}
	if at != len(lines) {
		t.Fatalf("ends at line %d of %d without a marker", at, len(lines))
	}
	return kept
}

// checkFrames holds kept lines against the chunks: where one stays, the header around it and what
// closes that stay.
func checkFrames(t *testing.T, file parsers.File, kept []bool) {
	t.Helper()
	for i, c := range file.Chunks {
		if c.Kind == parsers.KindEnd || c.Parent < 0 || !slices.Contains(kept[c.StartLine:c.EndLine], true) {
			continue
		}
		parent := file.Chunks[c.Parent]
		if slices.Contains(kept[parent.SignatureStart:parent.SignatureEnd], false) {
			t.Errorf("chunk %d (%s) stays without the header of %s", i, c.Name, parent.Name)
		}
		for _, end := range file.Chunks {
			if end.Kind == parsers.KindEnd && end.Parent == c.Parent &&
				slices.Contains(kept[end.StartLine:end.EndLine], false) {
				t.Errorf("chunk %d (%s) stays without the end of %s", i, c.Name, parent.Name)
			}
		}
	}
}

// markerAt returns the marker line at the head of text if it stands for lines from at (0-based) on,
// and where it ends.
func markerAt(text string, at, lines int) (marker string, to int) {
	line, _, found := strings.Cut(text, "\n")
	_, body, ok := strings.Cut(line, "... lines ")
	var first, last int
	if n, err := fmt.Sscanf(body, "%d-%d omitted", &first, &last); !ok || err != nil || n != 2 {
		return "", 0
	}
	if first != at+1 || last < first || last > lines {
		return "", 0
	}
	if found {
		line += "\n"
	}
	return line, last
}

// engine returns an Engine over fakes.
func engine(t testing.TB, change func(*Options)) *Engine {
	t.Helper()
	opt := Options{Splitter: indents{}, Counters: wordCounter{}, Scorer: &hashModel{}, Ranker: rankHybrid}
	opt.Speed = SpeedExact
	if change != nil {
		change(&opt)
	}
	e, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestGuaranteesOverRates(t *testing.T) {
	texts := map[string]string{
		"plain":       sample,
		"crlf":        strings.ReplaceAll(sample, "\n", "\r\n"),
		"no line end": strings.TrimRight(sample, "\n"),
		"tabs":        strings.ReplaceAll(sample, "    ", "\t"),
		"one line":    strings.Repeat("word ", 400),
		"blank lines": strings.Repeat("\n", 300),
		"unicode":     strings.ReplaceAll(sample, "order", "Bestellung-ß-注文"),
		"not utf-8":   strings.ReplaceAll(sample, "order", "\xff\xfe"),
		"comments":    strings.Repeat("# a line of comment that says little\n", 60),
		"long":        longFunction(400),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			for _, by := range []string{"ami", "bm25", "words", "hybrid"} {
				for rate := 0.01; rate <= 1; rate += 0.09 {
					req := Request{
						Files: []File{{Path: "shop.py", Content: text}}, Query: "how is an order refunded?",
						Rate: rate, Ranker: by,
					}
					res, err := engine(t, nil).Compress(t.Context(), req)
					if errors.Is(err, ErrBudget) &&
						(name == "one line" || float64(wordCounter{}.Count(text))*rate < 24) {
						continue // an only line is not replaced by a marker; not even a marker fits
					}
					if err != nil {
						t.Fatalf("rate %.2f: %v", rate, err)
					}
					if res.Ranker != by && res.Ranker != rankNone {
						t.Errorf("ranker %s ran instead of %s", res.Ranker, by)
					}
					check(t, indents{}, wordCounter{}, req, res)
				}
			}
		})
	}
}

// longFunction is one function of n lines with statements of several depths.
func longFunction(n int) string {
	var b strings.Builder
	b.WriteString("def process(order):\n")
	for i := range n - 1 {
		switch {
		case i%10 == 3:
			fmt.Fprintf(&b, "    if order.state == %d:\n", i)
		case i%10 > 3 && i%10 < 8:
			fmt.Fprintf(&b, "        order.update(%d, refund=%d)\n", i, i*7%13)
		default:
			fmt.Fprintf(&b, "    total_%d = price(order, %d) + tax(%d)\n", i, i, i%5)
		}
	}
	return b.String()
}
