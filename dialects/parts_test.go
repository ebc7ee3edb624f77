package dialects_test

import (
	"fmt"
	"strings"
	"testing"

	"pith/dialects"
)

// What is a part, or may be one, and what has numbers that are not understood, passes with a reason
// that is true.
func TestPartsPass(t *testing.T) {
	file := counter()
	lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
	n := len(lines)
	half := strings.Join(lines[:n/2], "")
	cut := strings.Join(lines[:30], "")
	bash := func(command string) string { return `{"command":` + quote(command) + `}` }
	const path = `{"file_path":"/r/counter.go"}`
	tests := []struct {
		name, tool, args, result string
		want                     dialects.Left
	}{
		{
			"a range deep in the arguments", "read_file", `{"files":[{"path":"counter.go","line_ranges":[[1,80]]}]}`,
			file, dialects.LeftPart,
		},
		{"an unknown limit", "read_file", `{"path":"counter.go","maxBytesToRead":500}`, file, dialects.LeftPart},
		{"a range in the path", "read_file", `{"path":"counter.go:1-80"}`, file, dialects.LeftPart},
		{"a fragment in the path", "read_file", `{"path":"counter.go#L1-L80"}`, file, dialects.LeftPart},
		{
			"lines of more", "Read", path, fmt.Sprintf("Showing lines 1-%d of 900 total lines.\n\n---\n\n", n) + file,
			dialects.LeftPart,
		},
		{"numbered lines of more", "Read", path, numbered(file, "%d: %s") +
			"\n(Showing lines 1-83 of 900. Use offset=84 to continue.)\n", dialects.LeftPart},
		{"more by the count", "Read", path, numbered(file, "%d: %s") + "\n(File has 900 lines)\n", dialects.LeftPart},
		{"a reminder of a cut", "Read", path, numbered(file, "%d\t%s") +
			"<system-reminder>\nThe file was too large and has been truncated.\n</system-reminder>", dialects.LeftPart},
		{
			"a cut in the middle", "Read", path, cut + "… 40 lines truncated …\n" + strings.Join(lines[60:], ""),
			dialects.LeftPart,
		},
		{
			"a cut inside a line", "shell", bash("cat counter.go"), cut + "\tc.…3568 chars truncated…eturn c.n\n}\n",
			dialects.LeftPart,
		},
		{
			"a cut with brackets", "Read", path, cut + "[... 40 lines omitted ...]\n" + strings.Join(lines[60:], ""),
			dialects.LeftPart,
		},
		{"ends in the middle", "Read", path, strings.Join(lines[:33], ""), dialects.LeftPart},
		{"ends in a notice", "Read", path, half + "\tc.mu... [truncated]", dialects.LeftPart},
		{"numbers from 40", "Read", path, renumbered(lines[39:], 40), dialects.LeftPart},
		{
			"numbers with a gap", "Read", path, renumbered(lines[:50], 1) + "...\n" + renumbered(lines[60:], 61),
			dialects.LeftUnsure,
		},
		{"numbers of every fifth line", "Read", path, margin(lines), dialects.LeftUnsure},
		{"numbers of lines that are not blank", "Bash", bash("nl counter.go"), sparse(lines), dialects.LeftUnsure},
		{
			"a heading that is not understood", "Read", path, "The file has been read successfully.\n" + file,
			dialects.LeftUnsure,
		},
		{"a report without an end", "shell", bash("cat counter.go"), "Exit code: 0\n" + file, dialects.LeftUnsure},
		{"a failure behind", "shell", bash("cat counter.go"), file + "Exit Code: 1\n", dialects.LeftNoCode},
		{
			"JSON of a failure", "bash", bash("cat counter.go"), `{"returncode": 1, "output": ` + quote(file) + `}`,
			dialects.LeftNoCode,
		},
		{
			"JSON that says part", "bash", bash("cat counter.go"), `{"output": ` + quote(file) + `, "truncated": true}`,
			dialects.LeftPart,
		},
		{
			"JSON of two texts", "bash", bash("cat counter.go"), `{"stdout": ` + quote(file) + `, "stderr": "a\nb"}`,
			dialects.LeftUnsure,
		},
		{
			"JSON with words of a part", "bash", bash("cat counter.go"),
			`{"content": ` + quote(file) + `, "message": "This is longer than what is shown."}`, dialects.LeftPart,
		},
		{
			"JSON with a note of a part in any words", "bash", bash("cat counter.go"),
			`{"content": ` + quote(file) + `, "note": "This is the first third of it."}`, dialects.LeftPart,
		},
		{
			"a heading that begins no code", "Read", path, "-- 43% of file --\n" + file, dialects.LeftUnsure,
		},
		{
			"a cut between brackets in any words", "Bash", bash("cat counter.go"),
			cut + "<output too long, middle dropped>\n" + strings.Join(lines[60:], ""), dialects.LeftPart,
		},
		{
			"a cut between rules in any words", "Bash", bash("cat counter.go"),
			cut + "[[ 30 lines not printed ]]\n" + strings.Join(lines[60:], ""), dialects.LeftPart,
		},
		{
			"a heading in small letters", "Read", path, "successfully downloaded text file (SHA: abcd)\n" + file,
			dialects.LeftUnsure,
		},
		{
			"two lines that disagree", "Read", path, fmt.Sprintf("Total lines: 900\nShowing lines 1 to %d\n", n) +
				numbered(file, "%d: %s"), dialects.LeftPart,
		},
		{"two files without a line between", "Bash", bash("cat a.go b.go"), file + file, dialects.LeftUnsure},
		{
			"something else printed before", "Bash", bash("ls && cat counter.go"), "counter.go\n" + file,
			dialects.LeftUnsure,
		},
		{"head of as many lines", "Bash", bash(fmt.Sprintf("head -n %d counter.go", n)), file, dialects.LeftPart},
		{"bat of a range", "Bash", bash("bat --line-range=5: counter.go"), file, dialects.LeftUnsure},
		{
			"more of a heading", "Read", path, "path: counter.go\nsha256: 9f86d0\n---\n" + file,
			dialects.LeftUnsure,
		},
		{
			"a heading that is no comment of the language", "Read", path, "--- /r/counter.go ---\n\n" + file,
			dialects.LeftUnsure,
		},
		{"sed of a range", "Bash", bash("sed -n '5,400p' counter.go"), file, dialects.LeftUnsure},
		{"two reads in a script", "exec", "const a = await tools.exec_command({cmd:\"cat a.go\"}); const b = await " +
			"tools.exec_command({cmd:\"cat b.go\"}); text(a.output); text(b.output)", file + file, dialects.LeftUnsure},
		{"a part in a script", "exec", "const a = await tools.exec_command({cmd:\"cat a.go\"}); " +
			"text(a.output.slice(0, 900))", file, dialects.LeftUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, "/v1/chat/completions", chatResult(tt.tool, tt.args, tt.result), dialects.Rules{})
			if len(p.Blocks) != 0 || p.Left != tt.want {
				t.Errorf("%d blocks, left as %q, want %q", len(p.Blocks), p.Left, tt.want)
			}
		})
	}
}

// Remarks about what is not there are known by their words, wherever they stand, in whatever dress;
// a file that ends in words that no code is made of is in doubt.
func TestRemarksOfAnyForm(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(counter(), "\n"), "\n")
	head, tail := strings.Join(lines[:27], ""), strings.Join(lines[51:], "")
	for _, between := range []string{
		"[99 lines]", "… +99 lines", "~~~ snip ~~~", "✂ 99 lines ✂", "⋮", "⋮----", "...", ". . .", "[cut]",
		"// ... existing code ...", "// ... rest of the code ...", "<truncated_content>", "==== middle removed ====",
		"Output too long, middle part cut", "{99 more}", "*** 99 lines deleted ***", `<omitted lines="99"/>`,
		"── 99 lines ──", "<error>output truncated</error>", "skipping 99 lines", "[101-199]", "L101-L199",
	} {
		body := chatResult("Read", `{"path":"/r/counter.go"}`, head+between+"\n"+tail)
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 ||
			p.Left != dialects.LeftPart {
			t.Errorf("%s in the middle: %d blocks, left as %q", between, len(p.Blocks), p.Left)
		}
	}
	for behind, want := range map[string]dialects.Left{
		"Chunk 1/2": dialects.LeftPart, "lines=1-200": dialects.LeftPart, "50% of the file": dialects.LeftPart,
		"... and 199 more": dialects.LeftPart, "counter.go (head)": dialects.LeftPart,
		"total_lines: 399": dialects.LeftPart,
		"counter.go:1-200": dialects.LeftPart, "has_more: true": dialects.LeftPart, "--More--": dialects.LeftPart,
		"Continue with start_line=201": dialects.LeftPart, "Limit reached.": dialects.LeftPart,
		"next_cursor: abc": dialects.LeftPart, "显示第 1-200 行，共 399 行": dialects.LeftPart,
		"all done here": dialects.LeftUnsure,
	} {
		body := chatResult("Read", `{"path":"/r/counter.go"}`, head+"\n"+behind+"\n")
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 || p.Left != want {
			t.Errorf("%s behind: %d blocks, left as %q, want %q", behind, len(p.Blocks), p.Left, want)
		}
	}
}

// What a call's arguments say of a range, of a place or of another form is known by any name and by
// the shape of a value; what says nothing of the file does not count.
func TestArgumentsThatSayPart(t *testing.T) {
	for args, part := range map[string]bool{
		`"lineno":40`: true, `"span":"40-216"`: true, `"region":[40,216]`: true, `"view":"40:216"`: true,
		`"mode":"outline"`: true, `"focus":"L40-L216"`: true, `"fromLine":1`: true, `"part":"2/3"`: true,
		`"symbol":"Add7"`: true, `"symbols":["Add7"]`: true,
		`"opts":{"a":[40,216]}`: true, `"compact":true`: true, `"budget":500`: true,
		`"depth":3`: true, `"signatures_only":true`: true, `"compact":false`: false, `"encoding":"utf-8"`: false,
		`"timeout_ms":500`: false, `"explanation":"I want lines 40-216"`: false, `"show_line_numbers":true`: false,
	} {
		body := chatResult("read_file", `{"path":"/r/counter.go",`+args+`}`, counter())
		p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
		if part && (len(p.Blocks) != 0 || p.Left != dialects.LeftPart) || !part && len(p.Blocks) != 1 {
			t.Errorf("%s: %d blocks, left as %q", args, len(p.Blocks), p.Left)
		}
	}
}

// Numbers in a dress that is not understood, the path before them included, are in doubt.
func TestNumbersInAnyDress(t *testing.T) {
	for _, format := range []string{
		"`%d` %s", "+%d\t%s", "- %d: %s", "...%d %s", "*%d* %s", "counter.go:%d:%s", "\x1b[38;5;244m%4d\x1b[0m %s",
	} {
		body := chatResult("Read", `{"path":"/r/counter.go"}`, "Here it is.\n\n"+numbered(counter(), format))
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 ||
			p.Left != dialects.LeftUnsure {
			t.Errorf("%q: %d blocks, left as %q", format, len(p.Blocks), p.Left)
		}
	}
}

// A result that the client marks as failed passes, whatever it looks like.
func TestFailedResultsPass(t *testing.T) {
	result := func(failed string) string {
		return `{"model":"m","messages":[{"role":"user","content":"How does Add7 lock?"},` +
			`{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"Read",` +
			`"input":{"path":"/r/counter.go"}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a",` + failed + `"content":` +
			quote(counter()) + `}]}]}`
	}
	if p := plan(t, "/v1/messages", result(""), dialects.Rules{}); len(p.Blocks) != 1 {
		t.Errorf("a whole file is %d blocks, left as %q", len(p.Blocks), p.Left)
	}
	if p := plan(t, "/v1/messages", result(`"is_error":true,`), dialects.Rules{}); len(p.Blocks) != 0 {
		t.Error("a failed result is to be compressed")
	}
}

func renumbered(lines []string, from int) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "%d\t%s\n", from+i, strings.TrimSuffix(line, "\n"))
	}
	return b.String()
}

func margin(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i%5 == 4 {
			fmt.Fprintf(&b, "%4d  %s", i+1, line)
		} else {
			b.WriteString("      " + line)
		}
	}
	return b.String()
}

func sparse(lines []string) string {
	var b strings.Builder
	n := 0
	for _, line := range lines {
		if line == "\n" {
			b.WriteString("       \n")
			continue
		}
		n++
		fmt.Fprintf(&b, "%6d\t%s", n, line)
	}
	return b.String()
}
