package parsers

import "cmp"

// NewFile returns a file of a language. It is complete where that takes no grammar; all others want
// one, or CutByLines where that fails.
func NewFile(language string, lines Lines) (f File, complete bool) {
	f = File{Language: language, SyntaxErrors: -1}
	f.CommentPrefix, f.CommentSuffix = commentOf(language)
	if language == "markdown" {
		f.Chunks = cutMarkdown(lines)
		return f, true
	}
	if _, ok := grammars[language]; !ok {
		f.CutByLines("no grammar for "+language, lines)
		return f, true
	}
	return f, false
}

// CutByLines cuts f by its lines, for a reason.
func (f *File) CutByLines(reason string, lines Lines) {
	failed := ""
	f.Chunks, failed = cutLines(f.Language, lines)
	f.Fallback = cmp.Or(failed, reason)
}
