package dialects

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"pith/dialects/shell"
)

// An action is what a tool call does to files, as far as its name and arguments tell.
type action struct {
	kind actionKind
	// paths are the files named.
	paths []string
	// command is the text of a shell command or patch that may change any file it mentions.
	command string
	// prints is what a read prints, in order: its file, or several, and lines between.
	prints []shell.Output
	// shell says that a command line reads and not a tool made for it.
	shell bool
	// left is why the result passes, where it shows files that cannot be told apart.
	left Left
}

// An actionKind says what a call does.
type actionKind int

const (
	actOther  actionKind = iota
	actRead              // prints whole files, as prints has it
	actPeek              // reads a part of a file, or several files
	actChange            // may change the files in paths and those that command mentions
)

// understand reads what a call does. Names and arguments are those of the coding agents of today; a
// name not known is judged by the verbs in it, and in doubt a call counts as one that changes
// files, as its results then pass whole.
func understand(c toolCall) action {
	args := gjson.Parse(c.args)
	// gjson's own check calls itself for each level: 14 MB of brackets took more stack than there
	// may be, which ends the process.
	if !json.Valid([]byte(c.args)) {
		args = gjson.Result{}
	}
	name := bareName(c.name)
	if name == "exec" && isScript(plainText(c.args)) {
		return understandScript(plainText(c.args))
	}
	if command, ok := shellCommand(name, args, c.args); ok {
		return understandShell(command)
	}
	paths, ranged := plainPaths(argumentPaths(args, 0))
	if len(paths) > maxPaths {
		return action{kind: actChange, command: c.args}
	}
	if isReadTool(name, args) {
		switch {
		case ranged || asksForPart(args):
			return action{kind: actPeek, paths: paths, left: LeftPart}
		case len(paths) == 1:
			return action{kind: actRead, paths: paths, prints: []shell.Output{{Path: paths[0]}}}
		}
		return action{kind: actPeek, paths: paths, left: LeftUnsure}
	}
	if hasVerb(name, changeVerbs[:]) || editorTools[name] {
		a := action{kind: actChange, paths: paths}
		if text := plainText(c.args); strings.Contains(text, "*** ") || strings.Contains(text, "+++ ") {
			a.command = text
		}
		return a
	}
	return action{kind: actOther}
}

// bareName takes a tool's name out of its server's prefix and down to lower-case letters:
// mcp__fs__Read_File is readfile.
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

var readTools = wordSet("read readfile fileread readtextfile readfilecontent readfilecontents builtinreadfile " +
	"view viewfile openfile open cat fsread getfilecontents getfile showfile filecontents readcurrentlyopenfile " +
	"getfiletextbypath")

var changeVerbs = [...]string{
	"write", "edit", "replace", "patch", "create", "insert", "delete", "append", "update",
	"apply", "rename", "move", "remove", "save", "modify", "overwrite", "undo",
}

func hasVerb(name string, verbs []string) bool {
	for _, v := range verbs {
		if strings.Contains(name, v) {
			return true
		}
	}
	return false
}

// isReadTool also knows editors' tools, whose command says what they do.
func isReadTool(name string, args gjson.Result) bool {
	if editorTools[name] {
		return args.Get("command").Str == "view"
	}
	return readTools[name]
}

var editorTools = map[string]bool{"strreplacebasededittool": true, "strreplaceeditor": true, "texteditor": true}

// pathKeys are the argument names under which tools take a file.
var pathKeys = wordSet("path file_path filepath filePath file filename target_file absolute_path relative_path " +
	"relative_workspace_path AbsolutePath notebook_path target destination source uri paths file_paths files " +
	"pathInProject")

// maxPaths bounds the files that one call is taken to name. One with more may change whatever it
// mentions.
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

// plainPaths takes ranges off the ends of paths.
func plainPaths(paths []string) (plain []string, ranged bool) {
	for _, p := range paths {
		file, cut := cutPathRange(p)
		plain = append(plain, file)
		ranged = ranged || cut
	}
	return plain, ranged
}

var shellTools = wordSet("bash shell sh exec execcommand runterminalcmd executecommand runcommand terminal " +
	"localshell runshellcommand executebash shellcommand runinterminal runshell executeshell")

// shellCommand takes the command line out of a shell tool's arguments: a string, or an argument
// vector.
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
		words := wordsOf(v)
		if len(words) > maxPaths {
			return raw, true // it may change whatever it mentions
		}
		return commandOf(words), true
	}
	return raw, true
}

// wordsOf lists an argument vector, and stops behind maxPaths.
func wordsOf(vector gjson.Result) (words []string) {
	vector.ForEach(func(_, word gjson.Result) bool {
		words = append(words, word.String())
		return len(words) <= maxPaths
	})
	return words
}

// commandOf is the command line of an argument vector.
func commandOf(words []string) string {
	if len(words) == 3 && (words[1] == "-lc" || words[1] == "-c") {
		return words[2]
	}
	for i, w := range words {
		if strings.ContainsAny(w, " $;'|&<>") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

var (
	// lookOnly are programs that change no file; sed is told apart by its flags.
	lookOnly = regexp.MustCompile(
		`^\s*(?:cd|cat|head|tail|nl|grep|egrep|fgrep|rg|ag|ls|wc|find|tree|file|stat|less|more|echo|pwd|which|diff|` +
			`sort|uniq|cut|awk|sed\s+-n|git\s+(?:diff|log|show|status|grep|blame|ls-files)|` +
			`go\s+(?:test|build|vet|run|list)|cargo\s+(?:test|build|check)|npm\s+(?:test|run\s+(?:test|build))|` +
			`pytest|make|true|printf|bat|batcat|test|date|basename|dirname|realpath)\b`)
	// redirect is an output redirection into a file, 2>&1 and /dev/null apart.
	redirect      = regexp.MustCompile(`>>?\s*[^&\s>]`)
	safeRedirect  = regexp.MustCompile(`\d?>{1,2}\s*(?:/dev/null|&\d)`)
	shellSegments = regexp.MustCompile(`&&|\|\||[;|\n]`)
)

func understandShell(command string) action {
	prints, files, ok := shell.Prints(command)
	if ok {
		return action{kind: actRead, shell: true, paths: files, prints: prints}
	}
	if redirect.MatchString(safeRedirect.ReplaceAllString(command, "")) {
		return action{kind: actChange, command: command}
	}
	for rest := command; rest != ""; {
		piece, end := rest, len(rest)
		if loc := shellSegments.FindStringIndex(rest); loc != nil {
			piece, end = rest[:loc[0]], loc[1]
		}
		if strings.TrimSpace(piece) != "" && !lookOnly.MatchString(piece) {
			return action{kind: actChange, command: command}
		}
		rest = rest[end:]
	}
	if len(files) > 0 {
		return action{kind: actPeek, paths: files, left: LeftUnsure}
	}
	return action{kind: actOther}
}

// plainText is the text of arguments that are one JSON string, or no JSON at all: a patch names its
// files in its own words.
func plainText(args string) string {
	var s string
	if json.Unmarshal([]byte(args), &s) == nil {
		return s
	}
	return args
}
