package parsers

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-enry/go-enry/v2"
)

// plainText is the language of everything that no other name fits.
const plainText = "text"

// commentStyle is what encloses a one-line comment, by canonical name. Languages not listed have "#
// " as most configuration formats do; a marker is read by a model, not by a parser, there.
var commentStyle = map[string][2]string{
	"bash": {"# ", ""}, "c": {"// ", ""}, "cpp": {"// ", ""}, "csharp": {"// ", ""}, "css": {"/* ", " */"},
	"dart": {"// ", ""}, "go": {"// ", ""}, "groovy": {"// ", ""}, "haskell": {"-- ", ""}, "html": {"<!-- ", " -->"},
	"java": {"// ", ""}, "javascript": {"// ", ""}, "kotlin": {"// ", ""}, "less": {"// ", ""}, "lua": {"-- ", ""},
	"markdown": {"<!-- ", " -->"}, "objective-c": {"// ", ""}, "php": {"// ", ""}, "protobuf": {"// ", ""},
	"python": {"# ", ""}, "ruby": {"# ", ""}, "rust": {"// ", ""}, "scala": {"// ", ""}, "scss": {"// ", ""},
	"sql": {"-- ", ""}, "svelte": {"<!-- ", " -->"}, "swift": {"// ", ""}, "tsx": {"// ", ""},
	"typescript": {"// ", ""},
	"vue":        {"<!-- ", " -->"}, "xml": {"<!-- ", " -->"}, "zig": {"// ", ""},
}

// renamed gives the canonical names that differ from the lower-case name of the detection library.
var renamed = map[string]string{
	"c#": "csharp", "c++": "cpp", "shell": "bash", "protocol buffer": "protobuf", "jsx": "javascript",
	"bash": "bash", "sh": "bash", "zsh": "bash", "golang": "go", "py": "python", "js": "javascript",
	"mjs": "javascript", "ts": "typescript", "rb": "ruby", "rs": "rust", "kt": "kotlin", "cs": "csharp",
	"c++11": "cpp", "cc": "cpp",
	"hpp": "cpp", "h": "c", "md": "markdown", "yml": "yaml", "plaintext": plainText, "txt": plainText,
	"console":       plainText,
	"shell-session": plainText, "shellsession": plainText, "hack": "php", "starlark": "python", "cython": plainText,
	"python3": "python",
}

// candidates are what a file without a name may be, when its content has to tell.
var candidates = []string{
	"Go", "Python", "JavaScript", "TypeScript", "Java", "C", "C++", "C#", "Rust", "Ruby", "PHP", "Kotlin", "Swift",
	"Scala", "Shell", "Markdown", "YAML", "JSON", "SQL", "HTML", "CSS", "Text",
}

// tells are lines that only one language has. They come before the library's classifier, which
// takes a Go file that begins with a long comment for JavaScript.
var tells = []struct {
	language string
	line     *regexp.Regexp
}{
	{"php", regexp.MustCompile(`^\s*<\?php\b`)},
	{"go", regexp.MustCompile(`(?m)^package [a-z_]\w*[ \t]*(?://.*)?\r?$[\s\S]*?^(?:import|func|type|var|const)\b`)},
	{
		"java",
		regexp.MustCompile(
			`(?m)^(?:package|import(?: static)?) [\w.]+(?:\.\*)?;[\s\S]*?^[\w@ ]*\b(?:class|interface|` +
				`enum|record) \w`),
	},
	{"csharp", regexp.MustCompile(`(?m)^(?:using [A-Z][\w.]*;|namespace [A-Z][\w.]*\s*[{;])`)},
	{"rust", regexp.MustCompile(`(?m)^\s*(?:pub(?:\(\w+\))? )?(?:fn \w+.*(?:->|\{)|use [\w:]+::|impl\b.*\{|#\[\w+)`)},
	{
		"python",
		regexp.MustCompile(
			`(?m)^(?:(?:async )?def \w+\(.*|class \w+.*:\s*$|from [\w.]+ import .*|import [\w.]+(?: as \w+)?\r?$)`),
	},
}

// sample is how much of a file its language is told from, in bytes.
const sample = 8 << 10

// Languages returns the canonical names of the languages that are cut along syntax, sorted.
func Languages() []string {
	names := append(slices.Collect(maps.Keys(grammars)), "markdown")
	slices.Sort(names)
	return names
}

// Detect returns the canonical name of a file's language by its path, its shebang line and its
// content, in this order; "text" when nothing tells. The path may be "".
func Detect(path string, src []byte) string {
	src = src[:min(len(src), sample)]
	if path != "" {
		path = filepath.Base(path)
		if name := byPath(path, src); name != "" {
			return name
		}
	}
	if name, ok := enry.GetLanguageByShebang(src); ok || name != "" {
		return canonical(name)
	}
	if path != "" || len(strings.TrimSpace(string(src))) == 0 {
		return plainText
	}
	if name, ok := enry.GetLanguageByModeline(src); ok {
		return canonical(name)
	}
	for _, tell := range tells {
		if tell.line.Match(src) {
			return tell.language
		}
	}
	name, _ := enry.GetLanguageByClassifier(src, candidates)
	return canonical(name)
}

// byPath asks for the file name, its extension, and the content where the extension is of several
// languages.
func byPath(path string, src []byte) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tsx":
		return "tsx"
	case ".md":
		return "markdown" // also an extension of GCC's machine descriptions
	case ".h":
		if name, ok := enry.GetLanguageByContent(path, src); ok {
			return canonical(name)
		}
		return "c"
	}
	if name := enry.GetLanguage(path, src); name != "" {
		return canonical(name)
	}
	return ""
}

// LanguageOf returns the canonical name of a language by a code fence's tag; an empty tag leaves it
// to the content.
func LanguageOf(tag string, src []byte) string {
	name := byTag(tag)
	switch {
	case name == "" && tag == "":
		return Detect("", src)
	case name == "":
		return plainText
	}
	return name
}

// byTag returns the language that a code fence's tag names, or "" for one that is unknown.
func byTag(tag string) string {
	tag = strings.ToLower(strings.TrimSpace(tag))
	if _, ok := grammars[tag]; ok {
		return tag
	}
	if name, ok := renamed[tag]; ok {
		return name
	}
	if name, ok := enry.GetLanguageByAlias(tag); ok {
		return canonical(name)
	}
	if name, ok := enry.GetLanguageByExtension("x." + tag); ok {
		return canonical(name)
	}
	return ""
}

func canonical(name string) string {
	name = strings.ToLower(name)
	if other, ok := renamed[name]; ok {
		return other
	}
	if name == "" {
		return plainText
	}
	return name
}

// commentOf returns what encloses a one-line comment of a language.
func commentOf(language string) (prefix, suffix string) {
	if style, ok := commentStyle[language]; ok {
		return style[0], style[1]
	}
	return "# ", ""
}
