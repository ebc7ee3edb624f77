package remote

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// place finds out where in the prompt each token stands, in bytes: servers spell tokens as text,
// count in characters, and cannot spell a part of one. What the server generated beyond the prompt
// is left out, and so is a token of its own before it. A token that spells no text, or a part of a
// character, stands where the one before it ended, and one whose part of a character is left out
// where the rest of it does.
func place(tokens []promptToken, prompt string) ([]promptToken, error) {
	if len(tokens) > 0 && tokens[0].missing && !strings.HasPrefix(prompt, literal(tokens[0].text)) {
		tokens = tokens[1:] // a mark of the text's beginning
	}
	if len(tokens) > 0 && tokens[0].missing && tokens[0].text == "" {
		// prompt_logprobs do not spell the first token: it is what stands before the second.
		return placeRest(tokens, prompt)
	}
	placed, _, err := placeFrom(tokens, prompt, 0)
	return placed, err
}

// placeRest places tokens whose first is not spelled: it is a mark of the beginning, which has no
// text, or the prompt's beginning up to where the others fit.
func placeRest(tokens []promptToken, prompt string) ([]promptToken, error) {
	const longest = 64
	var first error
	for start := 0; start <= min(longest, len(prompt)); start++ {
		rest, end, err := placeFrom(tokens[1:], prompt, start)
		if err == nil && end == len(prompt) && len(rest) >= len(tokens)-2 { // one may have been generated
			if start == 0 {
				return rest, nil
			}
			return append([]promptToken{{missing: true}}, rest...), nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("%w: the tokens do not spell the prompt", errAnswer)
	}
	return nil, first
}

// placeFrom places tokens from a byte of the prompt on and returns where they end.
func placeFrom(tokens []promptToken, prompt string, at int) ([]promptToken, int, error) {
	placed := make([]promptToken, 0, len(tokens))
	for i, t := range tokens {
		if at >= len(prompt) {
			break
		}
		t.offset = at
		text := literal(t.text)
		switch {
		case text == t.text && strings.HasPrefix(prompt[at:], text):
			at += len(text)
		case text != t.text || strings.ContainsRune(t.text, utf8.RuneError):
			// Parts of characters: go on behind what is whole of it, or where the next whole token
			// fits.
			next := behind(text, prompt, at)
			if next >= 0 && strings.HasSuffix(t.text, partial) || text == "" {
				next = resume(tokens[i+1:], prompt, max(next, at))
			}
			if next < 0 {
				return nil, 0, fmt.Errorf("%w: token %d cannot be found in the prompt", errAnswer, i)
			}
			at = next
		default:
			// Some leave parts of characters out.
			next := over(text, prompt, at)
			if next < 0 || next == len(prompt) && (i == 0 || tokens[i-1].text != "") {
				return nil, 0, fmt.Errorf("%w: token %d does not stand in the prompt at byte %d", errAnswer, i, at)
			}
			if t.offset = next; next == len(prompt) {
				return placed, next, nil // it was generated
			}
			at = next + len(text)
		}
		placed = append(placed, t)
	}
	if n := len(tokens); n > 0 && tokens[n-1].text == "" && over("", prompt, at) == len(prompt) {
		at = len(prompt)
	}
	if at < len(prompt) {
		return nil, 0, fmt.Errorf("%w: the tokens end at byte %d of a prompt of %d", errAnswer, at, len(prompt))
	}
	return placed, at, nil
}

// over returns where a text stands behind characters beyond ASCII, the prompt's end where it does
// not before that, or -1. At the end stands the empty text.
func over(text, prompt string, at int) int {
	for ; at < len(prompt); at++ {
		switch {
		case text != "" && utf8.RuneStart(prompt[at]) && strings.HasPrefix(prompt[at:], text):
			return at
		case prompt[at] < utf8.RuneSelf:
			return -1
		}
	}
	return at
}

// partial stands for a part of a character.
const partial = string(utf8.RuneError)

// behind returns where a token's whole characters end in the prompt, those that follow a part of
// one included, or -1 where they do not stand there.
func behind(text, prompt string, at int) int {
	for i, whole := range strings.Split(text, partial) {
		for i > 0 && whole != "" && at < len(prompt) && prompt[at] >= utf8.RuneSelf &&
			!strings.HasPrefix(prompt[at:], whole) {
			at++
		}
		if !strings.HasPrefix(prompt[at:], whole) {
			return -1
		}
		at += len(whole)
	}
	return at
}

// resume finds where, at or after at, the next token that is whole begins: only bytes of characters
// beyond ASCII lie between. Where another part follows it is at itself.
func resume(rest []promptToken, prompt string, at int) int {
	if len(rest) == 0 {
		return len(prompt)
	}
	next := rest[0].text
	if literal(next) != next || strings.ContainsRune(next, utf8.RuneError) {
		return at
	}
	for end := at; ; end++ {
		if end > at && end < len(prompt) && strings.HasPrefix(prompt[end:], next) && utf8.RuneStart(prompt[end]) {
			return end
		}
		if end == len(prompt) {
			return end // what is next was generated
		}
		if prompt[end] < utf8.RuneSelf {
			return -1
		}
	}
}

// literal is a token's text without the spelling of bytes ("bytes:\xf0\x9f") that some servers use.
func literal(text string) string {
	if strings.HasPrefix(text, "bytes:") {
		return ""
	}
	return text
}
