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
			dialects.LeftNoCode,
		},
		{"two files without a line between", "Bash", bash("cat a.go b.go"), file + file, dialects.LeftUnsure},
		{
			"something else printed before", "Bash", bash("ls && cat counter.go"), "counter.go\n" + file,
			dialects.LeftUnsure,
		},
		{"head of as many lines", "Bash", bash(fmt.Sprintf("head -n %d counter.go", n)), file, dialects.LeftPart},
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
