package textfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml/parser"

	"pith/internal/textfile"
)

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("12345"), 0o600), os.Symlink(file, link),
		syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		if text, err := textfile.Read(path, 5); err != nil || string(text) != "12345" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
		if _, err := textfile.Read(path, 4); err == nil || !strings.Contains(err.Error(), "larger than 4 bytes") {
			t.Errorf("%s above its limit: %v", path, err)
		}
	}
	for _, path := range []string{pipe, dir, os.DevNull} {
		if _, err := textfile.Read(path, 5); !errors.Is(err, textfile.ErrNotRegular) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := textfile.Read(filepath.Join(dir, "none"), 5); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// bombs are small texts of which a parser makes much.
var bombs = map[string]string{
	"sequences":     strings.Repeat("[", 200_000),
	"mappings":      strings.Repeat("{a: ", 50_000),
	"dashes":        strings.Repeat("- ", 100_000),
	"keys":          strings.Repeat("? ", 100_000),
	"values":        strings.Repeat("a: ", 60_000),
	"tags":          "a: " + strings.Repeat("!x ", 60_000),
	"tags on lines": "a:\n" + strings.Repeat(" !x\n", 50_000),
	"anchors":       strings.Repeat("&a ", 60_000),
	"closed":        strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
	"indentation":   indented(500),
	"laughs": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
	"flat":           "a: [" + strings.Repeat("x,", 400_000) + "x]",
	"brackets apart": "a: [x,\n" + strings.Repeat("[\n", 90_000),
	"keys in a row":  strings.Repeat("a: &b 1\n", 30_000),
	"texts in a row": "a:\n" + strings.Repeat("  b: |\n    c\n", 30_000),
	"documents":      strings.Repeat("---\na: 1\n", 20_000),
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestBombsAreRefused(t *testing.T) {
	for name, text := range bombs {
		if _, err := textfile.CheckYAML([]byte(text)); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestWhatPeopleWritePasses(t *testing.T) {
	for _, text := range []string{
		"", "# only a comment\n", "a: {b: 1, c: [2, 3], d: {e: f}}\n", "- a: &x 1\n  b: !!str 2\n- - c\n  - d\n",
		"text: |\n  [[[[[[ {{{{\n  - - - - - -\nnext: '[[[['\n",
		"list:\n" + strings.Repeat("- {name: a, hash: b}\n", 5000),
		"list:\n" + strings.Repeat("- a: 1\n  b: [\n    2\n  ]\n", 8000),
		"text: |\n" + strings.Repeat("  a: b\n", 20_000),
		"list:\n" + strings.Repeat("-\n", 5000), "flow: {" + strings.Repeat("a: 1, ", 5000) + "}\n", indented(30),
	} {
		if line, err := textfile.CheckYAML([]byte(text)); err != nil {
			t.Errorf("%.40q: line %d: %v", text, line, err)
		}
	}
}

// FuzzYAML holds that what passes does not cost the parser much.
func FuzzYAML(f *testing.F) {
	for _, text := range bombs {
		f.Add(text[:min(len(text), 300)])
	}
	f.Add("a: 1\nb:\n  - c\n  - {d: [e, f]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := textfile.CheckYAML([]byte(text)); err != nil || len(text) > 20_000 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = parser.ParseBytes([]byte(text), 0) // right or wrong, it is what it costs that counts
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(1<<20+4_000*len(text)) {
			t.Errorf("%d bytes take the parser %d", len(text), took)
		}
	})
}
