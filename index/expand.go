package index

import (
	"fmt"
	"strconv"
	"strings"

	"pith/compress"
)

// An Excerpt is lines of a file.
type Excerpt struct {
	Path string `json:"path"`
	// Lines are the runs that Text holds, counted from 1, inclusive.
	Lines [][2]int `json:"lines"`
	// Text has a number before each line.
	Text string `json:"text"`
	// More counts the lines that were asked for and are not in Text.
	More int `json:"more,omitempty"`
}

// maxExcerpt bounds the lines of one excerpt.
const maxExcerpt = 2000

// Expand returns lines of a file of the workspace, "120-180", or what it declares under a name.
// Without either it is the whole file.
func (x *Index) Expand(name, lines, symbol string) (Excerpt, error) {
	name = x.clean(name)
	text, err := x.text(name)
	if err != nil {
		return Excerpt{}, noSource(name)
	}
	all := strings.SplitAfter(string(text), "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	runs := [][2]int{{1, len(all)}}
	switch {
	case lines != "" && symbol != "":
		return Excerpt{}, fmt.Errorf("%w: lines and symbol exclude each other", compress.ErrRequest)
	case lines != "":
		from, to, ok := strings.Cut(lines, "-")
		if !ok {
			to = from
		}
		a, errA := strconv.Atoi(strings.TrimSpace(from))
		b, errB := strconv.Atoi(strings.TrimSpace(to))
		if errA != nil || errB != nil || a < 1 || b < a {
			return Excerpt{}, fmt.Errorf("%w: lines: want a-b with 1 <= a <= b", compress.ErrRequest)
		}
		if a > len(all) {
			return Excerpt{}, fmt.Errorf("%w: lines: %s has %d", compress.ErrRequest, name, len(all))
		}
		runs = [][2]int{{a, min(b, len(all))}}
	case symbol != "":
		if runs = x.symbol(name, symbol); len(runs) == 0 {
			return Excerpt{}, fmt.Errorf("%w: %s declares no %s", ErrNothing, name, symbol)
		}
	}
	return cutOut(name, all, runs), nil
}

func cutOut(name string, all []string, runs [][2]int) Excerpt {
	e := Excerpt{Path: name}
	var b strings.Builder
	room := maxExcerpt
	for _, run := range runs {
		asked := run[1]
		run[1] = min(run[1], run[0]+room-1)
		e.More += asked - run[1]
		if run[1] < run[0] {
			continue
		}
		room -= run[1] - run[0] + 1
		e.Lines = append(e.Lines, run)
		for n := run[0]; n <= run[1]; n++ {
			fmt.Fprintf(&b, "%d\t%s\n", n, strings.TrimRight(all[n-1], "\r\n"))
		}
	}
	e.Text = b.String()
	return e
}

// symbol finds the lines of what a file declares under a name, qualified or not.
func (x *Index) symbol(name, symbol string) [][2]int {
	var runs [][2]int
	f := x.file(name)
	if f == nil {
		return nil
	}
	for i, c := range f.Parsed.Chunks {
		if c.Name != symbol && !strings.HasSuffix(c.Name, "."+symbol) {
			continue
		}
		end := c.EndLine
		for k := i + 1; k < len(f.Parsed.Chunks); k++ { // what is inside of it
			at := k
			for at > i {
				at = f.Parsed.Chunks[at].Parent
			}
			if at == i {
				end = f.Parsed.Chunks[k].EndLine
			}
		}
		if n := len(runs); n == 0 || runs[n-1][1] < c.StartLine+1 {
			runs = append(runs, [2]int{c.StartLine + 1, end})
		}
	}
	return runs
}
