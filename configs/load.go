package configs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// fileSuffix after the name of a secret says that its value stands in a file, as container platforms hand secrets out.
const (
	fileSuffix    = "_file"
	envFileSuffix = "_FILE"
)

// Load returns the defaults, changed by the YAML file at path (none if path is empty) and then by the PITH_ variables of
// environ (os.Environ). An unknown key and a value that cannot be read are errors that name file, line and what to write;
// all of them are reported at once. Load does not Validate: flags may still mend a setting.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	var errs []error
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		errs = append(errs, c.loadYAML(path, data)...)
	}
	errs = append(errs, c.loadEnv(environ)...)
	return c, errors.Join(errs...)
}

// loadEnv ignores empty values, which is how compose files pass on what is not set, and unknown names: Kubernetes adds
// PITH_SERVICE_HOST and its like for a service called pith.
func (c *Config) loadEnv(environ []string) (errs []error) {
	given := make(map[string]string)
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "PITH_") && value != "" {
			given[name] = value
		}
	}
	for _, b := range c.bindings() {
		if text, ok := given[b.env]; ok {
			if err := set(b.field, text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", b.env, err))
			}
		}
		file, ok := given[b.env+envFileSuffix]
		secret, isSecret := b.field.(*Secret)
		if !ok || !isSecret {
			continue
		}
		if given[b.env] != "" {
			errs = append(errs, fmt.Errorf("%s and %s%s are both set", b.env, b.env, envFileSuffix))
		} else if err := readSecret(secret, file); err != nil {
			errs = append(errs, fmt.Errorf("%s%s: %w", b.env, envFileSuffix, err))
		}
	}
	return errs
}

func (c *Config) loadYAML(path string, data []byte) []error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return []error{syntaxError(path, err)}
	}
	r := reader{path: path, bindings: c.bindings(), given: make(map[string]bool)}
	for i, doc := range file.Docs {
		if i > 0 && doc.Body != nil {
			r.fail(doc.Body, "a second document: want one")
			break
		}
		r.top(doc.Body)
	}
	return r.errs
}

// syntaxError gives the parser's message the place in front, and leaves out its picture of the source, which may show a
// secret.
func syntaxError(path string, err error) error {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
		return fmt.Errorf("%s:%d: %s", path, e.GetToken().Position.Line, e.GetMessage())
	}
	return fmt.Errorf("%s: not YAML", path)
}

// reader sets fields from the nodes of one file and collects what is wrong.
type reader struct {
	path     string
	bindings []binding
	given    map[string]bool
	errs     []error
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	line := 0
	if t := at.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s", r.path, line, fmt.Sprintf(format, args...)))
}

// top reads the sections of a document.
func (r *reader) top(body ast.Node) {
	for _, section := range r.entries(body, "sections such as server:") {
		name := section.Key.GetToken().Value
		if !slices.ContainsFunc(r.bindings, func(b binding) bool { return strings.HasPrefix(b.path, name+".") }) {
			r.fail(section.Key, "unknown section %s%s", name, r.suggest(name))
			continue
		}
		for _, entry := range r.entries(section.Value, "keys of "+name) {
			r.entry(name+"."+entry.Key.GetToken().Value, entry)
		}
	}
}

// entries returns the key-value pairs of a node: none for an empty one.
func (r *reader) entries(node ast.Node, want string) []*ast.MappingValueNode {
	switch n := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	r.fail(node, "want %s", want)
	return nil
}

func (r *reader) entry(path string, entry *ast.MappingValueNode) {
	i := slices.IndexFunc(r.bindings, func(b binding) bool { return b.path == strings.TrimSuffix(path, fileSuffix) })
	if i < 0 {
		r.fail(entry.Key, "unknown key %s%s", path, r.suggest(path))
		return
	}
	b := r.bindings[i]
	secret, isSecret := b.field.(*Secret)
	fromFile := b.path != path
	if fromFile && !isSecret {
		r.fail(entry.Key, "unknown key %s: only secrets are read from files; write %s", path, b.path)
		return
	}
	if r.given[b.path] {
		r.fail(entry.Key, "%s is given twice", b.path)
		return
	}
	r.given[b.path] = true
	text, ok := scalar(entry.Value)
	if !ok {
		r.fail(entry.Key, "%s: want one plain value, or no such line for the default", path)
		return
	}
	err := error(nil)
	if fromFile {
		err = readSecret(secret, text)
	} else {
		err = set(b.field, text)
	}
	if err != nil {
		r.fail(entry.Key, "%s: %v", path, err)
	}
}

// scalar returns the text of a plain value.
func scalar(node ast.Node) (text string, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, true
	}
	return "", false
}

// suggest names the known key nearest to name, or its section's keys where none is near.
func (r *reader) suggest(name string) string {
	best, distance := "", len(name)/2+1 // farther ones help nobody
	for _, b := range r.bindings {
		known := b.path
		if !strings.Contains(name, ".") {
			known, _, _ = strings.Cut(b.path, ".")
		}
		if d := levenshtein.ComputeDistance(name, known); d < distance {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// readSecret reads a file and drops the line end that editors add.
func readSecret(s *Secret, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	*s = Secret(strings.TrimRight(string(data), "\r\n"))
	return nil
}
