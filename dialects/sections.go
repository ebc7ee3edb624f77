package dialects

import "strings"

// A section is the lines that one file's print left in a command's output.
type section struct {
	lines []textLine
	print print
}

// sections shares a command's output out over the files that it prints. ok is false where it cannot be told where one file ends
// and the next begins.
func sections(lines []textLine, prints []print) (list []section, ok bool) {
	if len(prints) == 1 {
		return []section{{lines, prints[0]}}, true
	}
	if list, ok := restarts(lines, prints); ok {
		return list, true
	}
	at, open := 0, -1
	for _, p := range prints {
		mark := p.literal
		if p.headed {
			mark = "==> " + p.path + " <=="
		}
		if mark == "" {
			if open >= 0 {
				return nil, false
			}
			open = len(list)
			list = append(list, section{print: p})
			continue
		}
		i := onlyLine(lines, mark)
		if i < at {
			return nil, false
		}
		if open >= 0 {
			end := i
			if p.headed && end > at && lines[end-1].text == "" {
				end--
			}
			list[open].lines, open = lines[at:end], -1
		} else if i != at {
			return nil, false
		}
		at = i + 1
		if p.path != "" {
			open = len(list)
			list = append(list, section{print: p})
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
func restarts(lines []textLine, prints []print) (list []section, ok bool) {
	runs := numberedRuns(lines)
	if len(runs) != len(prints) {
		return nil, false
	}
	at := 0
	for i, run := range runs {
		if run.start != at || run.first != 1 || prints[i].path == "" {
			return nil, false
		}
		list = append(list, section{lines[run.start:run.end], prints[i]})
		at = run.end
	}
	return list, at == len(lines)
}

// onlyLine returns the index of the one line that reads text, or -1.
func onlyLine(lines []textLine, text string) int {
	at := -1
	for i := range lines {
		if strings.TrimRight(lines[i].text, "\r") == text {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}
