package dialects_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pith/compress"
	"pith/dialects"
)

// counter is a Go file of some 80 lines.
func counter() string {
	var b strings.Builder
	b.WriteString("package counter\n\nimport \"sync\"\n")
	for i := range 10 {
		fmt.Fprintf(&b, "\n// Add%d adds %d.\nfunc (c *Counter) Add%d() int {\n\tc.mu.Lock()\n\tdefer "+
			"c.mu.Unlock()\n\tc.n += %d\n\treturn c.n\n}\n", i, i, i, i)
	}
	return b.String()
}

// numbered is file with each line in the form of format: number, then text.
func numbered(file, format string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(file, "\n"), "\n") {
		fmt.Fprintf(&b, format+"\n", i+1, line)
	}
	return b.String()
}

// chatResult is a chat in which a tool returned result.
func chatResult(name, args, result string) string {
	return `{"model":"m","messages":[{"role":"user","content":"How does Add7 ` +
		`lock?"},{"role":"assistant","content":null,"tool_calls":[` +
		`{"id":"c1","type":"function","function":{"name":` + quote(name) + `,"arguments":` + quote(args) + `}}]},` +
		`{"role":"tool","tool_call_id":"c1","content":` + quote(result) + `}]}`
}

const marker = "// ... lines 10-20 omitted"

// omit is what an engine returns that leaves lines 10 to 20 out.
func omit(req compress.Request) compress.Result {
	lines := strings.SplitAfter(req.Files[0].Content, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	text := strings.Join(lines[:9], "") + marker + "\n" + strings.Join(lines[20:], "")
	return compress.Result{
		Files:  []compress.FileResult{{Text: text}},
		Chunks: []compress.ChunkResult{{KeptLines: [][2]int{{1, 9}, {21, len(lines)}}}},
	}
}

// rebuilt is the edit that leaves lines 10 to 20 of a plan's one block out.
func rebuilt(t *testing.T, p dialects.Plan, body string) dialects.Edit {
	t.Helper()
	groups := p.Groups()
	edits, errs := groups[0].Rebuild([]byte(body), omit(groups[0].Request))
	if len(groups) != 1 || len(edits) != 1 || errs[0] != nil {
		t.Fatalf("%d groups, rebuilt: %v", len(groups), errs)
	}
	return edits[0]
}

// lastText is the text of a chat's last message.
func lastText(t *testing.T, body []byte) string {
	t.Helper()
	var chat struct{ Messages []struct{ Content string } }
	if err := json.Unmarshal(body, &chat); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return chat.Messages[len(chat.Messages)-1].Content
}

// without is text with line 10 to 20 of the file, as from and to begin and end them there, replaced
// by a marker.
func without(t *testing.T, text, file string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	want := strings.Split(file, "\n")[9:20]
	for at := range lines {
		if at+len(want) > len(lines) {
			break
		}
		same := true
		for i, line := range want {
			same = same && strings.HasSuffix(strings.TrimRight(lines[at+i], " \t\r"),
				strings.TrimRight(strings.TrimLeft(line, "\t"), " \t"))
		}
		const add = "func (c *Counter) Add0()"
		if same && strings.Contains(lines[at], add) == strings.Contains(want[0], add) {
			return strings.Join(lines[:at], "\n") + "\n" + marker + "\n" + strings.Join(lines[at+len(want):], "\n")
		}
	}
	t.Fatal("the test's own text does not hold the file")
	return ""
}

// A file in any numbered form, in any agent's wrapping, is found with the numbers of its own lines,
// and every line that is not the file's stays where it was.
func TestWholeFilesAreFound(t *testing.T) {
	file := counter()
	whole := strings.TrimSuffix(file, "\n")
	n := strings.Count(file, "\n")
	expand := func(s string) string { return strings.ReplaceAll(s, "\t", "        ") }
	bash := func(command string) string { return `{"command":` + quote(command) + `}` }
	const path = `{"file_path":"/r/counter.go"}`
	tests := []struct {
		name, tool, args, result string
		content                  string // where not the file
	}{
		{name: "arrow", result: numbered(file, "%6d→%s")},
		{name: "tab", result: numbered(file, "%d\t%s")},
		{name: "tab, last number of an empty line", result: numbered(file, "%d\t%s") + fmt.Sprintf("%d\t", n+1)},
		{name: "arrow, last number of an empty line", result: numbered(file, "%6d→%s") + fmt.Sprintf("%6d→", n+1)},
		{
			name: "two empty lines at the end", result: numbered(file+"\n", "%d\t%s") + fmt.Sprintf("%d\t", n+2),
			content: file + "\n",
		},
		{name: "colon", result: numbered(file, "%d: %s")},
		{name: "bare colon", result: numbered(file, "%d:%s")},
		{name: "dot", result: numbered(file, "%d. %s")},
		{name: "bar", result: numbered(file, "%d|%s")},
		{name: "padded bar", result: numbered(file, "%4d | %s")},
		{name: "padded behind", result: numbered(file, "%-4d | %s")},
		{name: "zeros", result: numbered(file, "%05d| %s")},
		{name: "bracket", result: numbered(file, "[%d] %s")},
		{name: "padded bracket", result: numbered(file, "[%3d] %s")},
		{name: "byte order mark", result: "\ufeff" + numbered(file, "%d: %s")},
		{name: "byte order mark of the file", result: "\ufeff" + file, content: "\ufeff" + file},
		{name: "a JSON string", result: quote(file)},
		{
			name: "JetBrains", tool: "get_file_text_by_path", args: `{"pathInProject":"counter.go"}`,
			result: file,
		},
		{name: "parenthesis", result: numbered(file, "%3d) %s")},
		{name: "L", result: numbered(file, "L%d: %s")},
		{name: "Line", result: numbered(file, "Line %d: %s")},
		{name: "box", result: numbered(file, "%5d │ %s")},
		{name: "spaces", result: numbered(expand(file), "%6d  %s"), content: expand(file)},
		{name: "hash", result: hashed(file)},
		{name: "blank lines without their mark's blank", result: trimLines(numbered(file, "%d: %s"))},
		{name: "nl", tool: "Bash", args: bash("nl -ba counter.go"), result: numbered(file, "%6d\t%s")},

		{name: "Claude Code", result: numbered(file, "%d\t%s") +
			"\n<system-reminder>\nMind the limits.\n</system-reminder>\n"},
		{name: "opencode", result: "<path>/r/counter.go</path>\n<type>file</type>\n<content>\n" +
			numbered(file, "%d: %s") +
			fmt.Sprintf("\n(End of file - total %d lines)\n</content>", n)},
		{name: "many headings", result: "One\nTwo\nThree\nFour\nFive\nSix of them\n\n" + numbered(file, "%d. %s") +
			"\n\nDone.\nBye.\n"},
		{name: "Continue", result: "Content of /r/counter.go:\n" + file},
		{name: "Continue, fenced", result: "Content of counter.go:\n```go\n" + file + "```\n"},
		{name: "whole by its count", result: fmt.Sprintf("Read %d lines from counter.go\n\n", n) + file},
		{
			name: "whole by range and count",
			result: fmt.Sprintf("File: `counter.go`. Lines 1 to %d (%d lines total): \n", n, n) +
				"```go\n" + file + "```",
		},
		{name: "range and count on lines of their own", result: fmt.Sprintf(
			"File Path: `file:///r/counter.go`\nTotal Lines: %d\nShowing lines 1 to %d\n", n, n) +
			numbered(file, "%d: %s") + "The above content shows the entire, complete file.\n"},
		{name: "a count in brackets", result: fmt.Sprintf(
			"[Reading %d lines from start (total: %d lines, 0 remaining)]\n\n", n, n) + file},
		{name: "bars", result: numbered(file, "%d|| %s")},
		{
			name: "an editor's view", tool: "text_editor", args: `{"command":"view","path":"counter.go"}`,
			result: "### counter.go\n```go\n" + numbered(file, "%d: %s") + "```\n",
		},
		{name: "whole by its range", result: fmt.Sprintf("Showing lines 1-%d of %d total lines.\n", n, n) +
			numbered(file, "%d|%s")},
		{name: "element", result: "<file_content path=\"counter.go\">\n" + file + "</file_content>\n"},
		{
			name: "mini-swe-agent 1", tool: "bash", args: bash("cat counter.go"),
			result: "<returncode>0</returncode>\n<output>\n" + file + "</output>",
		},
		{
			name: "mini-swe-agent 2", tool: "bash", args: bash("cat counter.go"),
			result: `{"returncode": 0, "output": ` + quote(file) + `, "exception_info": ""}`,
		},
		{
			name: "JSON inside JSON", tool: "bash", args: bash("cat counter.go"),
			result: `{"content":[{"type":"text","text":` + quote(file) + `}],"truncated":false}`,
		},
		{
			name: "Codex", tool: "exec_command", args: `{"cmd":"cat counter.go"}`,
			result: "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 0\nOriginal token count: " +
				"9\nOutput:\n" + file,
		},
		{
			name: "Codex script", tool: "exec",
			args:   "const r = await tools.exec_command({cmd: \"cat counter.go\"});\ntext(r.output);",
			result: "Script completed\nWall time 0.1 seconds\nOutput:\n" + file,
		},
		{
			name: "Qwen shell", tool: "run_shell_command", args: bash("cat counter.go"),
			result: "Command: cat counter.go\nDirectory: (root)\nOutput: " + whole +
				"\nError: (none)\nExit Code: 0\nSignal: 0\nProcess Group PGID: 9",
		},
		{
			name: "Qwen shell, numbered", tool: "run_shell_command", args: bash("cat -n counter.go"),
			result: "Command: cat -n counter.go\nDirectory: (root)\nOutput: " + numbered(expand(file), "%6d  %s") +
				"Error: (none)\nExit Code: 0", content: expand(file),
		},
		{name: "errors away", tool: "Bash", args: bash("cat counter.go 2>/dev/null"), result: file},
		{name: "semicolon", tool: "Bash", args: bash("cat counter.go;"), result: file},
		{name: "or else", tool: "Bash", args: bash("cat 'counter.go' 2>&1 || echo missing"), result: file},
		{name: "into head", tool: "Bash", args: bash("cd /r && cat counter.go | head -n 400"), result: file},
		{name: "sed", tool: "Bash", args: bash("sed -n '1,400p' counter.go"), result: file},
		{name: "sed to the end", tool: "Bash", args: bash("sed -n '1,$p' counter.go"), result: file},
		{name: "head", tool: "Bash", args: bash("head -400 counter.go"), result: file},
		{name: "tail from one", tool: "Bash", args: bash("tail -n +1 counter.go"), result: file},
		{name: "git show", tool: "Bash", args: bash("git --no-pager show HEAD~2:counter.go"), result: file},
		{name: "a comment before", tool: "Bash", args: bash("# look at it\ncat counter.go"), result: file},
		{
			name: "a line before", tool: "Bash", args: bash("echo '== counter.go' && cat counter.go"),
			result: "== counter.go\n" + file,
		},
		{name: "vector", tool: "shell", args: `{"command":["bash","-lc","cat counter.go"]}`, result: file},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.tool == "" {
				tt.tool, tt.args = "Read", path
			}
			if tt.content == "" {
				tt.content = file
			}
			body := chatResult(tt.tool, tt.args, tt.result)
			p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
			if len(p.Blocks) != 1 {
				t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
			}
			b := p.Blocks[0]
			file := b.Request.Files[0]
			if strings.TrimSuffix(file.Content, "\n") != strings.TrimSuffix(tt.content, "\n") ||
				!strings.HasSuffix(file.Path, "counter.go") {
				t.Fatalf("the engine gets %q of %s", file.Content, file.Path)
			}
			reads := slices.Contains([]string{"Read", "text_editor", "get_file_text_by_path"}, tt.tool)
			way := b.Request.WayBack
			if !strings.Contains(way, "to see such lines") || strings.Contains(way, "sed") == reads {
				t.Errorf("the way back is %q", way)
			}
			edit := rebuilt(t, p, body)
			got := lastText(t, dialects.Splice([]byte(body), []dialects.Edit{edit}))
			want := tt.result
			if strings.ContainsAny(want[:1], `{"`) { // compare what the inner string says
				got, want = unquoteAll(got), unquoteAll(want)
			}
			if got != without(t, want, tt.content) {
				t.Errorf("sent\n%s\nfor\n%s", got, want)
			}
		})
	}
}

// A heading written with escapes hides where the file begins on its line. Nothing may then be cut
// in two.
func TestHeadingInEscapesIsNotCut(t *testing.T) {
	result := "Command: cat counter.go\nOutput: " + counter()
	body := strings.Replace(chatResult("shell", `{"command":"cat counter.go"}`, result), "Output: ", `\u004futput: `, 1)
	p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
	if len(p.Blocks) != 1 {
		t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
	}
	if _, errs := p.Groups()[0].Rebuild([]byte(body), omit(p.Blocks[0].Request)); !errors.Is(
		errs[0], dialects.ErrUnaligned) {
		t.Errorf("rebuilt: %v", errs)
	}
}

func hashed(file string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(file, "\n"), "\n") {
		fmt.Fprintf(&b, "%d:%02x|%s\n", i+1, (i*37+len(line))%256, line)
	}
	return b.String()
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// unquoteAll undoes the escapes of strings in JSON.
func unquoteAll(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`).Replace(s)
}
