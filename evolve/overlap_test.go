package evolve

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOverlaps(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"none but the demonstration", map[string]string{
			"s.tsv": "text\tlabel\nsunny\tgood\nrainy\tbad\n", "v.csv": "text,label\nwarm,good\n",
			"t.jsonl": `{"text": "cold", "label": "bad"}` + "\n",
		}, nil},
		{"between splits, whatever the label", map[string]string{
			"s.tsv":   "text\tlabel\nsunny\tgood\nrainy\tbad\nrainy\tbad\n",
			"v.csv":   "text,label\nrainy,good\nwarm,good\n",
			"t.jsonl": `{"text": "warm", "label": "bad"}` + "\n" + `{"text": "rainy", "label": "bad"}` + "\n",
		}, []string{
			"1 of the 2 validation rows stand in the search split too",
			"1 of the 2 test rows stand in the search split too",
			"2 of the 2 test rows stand in the validation split too",
		}},
		{"with the demonstrations", map[string]string{
			"s.tsv": "text\tlabel\nfine\tgood\nrefine\tbad\n", "v.csv": "text,label\nMood: good,good\n",
			"t.jsonl": `{"text": "fine", "label": "bad"}` + "\n",
		}, []string{
			"1 of the 1 test rows stand in the search split too",
			"1 of the 2 search rows are demonstrations of the prompt",
			"1 of the 1 test rows are demonstrations of the prompt",
		}},
	}
	for _, tt := range tests {
		task, err := LoadTask(taskDir(t, tt.files))
		if err != nil {
			t.Fatal(err)
		}
		if got := task.Overlaps(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestByteOrderMarksAreStripped(t *testing.T) {
	bom := "\ufeff"
	plain, err := LoadTask(taskDir(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	marked, err := LoadTask(taskDir(t, map[string]string{
		"task.yaml": bom + moodTask,
		"s.tsv":     bom + "text\tlabel\nso \"fine\"\tgood\nso dull\tbad\n",
		"v.csv":     bom + "label,text\ngood,\"fine, really\"\nbad,dull\n",
		"t.jsonl":   bom + "{\"text\": \"fine\", \"label\": \"good\"}\n{\"text\": \"dull\", \"label\": \"bad\"}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if plain.Template != marked.Template || plain.Validation[0].Fields["text"] != marked.Validation[0].Fields["text"] {
		t.Errorf("with byte order marks %+v, without %+v", marked, plain)
	}
}

func TestBadFilesSayWhere(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"not UTF-8", "s.tsv", "text\tlabel\nso\tgood\nna\xefve\tbad\n", "s.tsv:3:3: byte 0xef is not UTF-8"},
		{"a task that is not UTF-8", "task.yaml", "name: caf\xe9\n", "task.yaml:1:10: byte 0xe9 is not UTF-8"},
		{"nested deep", "task.yaml", "name: " + strings.Repeat("[", 100_000), "task.yaml:1:1: nested deeper than 64"},
		{"aliases", "task.yaml", "name: &a x\ntemplate: *a\n", "task.yaml:2:1: an alias"},
		{
			"too large a task", "task.yaml", strings.Repeat("# filler\n", taskLimit/9+1),
			"task.yaml: larger than 1048576 bytes",
		},
	}
	for _, tt := range tests {
		_, err := LoadTask(taskDir(t, map[string]string{tt.file: tt.text}))
		if _, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want a FileError with %q", tt.name, err, tt.want)
		}
	}
	task := taskDir(
		t, map[string]string{"task.yaml": strings.Replace(moodTask, "template:", "template_file: p.txt #", 1)})
	if err := os.WriteFile(filepath.Join(filepath.Dir(task), "p.txt"), []byte("Text:\n{text}\x80"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadTask(task); err == nil || !strings.Contains(err.Error(), "p.txt:2:7: byte 0x80") {
		t.Errorf("a template that is not UTF-8: %v", err)
	}
}
