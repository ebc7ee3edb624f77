package evolve

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"pith/evolve/llm"
	"pith/internal/digest"
	"pith/internal/textfile"
)

// A Task is a prompt to prune and the examples that say how well it does. It is the YAML file, read
// strictly.
type Task struct {
	Name string `yaml:"name"`
	// Template is the few-shot prompt: demonstrations, then a last line with slots such as {text},
	// which name columns of the data. TemplateFile, relative to the task's file, stands in for a
	// long one.
	Template     string `yaml:"template"`
	TemplateFile string `yaml:"template_file"`
	// Labels make a classification task: the model chooses between their verbalizers. Without
	// labels the model writes, and Scorer judges what it wrote.
	Labels     []Label        `yaml:"labels"`
	Scorer     ScorerSpec     `yaml:"scorer"`
	Generation llm.Generation `yaml:"generation"`
	Data       DataSpec       `yaml:"data"`
	Columns    Columns        `yaml:"columns"`

	// Slots are the columns that the template names.
	Slots []string `yaml:"-"`
	// Search, Validation and Test are the splits, read from Data.
	Search     []Example `yaml:"-"`
	Validation []Example `yaml:"-"`
	Test       []Example `yaml:"-"`
}

// A Label is one class: its name in the data and the text that stands for it after the prompt,
// leading space included.
type Label struct {
	Name       string `yaml:"name"`
	Verbalizer string `yaml:"verbalizer"`
}

// A DataSpec names the three splits, relative to the task's file: .tsv, .csv or .jsonl.
type DataSpec struct {
	Search     string `yaml:"search"`
	Validation string `yaml:"validation"`
	Test       string `yaml:"test"`
	// Licence of the data and of the demonstrations; it goes into the artefact.
	Licence string `yaml:"licence"`
}

// Columns name the columns that hold the right answer.
type Columns struct {
	Label  string `yaml:"label"`  // if empty, "label"
	Answer string `yaml:"answer"` // if empty, "answer"
}

// An Example is one row: what fills the slots, and the right answer.
type Example struct {
	Fields map[string]string
	// Label is the index of the right label of a classification task.
	Label int
	// Answer is the reference of a generation task.
	Answer string
}

// A FileError says where in which file something is wrong. Line and Column count from 1; 0 means
// unknown.
type FileError struct {
	File         string
	Line, Column int
	Msg          string
}

func (e *FileError) Error() string {
	switch {
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// LoadTask reads a task with its template and data. Everything wrong with the task's own file is
// reported at once.
func LoadTask(path string) (*Task, error) {
	src, err := readText(path, taskLimit)
	if err != nil {
		return nil, fmt.Errorf("read task: %w", err)
	}
	if err := boundYAML(path, src); err != nil {
		return nil, err
	}
	t := &Task{}
	if err := yaml.UnmarshalWithOptions(src, t, yaml.Strict()); err != nil {
		return nil, yamlError(path, err)
	}
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, yamlError(path, err)
	}
	if t.TemplateFile != "" && t.Template == "" {
		text, err := readText(filepath.Join(filepath.Dir(path), t.TemplateFile), templateLimit)
		if wrong, ok := errors.AsType[*FileError](err); ok {
			return nil, wrong
		}
		if err != nil {
			return nil, placeOf(file, path, "$.template_file", err.Error())
		}
		t.Template = string(text)
	}
	t.setDefaults()
	if err := t.check(file, path); err != nil {
		return nil, err
	}
	t.Slots = slotsOf(t.Template)
	return t, t.loadSplits(filepath.Dir(path))
}

func (t *Task) setDefaults() {
	if t.Columns.Label == "" {
		t.Columns.Label = "label"
	}
	if t.Columns.Answer == "" {
		t.Columns.Answer = "answer"
	}
	if t.Generation.MaxTokens == 0 {
		t.Generation.MaxTokens = 256
	}
}

// check looks for what YAML itself cannot know.
func (t *Task) check(file *ast.File, path string) error {
	var found []*FileError
	wrong := func(at, format string, args ...any) {
		found = append(found, placeOf(file, path, at, fmt.Sprintf(format, args...)))
	}
	if t.Name == "" {
		wrong("$.name", "name is missing")
	}
	if t.Template == "" {
		wrong("$.template", "template is missing: give template or template_file")
	} else if len(slotsOf(t.Template)) == 0 {
		wrong("$.template", "template has no slot such as {text}")
	}
	if len(t.Labels) == 1 {
		wrong("$.labels", "one label leaves nothing to choose")
	}
	for i, l := range t.Labels {
		at := fmt.Sprintf("$.labels[%d]", i)
		if l.Name == "" || l.Verbalizer == "" {
			wrong(at, "a label needs a name and a verbalizer")
		}
		if slices.IndexFunc(
			t.Labels, func(o Label) bool { return o.Name == l.Name || o.Verbalizer == l.Verbalizer }) < i {
			wrong(at, "label %q repeats a name or a verbalizer", l.Name)
		}
	}
	if len(t.Labels) > 0 && t.Scorer.Type != "" {
		wrong("$.scorer", "a task has labels or a scorer, not both")
	}
	if len(t.Labels) == 0 {
		if err := t.Scorer.check(); err != nil {
			wrong("$.scorer", "%v", err)
		}
	}
	for name, file := range map[string]string{
		"search": t.Data.Search, "validation": t.Data.Validation,
		"test": t.Data.Test,
	} {
		if file == "" {
			wrong("$.data", "data.%s is missing", name)
		}
	}
	slices.SortFunc(found, func(a, b *FileError) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Msg, b.Msg))
	})
	errs := make([]error, len(found))
	for i, e := range found {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// yamlError turns the parser's error into a FileError.
func yamlError(path string, err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return &FileError{File: path, Line: p.Line, Column: p.Column, Msg: textfile.Mistake(at.GetMessage())}
	}
	return &FileError{File: path, Msg: err.Error()}
}

// placeOf finds a node of the parsed file, or the nearest parent that is there.
func placeOf(file *ast.File, path, at, msg string) *FileError {
	for at != "$" {
		if p, err := yaml.PathString(at); err == nil {
			if node, err := p.FilterFile(file); err == nil && node != nil {
				pos := node.GetToken().Position
				return &FileError{File: path, Line: pos.Line, Column: pos.Column, Msg: msg}
			}
		}
		at = parent.ReplaceAllString(at, "")
	}
	return &FileError{File: path, Line: 1, Column: 1, Msg: msg}
}

var (
	parent = regexp.MustCompile(`(\.\w+|\[\d+\])$`)
	slot   = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*)\}`)
)

// slotsOf lists the names between braces, each once, in order.
func slotsOf(template string) []string {
	var out []string
	for _, m := range slot.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// Hash stands for everything that decides a reward but the prompt and the model: labels or scorer,
// and generation limits.
func (t *Task) Hash() string {
	parts := []string{t.Scorer.Type, t.Scorer.Pattern, t.Scorer.Language, fmt.Sprint(t.Generation.MaxTokens)}
	parts = append(parts, t.Scorer.Command...)
	parts = append(parts, "stop")
	parts = append(parts, t.Generation.Stop...)
	for _, l := range t.Labels {
		parts = append(parts, l.Name, l.Verbalizer)
	}
	return hashParts(parts...)
}

// hashParts hashes a list of texts such that no two lists have one hash.
func hashParts(parts ...string) string { return digest.Of(sha256.New(), parts...) }
