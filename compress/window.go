package compress

import (
	"strings"
	"unicode/utf8"
)

const (
	// window is how much of a text the model reads at once, in bytes: about 256 tokens. A head of
	// that size tells what a function is about, attention does not grow with the function, and no
	// pass meets the model's length limit.
	window = 900
	// windowTokens is about as much in tokens of the upstream's tokenizer.
	windowTokens = 256
	// windowLead is how many bytes of lines before a window the model sees when it reads a function
	// line by line.
	windowLead = 300
)

// head returns the first lines of text that the model reads, window bytes at most. A longer line is
// cut inside.
func head(text string) string {
	if len(text) <= window {
		return text
	}
	if nl := strings.LastIndexByte(text[:window], '\n'); nl >= 0 {
		return text[:nl+1]
	}
	cut := window
	for cut > window-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// A passage is the lines [from, to) that the model reads at once, with those from lead on before
// them.
type passage struct{ lead, from, to int }

// passages cuts the lines [from, to) of src into passages of a window, or one longer line, each.
func passages(src *source, from, to int) []passage {
	var list []passage
	for at := from; at < to; {
		end := at + 1
		for end < to && src.starts[end+1]-src.starts[at] <= window {
			end++
		}
		lead := at
		for lead > from && src.starts[at]-src.starts[lead-1] <= windowLead {
			lead--
		}
		list = append(list, passage{lead: lead, from: at, to: end})
		at = end
	}
	return list
}
