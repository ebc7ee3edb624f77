package dialects

import (
	"iter"
	"path"
	"strings"
	"unicode"
)

// A history remembers what the conversation did to files so far. Each question to it takes time by
// the length of the name asked for, however much it remembers: a body can hold a hundred thousand
// names.
type history struct {
	work *Work
	// files were shown to the model, in whole or in part, or changed.
	files fileSet
	// commands says that there were texts whose mention of a file may mean a change, words are
	// theirs.
	commands bool
	words    map[string]struct{}
}

// longestPath is the longest path that an operating system takes, in bytes. No longer one is a file
// that was read.
const longestPath = 4096

// whole reports that a file was neither shown nor changed before. A file shown again, or after a
// change, was asked for to see it as it is.
func (h *history) whole(file string) bool {
	h.work.spend(len(file))
	return len(file) <= longestPath && !h.files.has(file) && !h.mentions(path.Base(cleanPath(file)))
}

// add notes a file that was shown or changed.
func (h *history) add(file string) {
	h.work.spend(len(file))
	if len(file) <= longestPath {
		h.work.hold(h.files.add(file))
	}
}

// note records a call's action. A file counts as seen from the call on, so that of two reads in one
// turn the second passes whole.
func (h *history) note(a action) {
	if a.kind == actOther {
		return
	}
	for _, file := range a.paths {
		h.add(file)
	}
	if a.kind == actChange && a.command != "" {
		h.noteCommand(a.command)
	}
}

// textEdits are how agents without tool calls write edits into their words: Cline's and Roo's
// elements, Aider's blocks, patches.
var textEdits = [...]string{
	"<write_to_file>", "<replace_in_file>", "<apply_diff>", "<insert_content>", "<search_and_replace>",
	"<<<<<<< SEARCH", "*** Begin Patch",
}

// noteWords records the edits in what an assistant says: they may change any file that it names.
func (h *history) noteWords(text string) {
	for _, mark := range textEdits {
		h.work.spend(len(text))
		if strings.Contains(text, mark) {
			h.noteCommand(text)
			return
		}
	}
}

// isNameRune reports a character that names of files are made of.
func isNameRune(r rune) bool {
	return r == '.' || r == '-' || r == '_' || r > unicode.MaxASCII || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// noteCommand remembers the words of a text that may change the files that it mentions.
func (h *history) noteCommand(text string) {
	h.commands = true
	if h.words == nil {
		h.words = map[string]struct{}{}
	}
	h.work.spend(len(text))
	// What follows a backslash may be the letter of an escape: in "\nmain.go" the file is main.go.
	for at := 0; at < len(text); {
		n := strings.IndexFunc(text[at:], isNameRune)
		if n < 0 {
			return
		}
		at += n
		end := strings.IndexFunc(text[at:], func(r rune) bool { return !isNameRune(r) })
		if end < 0 {
			end = len(text) - at
		}
		word := text[at : at+end]
		h.noteWord(word)
		if at > 0 && text[at-1] == '\\' {
			h.noteWord(word[1:])
		}
		at += end
	}
}

// wordBytes is about what a remembered word takes.
const wordBytes = 48

func (h *history) noteWord(word string) {
	word = strings.Trim(word, ".-")
	if _, known := h.words[word]; word == "" || known || !h.work.hold(wordBytes) {
		return
	}
	h.words[word] = struct{}{}
	// The copy that sed -i.bak keeps, and other endings behind a name.
	if head, _, ok := cutLast(word, '.'); ok && strings.Contains(head, ".") {
		h.words[head] = struct{}{}
	}
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// mentions reports that every word of a file's name stands in a text that may change files.
func (h *history) mentions(name string) bool {
	if !h.commands {
		return false
	}
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !isNameRune(r) }) {
		if _, ok := h.words[strings.Trim(word, ".-")]; !ok && strings.Trim(word, ".-") != "" {
			return false
		}
	}
	return true
}

func cleanPath(s string) string {
	return path.Clean(strings.ReplaceAll(s, `\`, "/"))
}

// A fileSet holds paths, of which one may be absolute and one relative: two are the same file where
// they are equal or one ends in the other at a slash. It is a tree over the segments from the last
// to the first.
type fileSet struct {
	next map[segment]int
	ends map[int]bool
}

// A segment leads from a node of a fileSet, 0 being the root, to the next.
type segment struct {
	from int
	name string
}

// segmentBytes is about what a node takes.
const segmentBytes = 80

// segments yields the names in a path, the last one first.
func segments(file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := strings.TrimPrefix(cleanPath(file), "/")
		for ok := true; ok; {
			var name string
			if rest, name, ok = cutLast(rest, '/'); !ok {
				rest, name = "", rest
			}
			if !yield(name) {
				return
			}
		}
	}
}

// add puts a path in and returns about how many bytes that took.
func (f *fileSet) add(file string) (took int) {
	if f.next == nil {
		f.next, f.ends = map[segment]int{}, map[int]bool{}
	}
	at := 0
	for name := range segments(file) {
		to, known := f.next[segment{at, name}]
		if !known {
			to = len(f.next) + 1
			f.next[segment{at, name}] = to
			took += segmentBytes
		}
		at = to
	}
	f.ends[at] = true
	return took
}

// has reports that a path is the same file as one of the set.
func (f *fileSet) has(file string) bool {
	at := 0
	for name := range segments(file) {
		to, known := f.next[segment{at, name}]
		if !known {
			return false
		}
		if f.ends[to] {
			return true
		}
		at = to
	}
	return true // a longer path of the set ends in it
}
