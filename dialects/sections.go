package dialects

import (
	"strings"

	"pith/dialects/shell"
)

// A section is the lines that one file's print left in a command's output.
type section struct {
	lines []textLine
	print shell.Output
	// index is the print's among those of its call.
	index int
}

// sections shares a command's output out over the files that it prints. ok is false where it cannot
// be told where one file ends and the next begins.
func sections(lines []textLine, prints []shell.Output) (list []section, ok bool) {
	if len(prints) == 1 {
		return []section{{lines: lines, print: prints[0]}}, true
	}
	if list, ok := restarts(lines, prints); ok {
		return list, true
	}
	at, open := 0, -1
	marked := onlyLines(lines, prints)
	for n, p := range prints {
		mark := markOf(p)
		if mark == "" {
			if open >= 0 {
				return nil, false
			}
			open = len(list)
			list = append(list, section{print: p, index: n})
			continue
		}
		i, once := marked[mark]
		if !once || i < at {
			return nil, false
		}
		if open >= 0 {
			end := i
			if p.Headed && end > at && lines[end-1].text == "" {
				end--
			}
			list[open].lines, open = lines[at:end], -1
		} else if i != at {
			return nil, false
		}
		at = i + 1
		if p.Path != "" {
			open = len(list)
			list = append(list, section{print: p, index: n})
		}
	}
	if open >= 0 {
		list[open].lines = lines[at:]
	} else if at != len(lines) {
		return nil, false
	}
	return list, true
}

// restarts shares out files whose numbers begin anew with each: cat -n a.go; cat -n b.go.
func restarts(lines []textLine, prints []shell.Output) (list []section, ok bool) {
	runs := numberedRuns(lines)
	if len(runs) != len(prints) {
		return nil, false
	}
	at := 0
	for i, run := range runs {
		if run.start != at || run.first != 1 || prints[i].Path == "" {
			return nil, false
		}
		list = append(list, section{lines[run.start:run.end], prints[i], i})
		at = run.end
	}
	return list, at == len(lines)
}

// markOf is the line that stands in the output for a print, or above it; "" where there is none.
func markOf(p shell.Output) string {
	if p.Headed {
		return "==> " + p.Path + " <=="
	}
	return p.Literal
}

// onlyLines maps the marks of prints to the lines that read like them, where that is one line each.
func onlyLines(lines []textLine, prints []shell.Output) map[string]int {
	marked := make(map[string]int, len(prints))
	for _, p := range prints {
		marked[markOf(p)] = -1
	}
	for i := range lines {
		text := strings.TrimRight(lines[i].text, "\r")
		switch at, known := marked[text]; {
		case !known:
		case at < 0:
			marked[text] = i
		default:
			marked[text] = len(lines) // several
		}
	}
	for mark, at := range marked {
		if at < 0 || at == len(lines) {
			delete(marked, mark)
		}
	}
	return marked
}
