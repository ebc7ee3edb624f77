package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"pith/internal/textfile"
)

// fileSuffix after the name of a secret says that its value stands in a file, as container
// platforms hand secrets out.
const (
	fileSuffix    = "_file"
	envFileSuffix = "_FILE"
	// envSuffix after the name of a secret in a list says which environment variable holds it: such
	// a secret has no name of its own.
	envSuffix = "_env"
)

// maxSecret is the largest file of a secret, in bytes.
const maxSecret = 64 << 10

// Load returns the defaults, changed by the YAML file at path (none if path is empty) and then by
// the PITH_ variables of environ (os.Environ). An unknown key and a value that cannot be read are
// errors that name file, line and what to write; all of them are reported at once. Load does not
// Validate: flags may still mend a setting.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	var errs []error
	if path != "" {
		data, err := textfile.Read(path, textfile.MaxSettings)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		errs = append(errs, c.loadYAML(path, data, environ)...)
	}
	errs = append(errs, c.loadEnv(environ)...)
	return c, errors.Join(errs...)
}

// loadEnv ignores empty values, which is how compose files pass on what is not set, and unknown
// names: Kubernetes adds PITH_SERVICE_HOST and its like for a service called pith.
func (c *Config) loadEnv(environ []string) (errs []error) {
	given := make(map[string]string)
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "PITH_") && value != "" {
			given[name] = value
		}
	}
	for _, b := range c.bindings() {
		if text, ok := given[b.env]; ok {
			c.placed()[b.path] = b.env
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
			continue
		}
		c.placed()[b.path] = b.env + envFileSuffix
		if err := readSecret(secret, file); err != nil {
			errs = append(errs, fmt.Errorf("%s%s: %w", b.env, envFileSuffix, err))
		}
	}
	return errs
}

func (c *Config) loadYAML(path string, data []byte, environ []string) []error {
	if line, err := textfile.CheckYAML(data); err != nil {
		return []error{fmt.Errorf("%s:%d: %w", path, line, err)}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return []error{syntaxError(path, err)}
	}
	r := reader{
		path: path, bindings: c.bindings(), lists: c.lists(), environ: environ, given: make(map[string]bool),
		places: c.placed(),
	}
	for i, doc := range file.Docs {
		if i > 0 && doc.Body != nil {
			r.fail(doc.Body, "a second document: want one")
			break
		}
		r.top(doc.Body)
	}
	return r.errs
}

// syntaxError gives the parser's message the place in front, and leaves out its picture of the
// source, which may show a secret.
func syntaxError(path string, err error) error {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
		return fmt.Errorf("%s:%d: %s", path, e.GetToken().Position.Line, textfile.Mistake(e.GetMessage()))
	}
	return fmt.Errorf("%s: not YAML", path)
}

// reader sets fields from the nodes of one file and collects what is wrong.
type reader struct {
	path     string
	bindings []binding
	lists    []listSection
	environ  []string
	given    map[string]bool
	places   map[string]string // of the Config
	at       string            // path of the entry of a list, "keys[0]."
	errs     []error
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", r.place(at), fmt.Sprintf(format, args...)))
}

// place is the file and line of a node.
func (r *reader) place(at ast.Node) string {
	line := 0
	if t := at.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return fmt.Sprintf("%s:%d", r.path, line)
}

// top reads the sections of a document.
func (r *reader) top(body ast.Node) {
	for _, section := range r.entries(body, "sections such as server:") {
		name := section.Key.GetToken().Value
		if i := slices.IndexFunc(r.lists, func(l listSection) bool { return l.path == name }); i >= 0 {
			r.list(r.lists[i], section)
			continue
		}
		if !slices.ContainsFunc(r.bindings, func(b binding) bool { return strings.HasPrefix(b.path, name+".") }) {
			r.fail(section.Key, "unknown section %s%s", name, r.suggest(name))
			continue
		}
		for _, entry := range r.entries(section.Value, "keys of "+name) {
			r.entry(name+"."+entry.Key.GetToken().Value, entry)
		}
	}
}

// list reads the entries of a list.
func (r *reader) list(l listSection, section *ast.MappingValueNode) {
	var items []ast.Node
	switch n := section.Value.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.SequenceNode:
		items = n.Values
	default:
		r.fail(section.Key, "%s: want a list of entries, each behind a dash", l.path)
	}
	for i, item := range items {
		at := fmt.Sprintf("%s[%d].", l.path, i)
		one := reader{
			path: r.path, bindings: l.entry(), environ: r.environ, given: make(map[string]bool),
			places: r.places, at: at,
		}
		one.places[at] = r.place(item)
		for _, entry := range one.entries(item, "keys of "+l.path) {
			one.entry(l.path+"."+entry.Key.GetToken().Value, entry)
		}
		r.errs = append(r.errs, one.errs...)
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
	b, suffix := r.find(path)
	if b == nil {
		r.fail(entry.Key, "unknown key %s%s", path, r.suggest(path))
		return
	}
	secret, isSecret := b.field.(*Secret)
	if suffix != "" && !isSecret {
		r.fail(entry.Key, "unknown key %s: only secrets are read from files; write %s", path, b.path)
		return
	}
	if r.given[b.path] {
		r.fail(entry.Key, "%s is given twice", b.path)
		return
	}
	r.given[b.path] = true
	r.places[r.at+strings.TrimPrefix(b.path, listOf(r.at)+".")] = r.place(entry.Key)
	if words, ok := b.field.(*[]string); ok {
		r.words(words, path, entry)
		return
	}
	text, ok := scalar(entry.Value)
	if !ok {
		r.fail(entry.Key, "%s: want one plain value, or no such line for the default", path)
		return
	}
	var err error
	switch suffix {
	case fileSuffix:
		err = readSecret(secret, text)
	case envSuffix:
		err = r.secretFromEnv(secret, text)
	default:
		err = set(b.field, text)
	}
	if err != nil {
		r.fail(entry.Key, "%s: %v", path, err)
	}
}

// find returns the binding that a path means, and the suffix that says where its value stands.
func (r *reader) find(path string) (b *binding, suffix string) {
	for _, suffix := range []string{"", fileSuffix, envSuffix} {
		name, ok := strings.CutSuffix(path, suffix)
		i := slices.IndexFunc(r.bindings, func(b binding) bool { return b.path == name })
		// A secret with an environment variable of its own is read from there without being told.
		if ok && i >= 0 && (suffix != envSuffix || r.bindings[i].env == "") {
			return &r.bindings[i], suffix
		}
	}
	return nil, ""
}

// words reads a list of plain values, or one.
func (r *reader) words(field *[]string, path string, entry *ast.MappingValueNode) {
	nodes := []ast.Node{entry.Value}
	if n, ok := entry.Value.(*ast.SequenceNode); ok {
		nodes = n.Values
	}
	for _, n := range nodes {
		text, ok := scalar(n)
		if !ok {
			r.fail(entry.Key, "%s: want a list of plain values", path)
			return
		}
		*field = append(*field, text)
	}
}

func (r *reader) secretFromEnv(s *Secret, name string) error {
	for _, kv := range r.environ {
		if n, value, _ := strings.Cut(kv, "="); n == name && value != "" {
			*s = Secret(value)
			return nil
		}
	}
	return fmt.Errorf("the environment has no %s", name)
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
	known := make([]string, 0, len(r.bindings)+len(r.lists))
	for _, b := range r.bindings {
		known = append(known, b.path)
	}
	for _, l := range r.lists {
		known = append(known, l.path)
	}
	if !strings.Contains(name, ".") {
		for i, k := range known {
			known[i], _, _ = strings.Cut(k, ".")
		}
	}
	best := nearest(name, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// readSecret reads a file and drops the line end that editors add.
func readSecret(s *Secret, path string) error {
	data, err := textfile.Read(path, maxSecret)
	if err != nil {
		return err
	}
	*s = Secret(strings.TrimRight(string(data), "\r\n"))
	return nil
}
