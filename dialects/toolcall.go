package dialects

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// An action is what a tool call does to files, as far as its name and arguments tell.
type action struct {
	kind actionKind
	// paths are the files named. A read has exactly one.
	paths []string
	// command is the text of a shell command or patch that may change any file it mentions.
	command string
}

// An actionKind says what a call does.
type actionKind int

const (
	actOther  actionKind = iota
	actRead              // reads one whole file
	actPeek              // reads a part of a file, or several files
	actChange            // may change the files in paths and those that command mentions
)

// understand reads what a call does. Names and arguments are those of the coding agents of today; a name not known is judged by
// the verbs in it, and in doubt a call counts as one that changes files, as its results then pass whole.
func understand(c call) action {
	args := gjson.Parse(c.args)
	if !gjson.Valid(c.args) {
		args = gjson.Result{}
	}
	name := bareName(c.name)
	if command, ok := shellCommand(name, args, c.args); ok {
		return understandShell(command)
	}
	paths := argumentPaths(args, 0)
	if len(paths) > maxPaths {
		return action{kind: actChange, command: c.args}
	}
	if isReadTool(name, args) {
		if len(paths) == 1 && !asksForPart(args) {
			return action{kind: actRead, paths: paths}
		}
		return action{kind: actPeek, paths: paths}
	}
	if hasVerb(name, changeVerbs[:]) || name == "strreplacebasededittool" || name == "strreplaceeditor" {
		a := action{kind: actChange, paths: paths}
		if text := plainText(c.args); strings.Contains(text, "*** ") || strings.Contains(text, "+++ ") {
			a.command = text
		}
		return a
	}
	return action{kind: actOther}
}

// bareName takes a tool's name out of its server's prefix and down to lower-case letters: mcp__fs__Read_File is readfile.
func bareName(name string) string {
	if i := strings.LastIndex(name, "__"); i >= 0 {
		name = name[i+2:]
	}
	if i := strings.LastIndexAny(name, "./:"); i >= 0 {
		name = name[i+1:]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

var readTools = map[string]bool{
	"read": true, "readfile": true, "fileread": true, "readtextfile": true, "readfilecontent": true, "readfilecontents": true,
	"builtinreadfile": true, "view": true, "viewfile": true, "openfile": true, "open": true, "cat": true, "fsread": true,
	"getfilecontents": true, "getfile": true, "showfile": true, "filecontents": true, "readcurrentlyopenfile": true,
}

var changeVerbs = [...]string{
	"write", "edit", "replace", "patch", "create", "insert", "delete", "append", "update", "apply", "rename", "move", "remove",
	"save", "modify", "overwrite", "undo",
}

func hasVerb(name string, verbs []string) bool {
	for _, v := range verbs {
		if strings.Contains(name, v) {
			return true
		}
	}
	return false
}

// isReadTool also knows Anthropic's text editor tool, whose command says what it does.
func isReadTool(name string, args gjson.Result) bool {
	if name == "strreplacebasededittool" || name == "strreplaceeditor" {
		return args.Get("command").Str == "view"
	}
	return readTools[name]
}

// pathKeys are the argument names under which tools take a file.
var pathKeys = map[string]bool{
	"path": true, "file_path": true, "filepath": true, "filePath": true, "file": true, "filename": true, "target_file": true,
	"absolute_path": true, "relative_path": true, "relative_workspace_path": true, "AbsolutePath": true, "notebook_path": true,
	"target": true, "destination": true, "source": true, "uri": true, "paths": true, "file_paths": true, "files": true,
}

// maxPaths bounds the files that one call is taken to name. One with more may change whatever it mentions.
const maxPaths = 1000

// argumentPaths lists the strings under path keys, a few levels deep, and stops behind maxPaths.
func argumentPaths(v gjson.Result, depth int) []string {
	var out []string
	if depth > 3 || !v.IsObject() && !v.IsArray() {
		return nil
	}
	v.ForEach(func(key, value gjson.Result) bool {
		switch {
		case value.Type == gjson.String && pathKeys[key.Str]:
			out = append(out, strings.TrimPrefix(value.Str, "file://"))
		case value.IsArray() && pathKeys[key.Str]:
			value.ForEach(func(_, item gjson.Result) bool {
				if item.Type == gjson.String {
					out = append(out, item.Str)
				}
				return len(out) <= maxPaths
			})
			out = append(out, argumentPaths(value, depth+1)...)
		default:
			out = append(out, argumentPaths(value, depth+1)...)
		}
		return len(out) <= maxPaths
	})
	return out
}

// partKeys are the arguments that ask for a part of a file.
var partKeys = [...]string{
	"offset", "limit", "start_line", "end_line", "startLine", "endLine", "StartLine", "EndLine", "view_range", "line_start",
	"line_end", "start", "end", "head", "tail", "lines", "range", "line_range", "line_ranges", "ranges", "pages",
	"start_line_one_indexed", "end_line_one_indexed_inclusive", "start_line_one_indexed_inclusive", "line_number", "line",
	"symbol", "pattern", "max_lines",
}

// asksForPart reports that a read names a range. Any range counts: whether it covers the file cannot be known from here.
func asksForPart(args gjson.Result) bool {
	if args.Get("should_read_entire_file").Type == gjson.True {
		return false
	}
	for _, key := range partKeys {
		if v := args.Get(key); v.Exists() && v.Type != gjson.Null {
			return true
		}
	}
	return false
}

var shellTools = map[string]bool{
	"bash": true, "shell": true, "sh": true, "exec": true, "execcommand": true, "runterminalcmd": true, "executecommand": true,
	"runcommand": true, "terminal": true, "localshell": true, "runshellcommand": true, "executebash": true, "shellcommand": true,
	"runinterminal": true, "runshell": true, "executeshell": true,
}

// shellCommand takes the command line out of a shell tool's arguments: a string, or an argument vector.
func shellCommand(name string, args gjson.Result, raw string) (string, bool) {
	if !shellTools[name] {
		return "", false
	}
	for _, key := range []string{"command", "cmd", "script", "commands"} {
		v := args.Get(key)
		if v.Type == gjson.String {
			return v.Str, true
		}
		if !v.IsArray() {
			continue
		}
		return commandOf(v), true
	}
	return raw, true
}

// commandOf is the command line of an argument vector; of a shell's own, the script.
func commandOf(vector gjson.Result) string {
	var first [3]string
	var line strings.Builder
	n := 0
	vector.ForEach(func(_, word gjson.Result) bool {
		if n < len(first) {
			first[n] = word.String()
		}
		if n > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(word.String())
		n++
		return true
	})
	if n == 3 && (first[1] == "-lc" || first[1] == "-c") {
		return first[2]
	}
	return line.String()
}

var (
	// catWhole is a command that prints one whole file and does nothing else, a cd before it allowed.
	catWhole = regexp.MustCompile(`^\s*(?:cd\s+[^\s;&|<>]+\s*&&\s*)?(?:cat(?:\s+-[nA-Za-z]+)?|nl(?:\s+-b\s*a)?)\s+(?:--\s+)?("[^"$` + "`" + `]+"|'[^']+'|[^\s;&|<>$*?"'` + "`" + `]+)\s*$`)
	// lookOnly are programs that change no file; sed is told apart by its flags.
	lookOnly = regexp.MustCompile(`^\s*(?:cd|cat|head|tail|nl|grep|egrep|fgrep|rg|ag|ls|wc|find|tree|file|stat|less|more|echo|pwd|which|diff|sort|uniq|cut|` +
		`awk|sed\s+-n|git\s+(?:diff|log|show|status|grep|blame|ls-files)|go\s+(?:test|build|vet|run|list)|cargo\s+(?:test|build|check)|` +
		`npm\s+(?:test|run\s+(?:test|build))|pytest|make)\b`)
	// redirect is an output redirection into a file, 2>&1 and /dev/null apart.
	redirect      = regexp.MustCompile(`>>?\s*[^&\s>]`)
	safeRedirect  = regexp.MustCompile(`\d?>{1,2}\s*(?:/dev/null|&\d)`)
	shellSegments = regexp.MustCompile(`&&|\|\||[;|\n]`)
)

func understandShell(command string) action {
	if m := catWhole.FindStringSubmatch(command); m != nil {
		return action{kind: actRead, paths: []string{strings.Trim(m[1], `"'`)}}
	}
	if redirect.MatchString(safeRedirect.ReplaceAllString(command, "")) {
		return action{kind: actChange, command: command}
	}
	for rest := command; rest != ""; {
		segment, end := rest, len(rest)
		if loc := shellSegments.FindStringIndex(rest); loc != nil {
			segment, end = rest[:loc[0]], loc[1]
		}
		if strings.TrimSpace(segment) != "" && !lookOnly.MatchString(segment) {
			return action{kind: actChange, command: command}
		}
		rest = rest[end:]
	}
	return action{kind: actOther}
}

// plainText is the text of arguments that are one JSON string, or no JSON at all: a patch names its files in its own words.
func plainText(args string) string {
	var s string
	if json.Unmarshal([]byte(args), &s) == nil {
		return s
	}
	return args
}
