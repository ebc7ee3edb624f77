package parsers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/parsers/processes"
)

const goFile = "package a\n\nfunc f() {\n\tg()\n}\n"

// hostile are inputs that abort a process, or that keep a grammar busy for seconds to minutes.
func hostile() map[string]struct {
	language string
	src      []byte
} {
	type input = struct {
		language string
		src      []byte
	}
	repeat := func(s string, size int) []byte { return bytes.Repeat([]byte(s), size/len(s)+1)[:size] }
	lines := func(s string, size int) []byte { return repeat(strings.Repeat(s, 200)+"\n", size) }
	const mega = 1<<20 - 1
	return map[string]input{
		"ruby heredoc identifier": {
			"ruby", []byte("x = <<" + strings.Repeat("A", 300) + "\ntext\n" + strings.Repeat("A", 300) + "\n"),
		},
		"markdown quotes": {"markdown", []byte(strings.Repeat(">", 300))},
		"markdown lists":  {"markdown", lines("- ", mega)},
		"go deep parens": {
			"go", []byte("package a\nvar x = " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000)),
		},
		"go parens in lines": {"go", append([]byte("package a\nvar x = "), lines("(", mega/2)...)},
		"csharp angles":      {"csharp", lines("a<", mega)},
		"csharp few angles": {
			"csharp", []byte("class A { void F() { x = " + strings.Repeat("a<\n", 990) + "; } }"),
		},
		"java angles":          {"java", lines("a<b>", mega)},
		"bash NUL":             {"bash", make([]byte, mega)},
		"bash heredoc":         {"bash", lines("cat <<E ", mega)},
		"bash quotes":          {"bash", lines("\"'`", mega)},
		"scala not UTF-8":      {"scala", repeat("\xff", mega)},
		"swift raw strings":    {"swift", lines("#\"", mega)},
		"swift hashes":         {"swift", lines("#", mega)},
		"python deep blocks":   {"python", deepPython(400)},
		"javascript templates": {"javascript", lines("`${", mega)},
		"cpp templates":        {"cpp", lines("a<b<", mega/2)},
		"kotlin braces":        {"kotlin", lines("{", mega)},
		"php tags":             {"php", lines("<?php ?>", mega)},
		"rust generics":        {"rust", lines("a::<", mega)},
		"typescript arrows":    {"typescript", lines("(a)=>", mega/2)},
		"tsx open elements":    {"tsx", lines("<a b={", mega/2)},
		"tsx type arguments":   {"tsx", lines("a<b<", mega/2)},
		"c declarators":        {"c", lines("(*a[", mega/2)},
		"c casts":              {"c", append([]byte("int x = "), lines("(a)(", mega/2)...)},
		"one long line":        {"go", repeat("a ", mega)},
	}
}

func deepPython(depth int) []byte {
	var b bytes.Buffer
	for i := range depth {
		fmt.Fprintf(&b, "%sif x:\n", strings.Repeat(" ", i))
	}
	fmt.Fprintf(&b, "%spass\n", strings.Repeat(" ", depth))
	return b.Bytes()
}

// TestHostileInput feeds inputs that abort or stall grammars. Each costs a worker at most: this
// process lives on, the file is tiled, and the next file is parsed as if nothing had been.
func TestHostileInput(t *testing.T) {
	p := newPool(t, processes.Options{Workers: 1, Timeout: time.Second})
	for name, input := range hostile() {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time the pool knows the file
				f, err := p.ParseAs(t.Context(), input.language, input.src)
				if err != nil {
					t.Fatal(err)
				}
				checkTiling(t, f, input.src)
			}
			f, err := p.Parse(t.Context(), "a.go", []byte(goFile))
			if err != nil || f.Fallback != "" || len(f.Chunks) != 2 {
				t.Errorf("the next file got %d chunks, fallback %q, error %v", len(f.Chunks), f.Fallback, err)
			}
		})
	}
	stats := p.Stats()
	t.Logf("%+v", stats)
	if stats.Deaths == 0 {
		t.Error("no worker died: the inputs have lost their teeth")
	}
	if stats.Deaths+stats.Timeouts > int64(len(hostile())) {
		t.Errorf("a file stopped a worker twice: %+v", stats)
	}
}

// TestDeepNesting cuts deeply nested code with a grammar: the work must not multiply from level to
// level.
func TestDeepNesting(t *testing.T) {
	nest := func(open, inner, shut string, depth int) []byte {
		return []byte(strings.Repeat(open, depth) + inner + strings.Repeat(shut, depth))
	}
	p := newPool(t, processes.Options{InProcess: true, Timeout: time.Minute})
	for name, input := range map[string]struct {
		language string
		src      []byte
	}{
		"empty #if":       {"c", nest("#if A\n", "", "#endif\n", 300)},
		"#if":             {"c", nest("#if A\nint a;\n", "int f() {\n}\n", "#endif\n", 300)},
		"namespaces":      {"cpp", nest("namespace a {\n", "int f() {\n}\n", "}\n", 300)},
		"classes":         {"java", nest("class A {\n", "void f() {\n}\n", "}\n", 300)},
		"blocks":          {"go", append([]byte("package a\nfunc f() {\n"), nest("if a {\n", "", "}\n", 1000)...)},
		"functions":       {"javascript", nest("function f() {\n", "a()\n", "}\n", 1000)},
		"arrow functions": {"typescript", nest("const f = () => {\n", "a()\n", "}\n", 1000)},
		"suites":          {"python", deepPython(90)},
	} {
		f, err := p.ParseAs(t.Context(), input.language, input.src)
		if err != nil || f.Fallback != "" {
			t.Errorf("%s: fallback %q, error %v", name, f.Fallback, err)
		}
		checkTiling(t, f, input.src)
	}
}

func TestRubyNeverRunsInProcess(t *testing.T) {
	p := newPool(t, processes.Options{InProcess: true})
	f, err := p.ParseAs(t.Context(), "ruby", hostile()["ruby heredoc identifier"].src)
	if err != nil || f.Fallback != "parse process died" {
		t.Errorf("fallback %q, error %v", f.Fallback, err)
	}
}

// TestCancelledParseLeavesNothing parses a slow file, leaves it in the middle, and parses another
// one: the second result must be that of the second file alone. A parser of the library would
// resume the first.
func TestCancelledParseLeavesNothing(t *testing.T) {
	for _, opts := range []processes.Options{
		{Workers: 1}, {Workers: 1, InProcess: true, Timeout: 5 * time.Millisecond},
	} {
		p := newPool(t, opts)
		want, err := newPool(t, processes.Options{}).Parse(t.Context(), "a.go", []byte(goFile))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			large := bytes.Repeat(fmt.Appendf(nil, "func f%d() {\n\tif a { b() }\n}\n", i), 20_000)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			_, err := p.Parse(ctx, "b.go", large)
			cancel()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("cancelled parse: %v", err)
			}
			got, err := p.Parse(t.Context(), "a.go", []byte(goFile))
			if err != nil {
				t.Fatal(err)
			}
			if outline(got, []byte(goFile)) != outline(want, []byte(goFile)) && got.Fallback == "" {
				t.Fatalf("after a cancelled parse:\n%s", outline(got, []byte(goFile)))
			}
		}
	}
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	p := newPool(t, processes.Options{Workers: 1})
	for range 3 {
		if f, err := p.Parse(t.Context(), "a.go", []byte(goFile)); err != nil || f.Fallback != "" {
			t.Fatalf("fallback %q, error %v", f.Fallback, err)
		}
		for _, pid := range children(t) {
			if err := pid.Kill(); err != nil {
				t.Fatal(err)
			}
			waitGone(t, pid)
		}
	}
	if s := p.Stats(); s.Deaths != 0 || s.Fallbacks != 0 {
		t.Errorf("files were blamed for the deaths of idle workers: %+v", s)
	}
}

// children are the processes that this one has started.
func children(t *testing.T) []*os.Process {
	t.Helper()
	tasks := glob(t, "/proc/self/task/*/children")
	var ps []*os.Process
	for _, task := range tasks {
		for field := range strings.FieldsSeq(string(readFile(t, task))) {
			var pid int
			if _, err := fmt.Sscan(field, &pid); err != nil {
				t.Fatal(err)
			}
			p, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, p)
		}
	}
	if len(ps) == 0 {
		t.Fatal("no worker process runs")
	}
	return ps
}

// waitGone waits until all threads of a killed process are gone but the first, which is a zombie:
// its pipes are closed then.
func waitGone(t *testing.T, p *os.Process) {
	t.Helper()
	proc := filepath.Join("/proc", fmt.Sprint(p.Pid))
	for { // the test's own time limit ends it
		stat, err := os.ReadFile(filepath.Join(proc, "stat"))
		threads, _ := os.ReadDir(filepath.Join(proc, "task"))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) && len(threads) <= 1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestConcurrentParses(t *testing.T) {
	p := newPool(t, processes.Options{Workers: 2})
	paths := glob(t, "testdata/sample*")
	want := map[string]string{}
	for _, path := range paths {
		want[path] = string(readFile(t, filepath.Join("testdata/outline", filepath.Base(path)+".txt")))
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range paths {
				path := paths[(i+worker*3)%len(paths)]
				src, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
					return
				}
				f, err := p.Parse(t.Context(), path, src)
				if err != nil {
					t.Error(err)
					return
				}
				if got := outline(f, src); got != want[path] {
					t.Errorf("%s differs when parsed beside others", path)
				}
			}
		})
	}
	wg.Wait()
}

func TestClosedPool(t *testing.T) {
	p, err := processes.NewPool(processes.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(t.Context(), "a.go", []byte(goFile)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Parse(t.Context(), "a.go", []byte(goFile)); !errors.Is(err, processes.ErrClosed) {
		t.Errorf("Parse after Close: %v", err)
	}
}

// TestWorkerThatLies stands other programs in for the worker: none of them may break the promise
// that chunks tile. What is no file's doing, a worker that does not start or that others kill, is
// said to be late: at another time the file is cut by its grammar.
func TestWorkerThatLies(t *testing.T) {
	const ready = `printf '\0\0\0\0'; `
	for _, tt := range []struct {
		command []string
		late    bool
	}{
		{[]string{"true"}, true},
		{[]string{"cat"}, true},
		{[]string{"/nonexistent"}, true},
		{[]string{"sh", "-c", ready + `read x; kill -KILL $$`}, true},
		{[]string{"sh", "-c", ready + `printf '\001\0\0\0\0'`}, false},
		{[]string{"sh", "-c", ready + `read x; kill -SEGV $$`}, false},
		{[]string{"sh", "-c", ready + `read x; kill -ABRT $$`}, false},
	} {
		t.Run(fmt.Sprint(tt.command), func(t *testing.T) {
			opts := processes.Options{Command: tt.command, Timeout: time.Minute}
			if tt.command[0] == "cat" { // it never says that it is ready
				opts.Timeout = 50 * time.Millisecond
			}
			p := newPool(t, opts)
			f, err := p.Parse(t.Context(), "a.go", []byte(goFile))
			if err != nil || f.Fallback == "" || f.Late != tt.late {
				t.Fatalf("fallback %q, late %v, error %v", f.Fallback, f.Late, err)
			}
			checkTiling(t, f, []byte(goFile))
		})
	}
}

// TestWorkerThatGarbles has a worker whose answers are wrong in a few bytes: what is taken from
// them is still a tiling.
func TestWorkerThatGarbles(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(t, processes.Options{Command: []string{self, liarArg}, Workers: 1, Timeout: 10 * time.Second})
	refused := 0
	for i := range 400 {
		src := fmt.Appendf(nil, "package a\n\n// f%d\nfunc f() {\n\tif a {\n\t\tb()\n\t}\n}\n", i)
		f, err := p.Parse(t.Context(), "a.go", src)
		if err != nil {
			t.Fatal(err)
		}
		checkTiling(t, f, src)
		if f.Fallback != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no garbled answer was noticed")
	}
	t.Logf("%d of 400 answers refused", refused)
}
