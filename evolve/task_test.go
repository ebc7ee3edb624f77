package evolve

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const moodTask = `name: mood
template: "Text: fine\nMood: good\nText: {text}\nMood:"
labels:
  - {name: good, verbalizer: " good"}
  - {name: bad, verbalizer: " bad"}
data:
  search: s.tsv
  validation: v.csv
  test: t.jsonl
  licence: CC0-1.0
`

// taskDir writes files and returns the path of task.yaml.
func taskDir(t *testing.T, changed map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"task.yaml": moodTask,
		"s.tsv":     "text\tlabel\nso \"fine\"\tgood\nso dull\tbad\n",
		"v.csv":     "label,text\ngood,\"fine, really\"\nbad,dull\n",
		"t.jsonl":   `{"text": "fine", "label": "good", "n": 3}` + "\n\n" + `{"text": "dull", "label": "bad"}` + "\n",
	}
	maps.Copy(files, changed)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "task.yaml")
}

func TestLoadTask(t *testing.T) {
	task, err := LoadTask(taskDir(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if task.Search[0].Fields["text"] != `so "fine"` || task.Validation[0].Fields["text"] != "fine, really" ||
		task.Test[1].Label != 1 {
		t.Errorf("splits: %+v %+v %+v", task.Search, task.Validation, task.Test)
	}
	if !slices.Equal(task.Slots, []string{"text"}) {
		t.Errorf("slots %v", task.Slots)
	}
}

func TestBadTasksSayWhere(t *testing.T) {
	edit := func(old, now string) string { return strings.Replace(moodTask, old, now, 1) }
	tests := []struct{ name, file, text, want string }{
		{"unknown key", "task.yaml", edit("labels:", "lables:"), `task.yaml:3:1: unknown field "lables"`},
		{"wrong type", "task.yaml", edit("name: mood", "name: [1]"), "task.yaml:1:7: "},
		{"tabs", "task.yaml", edit("labels:", "labels:\n\t"), "YAML wants spaces there"},
		{"no slot", "task.yaml", edit("{text}", "text"), "task.yaml:2:11: template has no slot"},
		{"repeated label", "task.yaml", edit("name: bad", "name: good"), `task.yaml:5:`},
		{
			"scorer and labels",
			"task.yaml",
			moodTask + "scorer: {type: exact}\n",
			"task.yaml:11:9: a task has labels or a scorer, not both",
		},
		{
			"unknown scorer",
			"task.yaml",
			"name: x\ntemplate: '{a}'\nscorer:\n  type: vibes\n" +
				"data: {search: s.tsv, validation: v.csv, test: t.jsonl}\n",
			"task.yaml:4:",
		},
		{"split missing", "task.yaml", edit("  test: t.jsonl\n", ""), "data.test is missing"},
		{"unknown label", "s.tsv", "text\tlabel\nx\tgood\ny\tugly\n", `s.tsv:3:3: label "ugly" is not one`},
		{"missing column", "s.tsv", "words\tlabel\nx\tgood\n", `s.tsv:2:1: no column "text"`},
		{"column twice", "s.tsv", "text\ttext\nx\tgood\n", `s.tsv:1:6: column "text" appears twice`},
		{"ragged row", "v.csv", "text,label\nx\n", "v.csv:2:1: wrong number of fields"},
		{"open quote", "v.csv", "text,label\n\"x,good\n", "v.csv:"},
		{"empty", "s.tsv", "", "s.tsv:1: no header line"},
		{"only a header", "s.tsv", "text\tlabel\n", "s.tsv: no examples"},
		{"bad JSON", "t.jsonl", "{\"text\": \"x\", \"label\": \"good\"}\n{\"text\": x}\n", "t.jsonl:2:10: "},
		{"too many columns", "v.csv", strings.Repeat("a,", 1000) + "b\n", "v.csv:1: more than 1000 columns"},
		{"too many rows", "v.csv", "text,label\n" + strings.Repeat("a,good\n", 350_000), "take a part of it"},
		{"too many lines", "t.jsonl", strings.Repeat("{\"a\": 1}\n", 510_000), "t.jsonl:500001: more than"},
		{"a long line", "t.jsonl", `{"a": "` + strings.Repeat("b", 5<<20), "t.jsonl:1: a line of more than"},
		{
			"nested JSON",
			"t.jsonl",
			"{\"text\": {}, \"label\": \"good\"}\n",
			`t.jsonl:1:2: "text" is neither text nor a number`,
		},
	}
	for _, tt := range tests {
		_, err := LoadTask(taskDir(t, map[string]string{tt.file: tt.text}))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Errorf("%s: %T is not a FileError", tt.name, err)
		}
	}
}

type parses map[string]bool

func (p parses) Parses(_ context.Context, language, code string) (bool, error) {
	return p[language+":"+code], nil
}

func TestScorers(t *testing.T) {
	command := []string{"sh", "-c", `grep -q '"output":"yes"' && echo 0.5 || echo 0`}
	tests := []struct {
		spec           ScorerSpec
		output, answer string
		want           float64
	}{
		{ScorerSpec{Type: "exact"}, " 42\n", "42", 1},
		{ScorerSpec{Type: "exact"}, "42.", "42", 0},
		{ScorerSpec{Type: "last_number"}, "6 x 7 = 1,200.0, so there", "It is 1200", 1},
		{ScorerSpec{Type: "last_number"}, "minus -3", "3", 0},
		{ScorerSpec{Type: "last_number"}, "none", "3", 0},
		{ScorerSpec{Type: "regex", Pattern: "^a+$"}, "aaa", "", 1},
		{ScorerSpec{Type: "contains"}, "the cat sat", "cat", 1},
		{ScorerSpec{Type: "contains"}, "the dog sat", "cat", 0},
		{ScorerSpec{Type: "parses", Language: "go"}, "Here:\n```go\nx := 1\n```\n", "", 1},
		{ScorerSpec{Type: "parses", Language: "go"}, "x :=", "", 0},
		{ScorerSpec{Type: "parses", Language: "go"}, " \n", "", 0},
		{ScorerSpec{Type: "command", Command: command}, "yes", "", .5},
		{ScorerSpec{Type: "command", Command: command}, "no", "", 0},
	}
	for _, tt := range tests {
		score, err := tt.spec.Scorer(parses{"go:x := 1\n": true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := score(t.Context(), tt.output, Example{Answer: tt.answer})
		if err != nil || got != tt.want {
			t.Errorf("%s on %q = %v, %v, want %v", tt.spec.Type, tt.output, got, err, tt.want)
		}
	}
	bad, err := ScorerSpec{Type: "command", Command: []string{"sh", "-c", "echo 7"}}.Scorer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bad(t.Context(), "", Example{}); err == nil {
		t.Error("a command that prints 7 was believed")
	}
}
