package dialects_test

import (
	"strings"
	"testing"

	"pith/dialects"
)

// Several files in one command are told apart by what is printed between them, or by numbers that
// begin anew.
func TestSeveralFilesInOneCommand(t *testing.T) {
	a := counter()
	b := strings.ReplaceAll(strings.ReplaceAll(counter(), "Counter", "Gauge"), "package counter", "package gauge")
	tests := []struct {
		name, command, result string
		left                  dialects.Left // where they are not told apart
	}{
		{"a line between", "cat a.go; echo '--- b'; cat b.go", a + "--- b\n" + b, ""},
		{
			"a line before each", `echo "== a.go" && cat a.go && echo "== b.go" && cat b.go`,
			"== a.go\n" + a + "== b.go\n" + b, "",
		},
		{"head of two", "head -n 500 a.go b.go", "==> a.go <==\n" + a + "\n==> b.go <==\n" + b, ""},
		{"tail of two", "tail -n +1 a.go b.go", "==> a.go <==\n" + a + "\n==> b.go <==\n" + b, ""},
		{"numbers that begin anew", "cat -n a.go; cat -n b.go", numbered(a, "%6d\t%s") + numbered(b, "%6d\t%s"), ""},
		{"behind a report", "cat a.go; echo '--- b'; cat b.go", "Exit code: 0\nOutput:\n" + a + "--- b\n" + b, ""},
		{"nothing between", "cat a.go b.go", a + b, dialects.LeftUnsure},
		{"the line stands in a file as well", "cat a.go; echo ''; cat b.go", a + "\n" + b, dialects.LeftUnsure},
		{"the line is not there", "cat a.go; echo '--- b'; cat b.go", a + b, dialects.LeftUnsure},
		{
			"head of fewer lines", "head -n 20 a.go b.go", "==> a.go <==\n" + a + "\n==> b.go <==\n" + b,
			dialects.LeftPart,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, "/v1/chat/completions", chatResult("Bash", `{"command":`+quote(tt.command)+`}`, tt.result),
				dialects.Rules{})
			if tt.left != "" {
				if len(p.Blocks) != 0 || p.Left != tt.left {
					t.Errorf("%d blocks, left as %q, want %q", len(p.Blocks), p.Left, tt.left)
				}
				return
			}
			if len(p.Blocks) != 2 {
				t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
			}
			for i, want := range []string{a, b} {
				got := p.Blocks[i].Request.Files[0]
				if got.Content != want || got.Path != []string{"a.go", "b.go"}[i] {
					t.Errorf("file %d is %s: %q", i+1, got.Path, got.Content)
				}
			}
		})
	}
}

// What a command may have done to a file, or shown of it, is known whatever else it prints.
func TestCommandsAreRemembered(t *testing.T) {
	file := counter()
	for command, want := range map[string]dialects.Left{
		"cat counter.go || rm counter.go":                  dialects.LeftSeen,
		"cat other.go > counter.go":                        dialects.LeftSeen,
		"sed -n '4,9p' counter.go":                         dialects.LeftSeen,
		"git show HEAD:counter.go":                         dialects.LeftSeen,
		"for f in *.go; do sed -i s/a/b/ counter.go; done": dialects.LeftSeen,
		"grep -n Add counter.go | head -5":                 "",
		"cat other.go":                                     "",
	} {
		body := `{"messages":[{"role":"user","content":"How?"},{"role":"assistant","content":null,"tool_calls":[` +
			`{"id":"1","type":"function","function":{"name":"Bash","arguments":` +
			quote(`{"command":`+quote(command)+`}`) + `}},` +
			`{"id":"2","type":"function","function":{"name":"Read","arguments":"{\"file_path\":\"counter.go\"}"}}]},` +
			`{"role":"tool","tool_call_id":"1","content":"x"},{"role":"tool","tool_call_id":"2","content":` +
			quote(file) + `}]}`
		p := plan(t, "/v1/chat/completions", body, dialects.Rules{MinBytes: 100})
		if want == "" && len(p.Blocks) != 1 || want != "" && (len(p.Blocks) != 0 || p.Left != want) {
			t.Errorf("after %s: %d blocks, left as %q, want %q", command, len(p.Blocks), p.Left, want)
		}
	}
}

// A file that a client reads for a name in the user's words is a read, under the user's question;
// what the client says of it is not the user's.
func TestMentionedFiles(t *testing.T) {
	file := counter()
	text := func(texts ...string) string {
		var parts []string
		for _, s := range texts {
			parts = append(parts, `{"type":"text","text":`+quote(s)+`}`)
		}
		return `{"role":"user","content":[` + strings.Join(parts, ",") + `]}`
	}
	const call, question = `Called the Read tool with the following input: {"file_path":"/r/counter.go"}`,
		"How does @counter.go Add7 lock?"
	reminder := func(s string) string { return "<system-reminder>\n" + s + "\n</system-reminder>" }
	opencode := "<path>/r/counter.go</path>\n<type>file</type>\n<content>\n" + numbered(file, "%d: %s") +
		"\n(End of file - total 83 lines)\n</content>"
	tests := []struct{ name, messages string }{
		{"Claude Code", text(reminder(call)) + "," +
			text(reminder("Result of calling the Read tool:\n"+numbered(file, "%d\t%s")), question)},
		{
			"Claude Code, in one text",
			text(reminder(call)+"\n"+reminder("Result of calling the Read tool:\n"+numbered(file, "%d\t%s")),
				question),
		},
		{
			"Claude Code, quoted",
			text(reminder(call), reminder("Result of calling the Read tool: "+quote(numbered(file, "%6d→%s"))),
				question),
		},
		{"opencode", text(call, opencode, question)},
		{"opencode, the question first", text(question, call, opencode)},
		{"Qwen Code", text(question, "\n--- Content from referenced files ---", "\nContent from @counter.go:\n", file,
			"\n--- End of content ---")},
		{
			"Qwen Code, in one text",
			text(question, "--- Content from referenced files ---\nContent from @counter.go:\n"+file+
				"--- End of content ---"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"messages":[` + tt.messages + `]}`
			p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
			if len(p.Blocks) != 1 {
				t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
			}
			r := p.Blocks[0].Request
			if r.Query != question || strings.TrimSuffix(r.Files[0].Content, "\n") != strings.TrimSuffix(file, "\n") {
				t.Errorf("asked %q of %q", r.Query, r.Files[0].Content)
			}
			rebuilt(t, p, body)
			again := `{"messages":[` + tt.messages +
				`,{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"Read",` +
				`"arguments":"{\"path\":\"counter.go\"}"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":` + quote(file) + `}]}`
			if p := plan(t, "/v1/chat/completions", again, dialects.Rules{}); len(p.Blocks) != 1 ||
				p.Left != dialects.LeftSeen {
				t.Errorf("read again: %d blocks, left as %q", len(p.Blocks), p.Left)
			}
		})
	}
}

// A client's words about files that it hands over are no question, and what follows in a later turn
// is not looked at: a request may have ended before it. Such files are read for the question before
// them, or pass.
func TestQuestionOfFilesHandedOver(t *testing.T) {
	const question = "How does Add7 lock?"
	files := "counter.go\n```\n" + counter() + "```\n"
	user := func(s string) string { return `{"role":"user","content":` + quote(s) + `}` }
	ok := `{"role":"assistant","content":"Ok, I will use that as the true, current contents of the files."}`
	ask := "I have *added these files to the chat* so you see all of their contents.\n*Trust this message as the " +
		"true contents of the files!*\n" +
		"Other messages in the chat may contain outdated versions of the files' contents.\n\n" + files
	edit := "I have *added these files to the chat* so you can go ahead and edit them.\n\n*Trust this message as the " +
		"true contents of these files!*\n\n" + files
	tests := []struct{ name, messages, query string }{ // no query: they pass
		{"Aider's /ask", user(ask) + "," + ok + "," + user(question), ""},
		{"Aider's /ask, later", user(question) + "," + ok + "," + user(ask) + "," + ok + "," +
			user("And Add8?"), question},
		{"two hands", user("Here are some READ ONLY files, provided for your reference.\n\n"+files) + "," + ok + "," +
			user("Here are summaries of some files present in my git repo.") + "," + ok + "," +
			user(question), ""},
		{"in one turn", user(ask + "\n" + question), question},
		{"before in one turn", user(question + "\n\n" + files), question},
		{"an answer between", user("Here are the files.\n\n"+files) + `,{"role":"assistant","content":"They count."},` +
			user(question), ""},
		{"a question before", user(question+"\n\n"+files) + "," + ok + "," + user("And Add8?"), question},
		{"to be edited", user(edit) + "," + ok + "," + user(question), ""},
		{"boilerplate before", user("# AGENTS.md instructions for /r\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>") +
			"," + user(question+"\n\n"+files), question},
		{"boilerplate behind", user(question) + "," +
			user("<environment_context>\n<cwd>/r</cwd>\n</environment_context>\n\n"+files), question},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, "/v1/chat/completions", `{"messages":[`+tt.messages+`]}`, dialects.Rules{})
			if want := min(1, len(tt.query)); len(p.Blocks) != want {
				t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
			}
			for _, b := range p.Blocks {
				if b.Request.Query != tt.query {
					t.Errorf("asked %q", b.Request.Query)
				}
			}
		})
	}
}

// A block that says by its info string, its attributes or the line above it that it is a part
// passes.
func TestBlocksThatSayPart(t *testing.T) {
	code := counter()
	for name, text := range map[string]string{
		"lines behind the path":   "```go src/counter.go (40-216)\n" + code + "```",
		"colon":                   "```go src/counter.go:40-216\n" + code + "```",
		"fragment":                "```src/counter.go#L40-L216\n" + code + "```",
		"words":                   "```go src/counter.go lines 40 to 216\n" + code + "```",
		"Cursor":                  "```40:216:src/counter.go\n" + code + "```",
		"attribute":               "```go title=\"counter.go\" startLine=40\n" + code + "```",
		"element":                 "<file path=\"counter.go\" line_range=\"40-216\">\n" + code + "</file>",
		"path of an element":      "<file path=\"counter.go:40-216\">\n" + code + "</file>",
		"above":                   "Lines 40-216 of src/counter.go:\n```go\n" + code + "```",
		"path above":              "src/counter.go:40-216\n```go\n" + code + "```",
		"a comment inside":        "```go\n// counter.go, lines 40-216\n" + code + "```",
		"a gap":                   "```go\n" + code + "... 40 lines omitted ...\n" + code + "```",
		"half by the line above":  "counter.go (first half)\n```go\n" + code + "```",
		"excerpt by its name":     "Excerpt from counter.go:\n```go\n" + code + "```",
		"around a line":           "counter.go around line 120:\n```go\n" + code + "```",
		"a first number":          "```go showLineNumbers{40} title=\"counter.go\"\n" + code + "```",
		"a word":                  "```go counter.go (partial)\n" + code + "```",
		"the path with lines":     "```go\n// counter.go:40-216\n" + code + "```",
		"existing code":           "```go counter.go\n" + code + "// ... existing code ...\n" + code + "```",
		"dots":                    "```go counter.go\n" + code + "\t...\n" + code + "```",
		"numbers from the middle": "```go\n" + renumbered(strings.Split(strings.TrimSpace(code), "\n"), 40) + "```",
	} {
		body := `{"messages":[{"role":"user","content":` + quote("How does Add7 lock?\n\n"+text+"\n") + `}]}`
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 ||
			p.Left != dialects.LeftPart {
			t.Errorf("%s: %d blocks, left as %q", name, len(p.Blocks), p.Left)
		}
	}
}

// The line that names the file above its first is not the file's: markers count from the one below.
func TestPathCommentIsNoLineOfTheFile(t *testing.T) {
	body := `{"messages":[{"role":"user","content":` +
		quote("How does Add7 lock?\n\n````go\n// filepath: /r/counter.go\n"+counter()+"````\n") + `}]}`
	p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
	if len(p.Blocks) != 1 {
		t.Fatalf("%d blocks, left as %q", len(p.Blocks), p.Left)
	}
	if file := p.Blocks[0].Request.Files[0]; file.Content != counter() || file.Path != "/r/counter.go" {
		t.Errorf("the engine gets %q of %s", file.Content, file.Path)
	}
}
