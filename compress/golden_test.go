package compress

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/parsers/processes"
	"pith/tokens"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pool parses in this process; none of the test's languages needs a worker.
func pool(t testing.TB) *processes.Pool {
	t.Helper()
	p, err := processes.NewPool(processes.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// cases are real-looking files with a question each.
var cases = []struct{ file, query string }{
	{"shop.py", "how is an order refunded?"},
	{"cache.go", "what is evicted when the cache is full?"},
	{"Account.java", "when does a withdrawal fail?"},
	{"queue.ts", "how are failed jobs retried?"},
	{"ring.c", "how does the ring wrap around when writing?"},
}

// A change in what is kept of real files is a change for review: it shows up here as a diff.
func TestGolden(t *testing.T) {
	splitter := pool(t)
	for _, tt := range cases {
		content, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		for name, rate := range map[string]float64{"hybrid": 0.5, "bm25": 0.2} {
			req := Request{
				Files: []File{{Path: tt.file, Content: string(content)}}, Query: tt.query,
				Rate: rate, Ranker: name,
			}
			res := compress(t, engine(t, func(o *Options) { o.Splitter = splitter }), req)
			check(t, splitter, wordCounter{}, req, res)
			golden(t, tt.file+"."+name+".golden", describe(res))
		}
	}
}

// The guarantees hold for real syntax at all rates and stages, whole files and broken ones.
func TestGuaranteesOnSyntax(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	for _, tt := range cases {
		content, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"":         string(content),
			" cut off": string(content[:len(content)*3/5]),
			" crlf":    strings.ReplaceAll(string(content), "\n", "\r\n"),
		} {
			t.Run(tt.file+name, func(t *testing.T) {
				for rate := 0.05; rate <= 1; rate += 0.05 {
					for _, stage := range []Stage{StageCoarse, StageFine} {
						req := Request{
							Files: []File{{Path: tt.file, Content: text}}, Query: tt.query,
							Rate: rate, Stage: stage,
						}
						check(t, splitter, wordCounter{}, req, compress(t, e, req))
					}
				}
			})
		}
	}
}

// Headers that are not legal alone: a class of nothing but methods, one of nothing but attributes,
// one of both.
var shelves = []string{
	"class Shelf:\n" + shelfMethods,
	"class Shelf:\n" + shelfFields,
	"class Shelf:\n" + shelfFields + "\n" + shelfMethods,
}

const (
	shelfFields = "    books = ['a', 'long', 'list', 'of', 'titles']\n" +
		"    rooms = {'north': 1, 'south': 2, 'west': 3}\n" +
		"    limit = 12 * 4 + 3 * 7\n    owner = 'the city library'\n    opened = (1972, 4, 1)\n    closed = None\n"
	shelfMethods = "    def put(self, book):\n        self.books.append(book)\n        self.count += 1\n" +
		"        self.changed = True\n" +
		"        return self\n\n    def find(self, title):\n        for book in self.books:\n" +
		"            if book.title == title:\n" +
		"                return book\n        raise KeyError(title)\n"
)

func TestClassKeepsABody(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	for _, text := range shelves {
		for budget := 12; budget < (wordCounter{}).Count(text); budget++ {
			req := Request{
				Files: []File{{Path: "shelf.py", Content: text}}, Query: "class Shelf", Budget: budget,
				Ranker: rankBM25,
			}
			res := compress(t, e, req)
			check(t, splitter, wordCounter{}, req, res)
			body := strings.Contains(res.Text, "def ") || strings.Contains(res.Text, " = ")
			if strings.Contains(res.Text, "class Shelf:") && !body {
				t.Errorf("budget %d leaves a class without a body:\n%s", budget, res.Text)
			}
		}
	}
}

// bpe counts as the upstream does.
type bpe struct{ counters *tokens.Counters }

func (b bpe) For(model string) Counter { return b.counters.For(model) }

// BPE is not additive over lines, so only the count of the final text is the truth. Over its whole
// range the rate does what it says: the budget is met and used.
func TestRateInRealTokens(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter, o.Counters = splitter, bpe{tokens.New()} })
	var files []File
	for _, tt := range cases {
		content, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Path: tt.file, Content: string(content)})
	}
	for _, model := range []string{"gpt-4o", "gpt-4", "claude-sonnet-4-5"} {
		for rate := 0.05; rate <= 1; rate += 0.05 {
			req := Request{Files: files, Query: "how are failed jobs retried?", Rate: rate, Model: model}
			res := compress(t, e, req)
			check(t, splitter, e.opt.Counters.For(model), req, res)
			if used := float64(res.CompressedTokens) / float64(res.Budget); used < 0.85 {
				t.Errorf("%s, rate %.2f: only %d of %d tokens used", model, rate, res.CompressedTokens, res.Budget)
			}
		}
	}
}

// A method that stays brings the header of its class along, though the class itself does not fit.
func TestMethodKeepsItsClassHeader(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	text := "class Shelf:\n" + strings.Repeat(shelfFields, 8) + "\n" + shelfMethods
	req := Request{
		Files: []File{{Path: "shelf.py", Content: text}}, Query: "find a book by title", Budget: 90,
		Ranker: rankBM25, Stage: StageCoarse,
	}
	res := compress(t, e, req)
	check(t, splitter, wordCounter{}, req, res)
	for _, want := range []string{"class Shelf:\n", "def find(self, title):\n"} {
		if !strings.Contains(res.Text, want) {
			t.Errorf("%q is not in\n%s", want, res.Text)
		}
	}
}

// describe is a result as one wants to review it: figures first, then the text.
func describe(res Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d tokens, budget %d, %s\n", res.CompressedTokens, res.OriginalTokens,
		res.Budget, res.Ranker)
	for _, c := range res.Chunks {
		fmt.Fprintf(&b, "%3d %-8s %-9s %s\n", c.Rank, c.Decision, c.Kind, c.Name)
	}
	return b.String() + "----\n" + res.Text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}
