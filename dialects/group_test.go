package dialects_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pith/compress"
	"pith/dialects"
)

// The blocks of one message that are read for one question are one group, which shares its
// message's budget by size; another message or another question is another group.
func TestGroups(t *testing.T) {
	fence := func(path string, lines int) string { return "```go " + path + "\n" + code(lines) + "```\n" }
	read := func(id, path string) string {
		return `{"type":"tool_use","id":"` + id + `","name":"Read","input":{"file_path":"` + path + `"}}`
	}
	result := func(id string) string {
		return `{"type":"tool_result","tool_use_id":"` + id + `","content":` +
			quote(numbered(counter(), "%6d\t%s")) + `}`
	}
	user := func(content string) string { return `{"role":"user","content":` + content + `}` }
	body := `{"model":"m","messages":[` + strings.Join([]string{
		user(quote("Why?\n" + fence("a.go", 100) + fence("b.go", 300))),
		`{"role":"assistant","content":[{"type":"text","text":"I look."},` + read("1", "c.go") + "," + read("2", "d.go") + `]}`,
		user("[" + result("1") + "," + result("2") + "]"),
		user(quote("And these?\n" + fence("e.go", 100) + fence("f.go", 100))),
	}, ",") + `]}`
	p := plan(t, "/v1/messages", body, dialects.Rules{Budget: 1000})
	var got []string
	for _, g := range p.Groups() {
		var paths []string
		for i, b := range g.Blocks {
			if g.Request.Files[i] != b.Request.Files[0] {
				t.Errorf("file %d of the group is not its block's", i)
			}
			paths = append(paths, g.Request.Files[i].Path)
		}
		got = append(got, fmt.Sprint(paths, g.Request.Budget))
	}
	if want := "[a.go b.go] 1000, [c.go] 500, [d.go] 500, [e.go f.go] 1000"; strings.Join(got, ", ") != want {
		t.Errorf("groups %q, want %s", got, want)
	}
}

// Each block of a group gets its own part of the result, whatever the files are called; one of
// which nothing is left, or whose part does not line up, stays as it is, and the others do not
// suffer.
func TestGroupIsRebuiltBlockByBlock(t *testing.T) {
	body := `{"model":"m","messages":[{"role":"user","content":` +
		quote("Why?\n"+strings.Repeat("```go\n"+code(40)+"```\n", 4)) + `}]}`
	p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
	g := p.Groups()[0]
	var res compress.Result
	for i, f := range g.Request.Files {
		one := omit(compress.Request{Files: []compress.File{f}})
		one.Chunks[0].FileIndex = i
		res.Files, res.Chunks = append(res.Files, one.Files...), append(res.Chunks, one.Chunks...)
	}
	res.Files[1].Text, res.Chunks[1].KeptLines = "// ... lines 1-40 omitted\n", nil
	res.Chunks[2].KeptLines = [][2]int{{1, 4}}
	edits, errs := g.Rebuild([]byte(body), res)
	if errs[0] != nil || errs[3] != nil || !errors.Is(errs[1], dialects.ErrNothingKept) || errs[2] == nil {
		t.Fatalf("rebuilt: %v", errs)
	}
	text := string(dialects.Splice([]byte(body), []dialects.Edit{edits[0], edits[3]}))
	if n := strings.Count(text, "omitted"); n != 2 || strings.Index(text, "omitted") > len(body)/4 {
		t.Errorf("%d markers in %s", n, text)
	}
	if left := g.Left(errs); len(left) != 1 || left[0].Blocks[0] != g.Blocks[1] ||
		left[0].Request.Files[0] != g.Request.Files[1] {
		t.Errorf("left %+v", left)
	}
}
