package lexical

import "strings"

// Identifiers lists the words of a text that look like names of code rather than of English: with
// an underscore, a digit or a capital inside, in backquotes, or before a parenthesis.
func Identifiers(text string) map[string]bool {
	found := map[string]bool{}
	for from := 0; from < len(text); {
		if !IsWordByte(text[from]) {
			from++
			continue
		}
		to := from
		for to < len(text) && IsWordByte(text[to]) {
			to++
		}
		word := text[from:to]
		called := to < len(text) && text[to] == '('
		quoted := from > 0 && to < len(text) && text[from-1] == text[to] && strings.IndexByte("`'\"", text[to]) >= 0
		dotted := from > 0 && text[from-1] == '.' && to-from > 2
		if len(word) > 1 && (called || quoted || dotted || strings.ContainsFunc(word[1:], isNamePart)) {
			found[word] = true
		}
		from = to
	}
	return found
}

// IsWordByte reports that c may stand in a name.
func IsWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isNamePart(r rune) bool { return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' }

// LastPart is a qualified name's last part.
func LastPart(name string) string { return name[1+strings.LastIndexAny(name, ".:#"):] }
