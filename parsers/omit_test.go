package parsers_test

import (
	"bytes"
	"fmt"
	"go/build"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

// An omitter leaves random parts out of a file, by the rules that chunk.go gives to its users.
type omitter struct {
	file  parsers.File
	lines []string
	rng   *rand.Rand
	rate  float64
	gone  []bool // by line
}

func omit(file parsers.File, src []byte, rng *rand.Rand, rate float64) []byte {
	o := omitter{file: file, lines: strings.SplitAfter(string(src), "\n"), rng: rng, rate: rate}
	if last := len(o.lines) - 1; o.lines[last] == "" {
		o.lines = o.lines[:last]
	}
	o.gone = make([]bool, len(o.lines))
	kept := make([]bool, len(file.Chunks))
	for i, ch := range file.Chunks {
		switch {
		case ch.Parent >= 0 && !kept[ch.Parent]:
		case ch.Kind == parsers.KindEnd:
			kept[i] = true
		default:
			kept[i] = rng.Float64() >= rate
		}
	}
	o.feed(kept)
	for i, ch := range file.Chunks {
		if !kept[i] {
			o.drop(ch.StartLine, ch.EndLine)
			continue
		}
		o.units(ch.Units)
	}
	return o.text()
}

// feed keeps a child of each kept chunk that needs one.
func (o *omitter) feed(kept []bool) {
	for i, ch := range o.file.Chunks {
		if !kept[i] || !ch.NeedsChild {
			continue
		}
		for k, child := range o.file.Chunks {
			if child.Parent == i && child.Kind != parsers.KindEnd {
				kept[k] = true
				break
			}
		}
	}
}

func (o *omitter) units(us []parsers.Unit) {
	for _, u := range us {
		if o.rng.Float64() < o.rate {
			o.drop(u.Start, u.End)
		} else {
			o.units(u.Units)
		}
	}
}

func (o *omitter) drop(start, end int) {
	for line := start; line < end; line++ {
		o.gone[line] = true
	}
}

// text puts a comment line in each gap, indented as the first line of it that is not blank.
func (o *omitter) text() []byte {
	var b bytes.Buffer
	for line := 0; line < len(o.lines); line++ {
		if !o.gone[line] {
			b.WriteString(o.lines[line])
			continue
		}
		end := line
		indent, found := "", false
		for ; end < len(o.lines) && o.gone[end]; end++ {
			if text := strings.TrimLeft(o.lines[end], " \t"); !found && strings.TrimSpace(text) != "" {
				indent, found = o.lines[end][:len(o.lines[end])-len(text)], true
			}
		}
		fmt.Fprintf(&b, "%s%s... lines %d-%d omitted%s\n", indent, o.file.CommentPrefix, line+1, end,
			o.file.CommentSuffix)
		line = end - 1
	}
	return b.Bytes()
}

// checkOmissions leaves parts out of a file in several random ways and parses what is left.
func checkOmissions(t *testing.T, p *processes.Pool, path string, rounds int) {
	t.Helper()
	src := readFile(t, path)
	file, err := p.Parse(t.Context(), path, src)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	checkTiling(t, file, src)
	if file.SyntaxErrors != 0 {
		return
	}
	for round := range rounds {
		rate := []float64{0.1, 0.3, 0.5, 0.8}[round%4]
		rest := omit(file, src, rand.New(rand.NewPCG(uint64(len(src)), uint64(round))), rate)
		again, err := p.ParseAs(t.Context(), file.Language, rest)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if again.SyntaxErrors != 0 {
			name := filepath.Join(os.TempDir(), "pith-omit-"+filepath.Base(path))
			if os.Getenv("PITH_KEEP") != "" {
				_ = os.WriteFile(name, rest, 0o600)
			}
			t.Errorf("%s: round %d, rate %.1f: %d syntax errors after leaving parts out (%s)", path, round, rate,
				again.SyntaxErrors, name)
			return
		}
	}
}

func checkTiling(t testing.TB, f parsers.File, src []byte) {
	t.Helper()
	at, line := 0, 0
	for i, ch := range f.Chunks {
		if ch.Start != at || ch.StartLine != line || ch.End <= ch.Start {
			t.Fatalf("chunk %d [%d,%d) lines [%d,%d) does not continue at byte %d, line %d", i, ch.Start, ch.End,
				ch.StartLine, ch.EndLine, at, line)
		}
		if ch.Start > 0 && src[ch.Start-1] != '\n' {
			t.Fatalf("chunk %d starts inside a line", i)
		}
		if ch.Parent < -1 || ch.Parent >= i {
			t.Fatalf("chunk %d has parent %d", i, ch.Parent)
		}
		checkUnits(t, ch.Units, ch.StartLine, ch.EndLine)
		at, line = ch.End, ch.EndLine
	}
	if at != len(src) {
		t.Fatalf("chunks end at %d of %d bytes", at, len(src))
	}
}

func checkUnits(t testing.TB, us []parsers.Unit, start, end int) {
	t.Helper()
	for _, u := range us {
		if u.Start < start || u.End <= u.Start || u.End > end {
			t.Fatalf("unit [%d,%d) is not within [%d,%d)", u.Start, u.End, start, end)
		}
		checkUnits(t, u.Units, u.Start, u.End)
		start = u.End
	}
}

// TestOmissionKeepsSyntax works on the samples and on some of Go's own sources; PITH_CORPUS may
// name a file that lists others, one path a line.
func TestOmissionKeepsSyntax(t *testing.T) {
	p := newPool(t, processes.Options{})
	for _, path := range glob(t, "testdata/sample*") {
		checkOmissions(t, p, path, 24)
	}
	for _, path := range glob(t, filepath.Join(build.Default.GOROOT, "src/net/http/[h-t]*.go")) {
		checkOmissions(t, p, path, 4)
	}
	if list := os.Getenv("PITH_CORPUS"); list != "" {
		for path := range strings.FieldsSeq(string(readFile(t, list))) {
			checkOmissions(t, p, path, 4)
		}
	}
	t.Logf("%+v", p.Stats())
}

func glob(t *testing.T, patterns ...string) []string {
	t.Helper()
	var paths []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files match %s (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	return paths
}
