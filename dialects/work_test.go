package dialects_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"pith/dialects"
)

// repeated is text of about n bytes, made of f(0), f(1) and so on.
func repeated(n int, f func(i int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(f(i))
	}
	return b.String()
}

// shapes are request bodies of about n bytes, each of one kind of element and as many of it as
// there is room for.
var shapes = map[string]struct {
	path string
	body func(n int) string
}{
	"fences with paths":    said(func(i int) string { return fmt.Sprintf("```go src/f%d.go\nx\n```\n", i) }),
	"fences of one name":   said(func(i int) string { return fmt.Sprintf("```go d%d/f.go\nx\n```\n", i) }),
	"headings over fences": said(func(i int) string { return fmt.Sprintf("### f%d.go\n```\nx\n```\n", i) }),
	"empty fences":         said(func(int) string { return "```\n```\n" }),
	"unclosed fences":      said(func(i int) string { return strings.Repeat("`", 3+i%700) + "go\n" }),
	"fences that shrink":   {"/v1/chat/completions", shrinkingFences},
	"fences of two kinds":  said(func(i int) string { return []string{"```go\n", "~~~~go\n", "~~~x\n"}[i%3] }),
	"closers of all sizes": said(func(i int) string { return strings.Repeat("~", 3+i%900) + "\n" }),
	"elements":             said(func(i int) string { return fmt.Sprintf("<file path=\"f%d.go\">\nx\n</file>\n", i) }),
	"unclosed elements": said(
		func(i int) string { return "<" + []string{"file", "document", "file_content"}[i%3] + ">\n" }),
	"documents": said(
		func(int) string { return "<document>\n<source>a.go</source>\n<document_content>\nx\n" }),
	"agents' elements": said(
		func(i int) string { return []string{"<system-reminder>", "</system-reminder>"}[i/2%2] }),
	"long paths": said(
		func(i int) string { return "```go " + strings.Repeat("a/", 255) + fmt.Sprint(i) + ".go\nx\n```\n" }),
	"attributes":     said(func(i int) string { return fmt.Sprintf("```go a%d=\"b\" c='d' e=f\nx\n```\n", i) }),
	"line breaks":    said(func(int) string { return "\n" }),
	"escapes":        said(func(i int) string { return []string{"\"", "\\", "\t", "\x01", "é"}[i%5] }),
	"numbered lines": said(func(i int) string { return fmt.Sprintf("%6d\tx := %d\n", i+1, i) }),
	"one line":       said(func(int) string { return "x " }),
	"spaces":         said(func(int) string { return "      \n" }),
	"paths": called(
		func(i int) (string, string) { return "Read", fmt.Sprintf(`{"path":"d%d/f%d.go"}`, i, i) }),
	"edits": called(
		func(i int) (string, string) { return "Edit", fmt.Sprintf(`{"path":"d%d/f.go"}`, i) }),
	"commands and reads": called(func(i int) (string, string) {
		return []string{"bash", "Read"}[i%2], fmt.Sprintf(`{"command":"sed -i s/a/b/ f%d.go","path":"g%d.go"}`, i, i)
	}),
	"segments of a command": called(
		func(int) (string, string) { return "bash", `{"command":"` + strings.Repeat("ls;", 3000) + `"}` }),
	"files of a call": called(
		func(int) (string, string) { return "Read", `{"files":[` + strings.Repeat(`"",`, 3000) + `""]}` }),
	"turns of files alone":  {"/v1/chat/completions", func(n int) string { return chatOf(repeated(n, turnOfFiles)) }},
	"reads by the client":   said(readByClient),
	"headings over results": answered("Read", `{"path":"f.go"}`, func(int) string { return "```f.go:\n" }),
	"tags over results": answered("Read", `{"path":"f.go"}`,
		func(i int) string { return fmt.Sprintf("<a%d>\n</a%d>\n", i, i) }),
	"notices in results":   answered("Read", `{"path":"f.go"}`, func(int) string { return "x omitted 5 y\n" }),
	"notes behind results": answered("Read", `{"path":"f.go"}`, func(int) string { return "Note: all of it.\n" }),
	"reminders in results": answered("Read", `{"path":"f.go"}`, func(int) string { return "</system-reminder>\n" }),
	"numbers in results": answered("Read", `{"path":"f.go"}`,
		func(i int) string { return fmt.Sprintf("%d:\n", i%7*100+i) }),
	"marks of no characters": answered("Read", `{"path":"f.go"}`,
		func(i int) string { return fmt.Sprintf("%d%s\xff:\n", i+1, strings.Repeat(":", 9000)) }),
	"results in JSON": answered("Read", `{"path":"f.go"}`,
		func(i int) string { return []string{`{"a":"x\ny","b":[`, `0,`}[min(i, 1)] }),
	"files of a command": called(
		func(int) (string, string) { return "bash", `{"command":"cat ` + strings.Repeat("a ", 190) + `"}` }),
	"files of long commands": called(
		func(int) (string, string) { return "bash", `{"command":"cat ` + strings.Repeat("a ", 20_000) + `"}` }),
	"words of a vector": called(
		func(int) (string, string) { return "bash", `{"command":["cat"` + strings.Repeat(`,"a"`, 9000) + `]}` }),
	"comments in commands": called(
		func(int) (string, string) { return "bash", `{"command":"` + strings.Repeat(`#\n`, 20_000) + `"}` }),
	"redirections": called(
		func(int) (string, string) { return "bash", `{"command":"ls` + strings.Repeat(` 2>&1`, 20_000) + `"}` }),
	"calls in scripts": called(func(int) (string, string) {
		return "exec", quote(strings.Repeat(`tools.exec_command({cmd: "cat a"});`, 900))
	}),
	"marks between files": {"/v1/chat/completions", marksBetweenFiles},
	"texts of a result":   {"/v1/messages", textsOfResult},
	"answered calls":      {"/v1/chat/completions", func(n int) string { return chatOf(repeated(n, answeredCall)) }},
	"calls behind long words": {"/v1/chat/completions", func(n int) string {
		return chatOf(`,{"role":"user","content":"` + strings.Repeat("why ", n/16) +
			`"},{"role":"assistant","content":"` + strings.Repeat("so ", n/16) + `"}` + repeated(n/2, answeredCall))
	}},
	"messages": {
		"/v1/chat/completions",
		func(n int) string { return chatOf(repeated(n, func(int) string { return `,{"role":"user"}` })) },
	},
	"assistant": {"/v1/chat/completions", func(n int) string {
		return chatOf(
			repeated(
				n,
				func(i int) string {
					return fmt.Sprintf(`,{"role":"assistant","content":"<apply_diff> f%d.go"}`, i)
				}))
	}},
	"parts": {"/v1/messages", func(n int) string {
		return `{"messages":[{"role":"user","content":[{}` +
			repeated(n, func(int) string { return `,{"type":"text","text":""}` }) + `]}]}`
	}},
	"scalars": {"/v1/messages", func(n int) string {
		return `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[0` +
			repeated(n, func(int) string { return `,0` }) + `]}]}]}`
	}},
	"keys": {"/v1/responses", func(n int) string {
		return `{"input":[]` + repeated(n, func(i int) string { return fmt.Sprintf(`,"%d":0`, i) }) + `}`
	}},
	"nested": {"/v1/responses", func(n int) string {
		return `{"input":[{"content":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) +
			strings.Repeat(" ", n) + `}]}`
	}},
	"completion": {"/v1/completions", func(n int) string {
		return `{"prompt":` + quote(repeated(n, func(i int) string { return fmt.Sprintf("x%d := 1\n", i) })) + `}`
	}},
}

type shape = struct {
	path string
	body func(n int) string
}

// said is a user's message.
func said(f func(i int) string) shape {
	return shape{
		"/v1/chat/completions",
		func(n int) string { return chatOf(`,{"role":"user","content":` + quote("Why?\n"+repeated(n, f)) + `}`) },
	}
}

// called is an assistant's message with calls that nobody answers.
func called(f func(i int) (name, args string)) shape {
	return shape{"/v1/chat/completions", func(n int) string {
		calls := repeated(n, func(i int) string {
			name, args := f(i)
			return fmt.Sprintf(`,{"id":"c%d","function":{"name":%s,"arguments":%s}}`, i, quote(name), quote(args))
		})
		return chatOf(`,{"role":"assistant","tool_calls":[{}` + calls + `]}`)
	}}
}

func answeredCall(i int) string {
	return fmt.Sprintf(
		`,{"role":"assistant","tool_calls":[{"id":"c%d","function":{"name":"Read",`+
			`"arguments":"{\"path\":\"f%d.go\"}"}}]},`+
			`{"role":"tool","tool_call_id":"c%d","content":"package a\nfunc f() {}\n"}`, i, i, i)
}

// turnOfFiles is a user's turn that shows a file and asks nothing.
func turnOfFiles(i int) string {
	return fmt.Sprintf(`,{"role":"user","content":"\u0060\u0060\u0060go f%d.go\nx\n\u0060\u0060\u0060\n"}`, i)
}

// readByClient is a file that a client read for the user.
func readByClient(i int) string {
	return fmt.Sprintf("Called the Read tool with the following input: {\"path\":\"f%d.go\"}\n"+
		"Result of calling the Read tool: \"package a\\nfunc f() {}\"\n</system-reminder>\n", i)
}

// shrinkingFences are openers, each shorter than the one before, and empty lines behind them.
func shrinkingFences(n int) string {
	var b strings.Builder
	for size := int(math.Sqrt(float64(n))); size > 2; size-- { // half of n in all
		b.WriteString(strings.Repeat("`", size) + "\n")
	}
	return chatOf(`,{"role":"user","content":` + quote("Why?\n"+b.String()+strings.Repeat("\n", n/4)) + `}`)
}

// answered is a call and its result.
func answered(name, args string, f func(i int) string) shape {
	return shape{"/v1/chat/completions", func(n int) string {
		call := fmt.Sprintf(`,{"role":"assistant","tool_calls":[{"id":"c","function":{"name":%s,"arguments":%s}}]}`,
			quote(name), quote(args))
		return chatOf(call + `,{"role":"tool","tool_call_id":"c","content":` + quote(repeated(n, f)) + `}`)
	}}
}

// marksBetweenFiles are calls that print lines between files, with their results.
func marksBetweenFiles(n int) string {
	command := repeated(6000, func(i int) string { return fmt.Sprintf("echo %d;cat f%d.go;", i, i) })
	result := repeated(6000, func(i int) string { return fmt.Sprintf("%d\nx := 1\n", i) })
	return chatOf(repeated(n, func(i int) string {
		return fmt.Sprintf(`,{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"bash","arguments":%s}}]},`+
			`{"role":"tool","tool_call_id":"c","content":%s}`, quote(`{"command":`+quote(command)+`}`), quote(result))
	}))
}

// textsOfResult is a result in many texts.
func textsOfResult(n int) string {
	return `{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"Read",` +
		`"input":{"path":"f.go"}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text",` +
		`"text":"Exit code: 0"}` +
		repeated(n, func(int) string { return `,{"type":"text","text":"Exit code: 0"}` }) + `]}]}]}`
}

func chatOf(messages string) string {
	return `{"model":"m","messages":[{"role":"user","content":"Why?"}` + messages + `]}`
}

// A cost is what reading and planning a body took.
type cost struct{ work, held, made, kept int64 }

func measure(t *testing.T, s shape, n int) (cost, int) {
	t.Helper()
	body := []byte(s.body(n))
	var c cost
	w := dialects.NewWork(t.Context(), func(n int) bool { c.held += int64(n); return true })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	conversation, err := dialects.Of(s.path).Read(w, body)
	var plan dialects.Plan
	if err == nil {
		plan, err = conversation.Plan(dialects.Rules{Force: true})
	}
	runtime.ReadMemStats(&after)
	c.made = int64(after.TotalAlloc - before.TotalAlloc)
	runtime.GC()
	runtime.ReadMemStats(&after)
	c.kept = int64(after.HeapAlloc) - int64(before.HeapAlloc)
	runtime.KeepAlive(conversation)
	runtime.KeepAlive(plan)
	if err != nil && !errors.Is(err, dialects.ErrMembers) {
		t.Fatal(err)
	}
	c.work = w.Done()
	return c, len(body)
}

// Whatever a body is made of, twice of it takes about twice the work, and no more memory than four
// times what is held for it.
func TestWorkIsLinear(t *testing.T) {
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			const n = 200_000
			one, _ := measure(t, s, n)
			two, size := measure(t, s, 2*n)
			if two.work > one.work*5/2 {
				t.Errorf("%d bytes take %d steps, half of them %d", size, two.work, one.work)
			}
			if two.work > 64*int64(size) {
				t.Errorf("%d bytes take %d steps", size, two.work)
			}
			if all := int64(size) + two.held; two.kept > 4*all || two.made > madePerByte*all {
				t.Errorf("%d bytes and %d held for them keep %d bytes of memory, of %d that were made", size, two.held,
					two.kept, two.made)
			}
			if two.held > 40*int64(size) {
				t.Errorf("%d bytes hold %d", size, two.held)
			}
		})
	}
}

// A body is read no further than its context and the memory that there is allow.
func TestWorkEnds(t *testing.T) {
	for name, s := range shapes {
		body := []byte(s.body(4 << 20))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		w := dialects.NewWork(gone, nil)
		c, err := dialects.Of(s.path).Read(w, body)
		if err == nil {
			_, err = c.Plan(dialects.Rules{Force: true})
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, dialects.ErrMembers) {
			t.Errorf("%s: read for a client that is gone: %v", name, err)
		}
		if w.Done() > 4*int64(len(body)) {
			t.Errorf("%s: %d steps for a client that is gone", name, w.Done())
		}
	}
	held := 0
	w := dialects.NewWork(t.Context(), func(n int) bool { held += n; return held < 1<<20 })
	c, err := dialects.Of("/v1/chat/completions").Read(w, []byte(shapes["fences with paths"].body(1<<20)))
	if err == nil {
		_, err = c.Plan(dialects.Rules{})
	}
	if !errors.Is(err, dialects.ErrMemory) {
		t.Errorf("without memory: %v", err)
	}
}

// However deep JSON is nested, in the body or in a text of it, reading it takes no stack for that:
// a stack that grows too large ends the process, and nothing can be done about it.
func TestNestingTakesNoStack(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(4 << 20))
	const levels = 1 << 18
	for _, nest := range []string{
		strings.Repeat("[", levels) + strings.Repeat("]", levels),
		strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels),
	} {
		call := func(args string) string {
			return `,{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"Read","arguments":` + args + `}}]}`
		}
		for path, body := range map[string]string{
			"/v1/chat/completions":  chatOf(call(quote(nest))),
			"/v1/chat/completions/": chatOf(call(nest)),
			"/v1/completions":       `{"prompt":` + nest + `}`,
			"/v1/messages": `{"messages":[{"role":"user","content":"why?"},{"role":"assistant","content":[` +
				`{"type":"tool_use","id":"a","name":"Read","input":` + nest + `}]}]}`,
			"/v1/responses": `{"input":[{"type":"function_call","call_id":"c","name":"exec","arguments":` +
				quote(nest) + `},{"type":"function_call_output","call_id":"c","output":` + quote(nest) + `}]}`,
		} {
			c, err := dialects.Of(strings.TrimSuffix(path, "/")).Read(dialects.NewWork(t.Context(), nil), []byte(body))
			if err == nil {
				_, err = c.Plan(dialects.Rules{Force: true})
			}
			t.Logf("%s: %v", path, err)
		}
		results := chatOf(call(`"{\"path\":\"a.json\"}"`) +
			`,{"role":"tool","tool_call_id":"c","content":` + quote("x\n"+nest) + `}`)
		c, err := dialects.Of("/v1/chat/completions").Read(dialects.NewWork(t.Context(), nil), []byte(results))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Plan(dialects.Rules{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
}
