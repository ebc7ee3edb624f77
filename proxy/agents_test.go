package proxy_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestToolResults(t *testing.T) {
	read := func(name, args, result string) []turn {
		return []turn{
			{user: "Why does f007 fail?"},
			{say: "Let me look.", calls: []toolCall{{id: "c1", name: name, args: args, result: result}}},
		}
	}
	code := source(40)
	withUser := func(user string, rest []turn) []turn { rest[0].user = user; return rest }
	after := func(first toolCall, rest []turn) []turn {
		first.id = "c0"
		return append([]turn{rest[0], {say: "First this.", calls: []toolCall{first}}}, rest[1:]...)
	}
	whole := read("Read", `{"file_path":"/repo/main.go"}`, numberedSource(40, "→"))
	tests := []struct {
		name  string
		turns []turn
		want  int // compressed blocks
	}{
		{
			"Claude Code",
			read(
				"Read",
				`{"file_path":"/repo/main.go"}`,
				numberedSource(40, "→")+"\n<system-reminder>\nBe careful.\n</system-reminder>\n",
			),
			1,
		},
		{"Claude Code with tabs", read("Read", `{"file_path":"/repo/main.go"}`, numberedSource(40, "\t")), 1},
		{
			"Codex cat",
			read(
				"shell",
				`{"command":["bash","-lc","cat main.go"]}`,
				"Exit code: 0\nWall time: 0 seconds\nOutput:\n"+code,
			),
			1,
		},
		{
			"Codex exec",
			read(
				"exec_command",
				`{"cmd":"cat -n src/main.go"}`,
				"Chunk ID: a\nWall time: 0.1 seconds\nProcess exited with code 0\nOriginal token count: 900\n"+
					"Output:\n"+numberedSource(
					40,
					"\t",
				),
			),
			1,
		},
		{"cd and cat", read("Bash", `{"command":"cd /repo && cat main.go","description":"read"}`, code), 1},
		{
			"Cline",
			read("read_file", `{"path":"main.go"}`, "<file_content path=\"main.go\">\n"+numberedSource(40, " | ")+
				"</file_content>\n"), 1,
		},
		{
			"opencode",
			read("read", `{"filePath":"/repo/main.go"}`,
				"<file>\n"+strings.NewReplacer("     ", "00000", "    ", "0000").Replace(numberedSource(40, "| "))+
					"\n(End of file - total 40 lines)\n</file>"), 1,
		},
		{
			"Cursor",
			read("read_file", `{"target_file":"main.go","should_read_entire_file":true,"start_line_one_indexed":1,`+
				`"end_line_one_indexed_inclusive":9}`, code), 1,
		},
		{"Continue", read("builtin_read_file", `{"filepath":"main.go"}`, code), 1},
		{"Gemini", read("read_file", `{"absolute_path":"/repo/main.go"}`, code), 1},
		{"MCP file server", read("mcp__filesystem__read_text_file", `{"path":"/repo/main.go"}`, code), 1},
		{
			"text editor",
			read(
				"str_replace_based_edit_tool",
				`{"command":"view","path":"/repo/main.go"}`,
				"Here's the result of running `cat -n` on /repo/main.go:\n"+numberedSource(40, "\t"),
			),
			1,
		},
		{"fenced", read("view_file", `{"path":"main.go"}`, "```go\n"+code+"```"), 1},

		{"offset", read("Read", `{"file_path":"/repo/main.go","offset":1,"limit":40}`, numberedSource(40, "→")), 0},
		{
			"view range",
			read(
				"str_replace_based_edit_tool",
				`{"command":"view","path":"/repo/main.go","view_range":[1,40]}`,
				numberedSource(40, "\t"),
			),
			0,
		},
		{"lines from the middle", read("Read", `{"file_path":"/repo/main.go"}`, numberedSource(80, "→")[2000:]), 0},
		{"sed", read("Bash", `{"command":"sed -n '1,200p' main.go"}`, code), 1},
		{"head", read("Bash", `{"command":"head -100 main.go"}`, code), 1},
		{"cat of two", read("Bash", `{"command":"cat a.go b.go"}`, code), 0},
		{"cat into a pipe", read("Bash", `{"command":"cat a.go | grep f"}`, code), 0},
		{"cat of a glob", read("Bash", `{"command":"cat *.go"}`, code), 0},
		{"failed command", read("shell", `{"command":["cat","main.go"]}`, "Exit code: 1\nOutput:\n"+code), 0},
		{"error in words", read("Read", `{"file_path":"/repo/main.go"}`, "Error: too large\n"+code), 0},
		{"file not found", read("Read", `{"file_path":"/repo/main.go"}`, "File not found\n"+code), 0},
		{"search", read("Grep", `{"pattern":"f007","path":"/repo/main.go"}`, code), 0},
		{"JSON file", read("Read", `{"file_path":"/repo/a.json"}`, numberedSource(40, "→")), 0},
		{
			"JSON in another file",
			read("Read", `{"file_path":"/repo/a.go"}`, "{\n \"a\": [\n"+strings.Repeat("  1,\n", 200)+"1]}"),
			0,
		},
		{"diff", read("Read", `{"file_path":"/repo/a.go"}`, "diff --git a/x b/x\n"+code), 0},
		{"prose", read("Read", `{"file_path":"/repo/README.md"}`, code), 0},
		{"unknown tool", read("teleport", `{"path":"main.go"}`, code), 0},

		{
			"second read",
			append(
				whole,
				turn{
					say: "Again.",
					calls: []toolCall{
						{id: "c2", name: "Read", args: `{"file_path":"main.go"}`, result: numberedSource(40, "→")},
					},
				},
			),
			1,
		},
		{"two reads at once", []turn{{user: "Why?"}, {calls: []toolCall{
			{id: "c1", name: "Read", args: `{"file_path":"main.go"}`, result: code},
			{id: "c2", name: "Read", args: `{"file_path":"./main.go"}`, result: code},
			{id: "c3", name: "Read", args: `{"file_path":"other.go"}`, result: code},
		}}}, 2},
		{
			"read of what the user showed",
			withUser("Why?\n```go main.go\n"+code+"```\n", read("Read", `{"file_path":"/repo/main.go"}`, code)),
			1,
		},
		{
			"after a ranged read",
			after(
				toolCall{name: "Read", args: `{"file_path":"/repo/main.go","offset":3}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			0,
		},
		{
			"after an edit",
			after(
				toolCall{name: "Edit", args: `{"file_path":"/repo/main.go","old_string":"a","new_string":"b"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			0,
		},
		{
			"after a write elsewhere",
			after(
				toolCall{name: "Write", args: `{"file_path":"/repo/other.go","content":"x"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			1,
		},
		{
			"after a patch",
			after(
				toolCall{name: "apply_patch", args: `{"input":"*** Begin Patch\n*** Update File: main.go\n"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			0,
		},
		{
			"after sed -i",
			after(
				toolCall{name: "Bash", args: `{"command":"sed -i s/a/b/ main.go"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			0,
		},
		{
			"after a redirect",
			after(
				toolCall{name: "Bash", args: `{"command":"echo x >> main.go"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			0,
		},
		{
			"after an edit in words",
			append(
				[]turn{
					{user: "Why?"},
					{say: "<replace_in_file>\n<path>main.go</path>\n<diff>x</diff>\n</replace_in_file>"},
				},
				read("Read", `{"file_path":"/repo/main.go"}`, code)[1:]...),
			0,
		},
		{
			"files that Aider wants edited",
			[]turn{{user: "I have *added these files to the chat* so you can go ahead and edit them.\n\n" +
				"*Trust this message as the true contents of these files!*\n\nmain.go\n```\n" + code + "```\n"}},
			0,
		},
		{
			"files that Aider shows",
			[]turn{
				{
					user: "Here are some READ ONLY files, provided for your reference.\n\nmain.go\n" +
						"```\n" + code + "```\n",
				},
			},
			0, // what is asked about them comes later
		},
		{
			"after a look",
			after(
				toolCall{name: "Bash", args: `{"command":"grep -n f007 main.go 2>/dev/null | head -5"}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			1,
		},
		{
			"after a plan",
			after(
				toolCall{name: "TodoWrite", args: `{"todos":[{"content":"read main.go"}]}`},
				read("Read", `{"file_path":"/repo/main.go"}`, code),
			),
			1,
		},
	}
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for _, w := range wordings() {
		for _, tt := range tests {
			t.Run(w.name+"/"+tt.name, func(t *testing.T) {
				body := w.render(tt.turns)
				if !json.Valid([]byte(body)) {
					t.Fatalf("the test's own body is not JSON: %s", body)
				}
				res, _ := post(t, client, base+w.path, body)
				got := string(u.last(t).body)
				if n := strings.Count(got, "omitted") / 13; n != tt.want {
					t.Errorf(
						"%d blocks compressed, want %d (%s)\n%s",
						n,
						tt.want,
						res.Header.Get("X-Pith-Decision"),
						got,
					)
				}
				checkEdited(t, body, got)
			})
		}
	}
}

func TestFailedToolResultPasses(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	body := messagesBody(
		[]turn{
			{user: "Why?"},
			{
				calls: []toolCall{
					{id: "c1", name: "Read", args: `{"file_path":"a.go"}`, result: source(40), failed: true},
				},
			},
		},
	)
	post(t, client, base+"/v1/messages", body)
	if got := string(u.last(t).body); got != body {
		t.Error("a result that is an error was changed")
	}
}
