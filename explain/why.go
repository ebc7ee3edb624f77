package explain

import (
	"fmt"
	"slices"
	"strings"

	"pith/compress"
)

// phrases say what a signal that speaks for a chunk means, and one that speaks against it.
var phrases = map[string][2]string{
	"words":       {"its words are the question's", "few of its words are the question's"},
	"roots":       {"its words have the question's roots", "few of its words have the question's roots"},
	"hints":       {"its terms are meant by the question's words", "few of its terms are meant by the question"},
	"pairs":       {"it has neighbouring words of the question", "it has no neighbouring words of the question"},
	"path":        {"its path matches", "its path matches less than others"},
	"head_vector": {"its header is close in meaning", "its header is far in meaning"},
	"body_vector": {"its text is close in meaning", "its text is far in meaning"},
	"file_best":   {"its file has what matches best", "its file has little that matches"},
	"called":      {"what matches uses it", "little that matches uses it"},
	"named":       {"the question names it", "the question names others"},
	"place":       {"the question names its lines", "the question names other lines"},
	"model":       {"the model expects the question after it", "the model expects other questions after it"},
	"ami":         {"the model expects the question after it", "the model expects other questions after it"},
	"bm25":        {"its words are the question's", "few of its words are the question's"},
	"order":       {"it stands early in the text", "it stands late in the text"},
}

// overview is what can be said of a result as a whole.
type overview struct {
	res compress.Result
	// ranked counts the ranked chunks, last is the worst rank of which a line was kept.
	ranked, last int
	// children are the names, by file, of what encloses a chunk that stays.
	children map[string]bool
}

func newOverview(res compress.Result) overview {
	t := overview{res: res, children: map[string]bool{}}
	for _, c := range res.Chunks {
		t.ranked = max(t.ranked, c.Rank)
		if c.Decision != compress.Omitted && c.Rank > 0 {
			t.last = max(t.last, c.Rank)
		}
		if c.Decision != compress.Omitted {
			for at := strings.LastIndexByte(c.Name, '.'); at > 0; at = strings.LastIndexByte(c.Name[:at], '.') {
				t.children[c.File+"\x00"+c.Name[:at]] = true
			}
		}
	}
	return t
}

// why says in a sentence what decided over a chunk.
func (t overview) why(c compress.ChunkResult) string {
	switch {
	case t.res.Ranker == "none":
		return "the text fits its budget, so nothing was ranked"
	case c.Rank == 0:
		return "it closes what is above it and stays or goes with that"
	}
	strong := t.signs(c, 1)
	switch c.Decision {
	case compress.Kept:
		if c.Rank <= (t.last+1)/2 && strong != "" {
			return "among the best: " + strong
		}
		if t.children[c.File+"\x00"+c.Name] && c.Name != "" {
			return "it encloses what is kept"
		}
		return t.because("there was room for its "+tokens(c.Tokens), strong)
	case compress.Pruned:
		lines := 0
		for _, run := range c.KeptLines {
			lines += run[1] - run[0] + 1
		}
		shown := fmt.Sprintf("%d of its %d lines stay", lines, c.EndLine-c.StartLine+1)
		if t.children[c.File+"\x00"+c.Name] && c.Name != "" {
			return shown + ", as a frame around what is kept inside"
		}
		return t.because(shown+"; whole it would cost "+tokens(c.Tokens), strong)
	}
	if c.Rank > t.last {
		return t.because("it ranks behind all that was kept", t.signs(c, -1))
	}
	return t.because(
		fmt.Sprintf("no room: its %s buy less than what was kept instead", tokens(c.Tokens)),
		t.signs(c, -1),
	)
}

func (t overview) because(what, signs string) string {
	if signs == "" {
		return what
	}
	return what + "; " + signs
}

// priors are signals that say what kind of chunk it is and nothing of the question.
var priors = []string{"function", "class", "size"}

// signs names the two signals that speak most for a chunk, or most against it. A signal that the
// weights turn round speaks for neither.
func (t overview) signs(c compress.ChunkResult, sign float64) string {
	var list []string
	for _, p := range parts(c.Parts) {
		signal, known := c.Signals[p.Signal]
		if p.Value*sign <= 0 || known && signal*sign < 0 || slices.Contains(priors, p.Signal) || len(list) == 2 {
			continue
		}
		said := phrases[p.Signal][0]
		if sign < 0 {
			said = phrases[p.Signal][1]
		}
		if said != "" {
			list = append(list, said)
		}
	}
	return strings.Join(list, " and ")
}

func tokens(n int) string {
	if n == 1 {
		return "1 token"
	}
	return fmt.Sprintf("%d tokens", n)
}
