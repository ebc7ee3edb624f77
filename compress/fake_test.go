package compress

import (
	"context"
	"hash/fnv"
	"iter"
	"math"
	"strings"
	"sync/atomic"

	"pith/parsers"
)

// wordCounter counts a token per run of letters and digits, per other character and per line end,
// blank runs free: crude, quick and, like BPE, not additive over lines.
type wordCounter struct{}

func (wordCounter) For(string) Counter       { return wordCounter{} }
func (wordCounter) Encoding() (string, bool) { return "words", true }
func (wordCounter) Parts(text string) iter.Seq[string] {
	return func(yield func(string) bool) { yield(text) }
}

func (wordCounter) Count(text string) int {
	n, inWord, inBreak := 0, false, false
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
		switch {
		case letter && !inWord, !letter && c > ' ', c == '\n' && !inBreak:
			n++
		}
		inBreak = c == '\n' || inBreak && c <= ' '
		inWord = letter
	}
	return n
}

// testSource is a source of a text, not cut.
func testSource(text string) *source {
	return newSource(File{Content: text}, newKnown(text, parsers.File{}, wordCounter{}))
}

// hashModel is a deterministic language model: the surprise of a word depends on the word before
// it, and a word that the context holds surprises less. It is stateless, so batches cannot matter.
type hashModel struct {
	calls atomic.Int64
	err   error
	wait  bool // until the context ends
}

func (*hashModel) Info() (id, device string) { return "hash-model", "cpu" }

func (m *hashModel) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	m.calls.Add(1)
	if m.wait {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if m.err != nil {
		return nil, m.err
	}
	list := make([]Losses, len(seqs))
	for i, s := range seqs {
		known := map[string]bool{}
		given, before := lose(s.Given, "", known)
		text, _ := lose(s.Text, before, known)
		if before == "" && len(text) > 0 {
			text = text[1:]
		} else if len(given) > 0 {
			given = given[1:]
		}
		list[i].Text = text
		if s.WantGiven {
			list[i].Given = given
		}
	}
	return list, nil
}

func lose(text, before string, known map[string]bool) (losses []Loss, last string) {
	for at := 0; at < len(text); {
		for at < len(text) && text[at] <= ' ' {
			at++
		}
		end := at
		for end < len(text) && text[end] > ' ' {
			end++
		}
		if at == end {
			break
		}
		word := text[at:end]
		h := fnv.New32a()
		_, _ = h.Write([]byte(before + "\x00" + word))
		nll := 1 + 5*float64(h.Sum32()%1000)/1000
		if known[strings.ToLower(word)] {
			nll /= 4
		}
		known[strings.ToLower(word)] = true
		losses = append(losses, Loss{Offset: at, NLL: math.Round(nll*1e6) / 1e6})
		before, at = word, end
	}
	return losses, before
}

// indents cuts text by indentation: each line without indentation that follows a blank line begins
// a chunk, deeper lines are its units, nested. Lines that begin with "class" hold the chunks
// indented below them.
type indents struct{}

func (i indents) Parse(ctx context.Context, _ string, src []byte) (parsers.File, error) {
	return i.ParseAs(ctx, "text", src)
}

func (indents) ParseAs(ctx context.Context, _ string, src []byte) (parsers.File, error) {
	file := parsers.File{Language: "indents", CommentPrefix: "# "}
	lines := strings.SplitAfter(string(src), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	at := 0
	for start := 0; start < len(lines); {
		end := start + 1
		for end < len(lines) && (depth(lines[end]) > 0 || strings.TrimSpace(lines[end-1]) != "") {
			end++
		}
		c := parsers.Chunk{Kind: parsers.KindFunction, Start: at, StartLine: start, EndLine: end, Parent: -1}
		c.Name = strings.TrimSpace(lines[start])
		c.End = at + len(strings.Join(lines[start:end], ""))
		c.Units = indented(lines, start+1, end)
		file.Chunks = append(file.Chunks, c)
		start, at = end, c.End
	}
	return file, ctx.Err()
}

func depth(line string) int {
	if strings.TrimSpace(line) == "" {
		return math.MaxInt
	}
	return len(line) - len(strings.TrimLeft(line, " \t"))
}

// indented makes a unit of each line of the least depth in [from, to) with the deeper lines below
// it.
func indented(lines []string, from, to int) []parsers.Unit {
	for from < to && strings.TrimSpace(lines[from]) == "" {
		from++
	}
	for to > from && strings.TrimSpace(lines[to-1]) == "" {
		to--
	}
	var units []parsers.Unit
	for start := from; start < to; {
		end := start + 1
		for end < to && depth(lines[end]) > depth(lines[start]) {
			end++
		}
		for end > start+1 && strings.TrimSpace(lines[end-1]) == "" {
			end--
		}
		units = append(units, parsers.Unit{Start: start, End: end, Units: indented(lines, start+1, end)})
		for start = end; start < to && strings.TrimSpace(lines[start]) == ""; {
			start++
		}
	}
	return units
}
