package dialects

// userBlock plans a block of a user's message.
func (p *planner) userBlock(text jsonText, b codeSpan, query string) {
	fresh := true
	if b.path != "" {
		fresh = p.history.whole(b.path)
		p.history.add(b.path)
	}
	lines := text.lines[b.first:b.last]
	if !fresh {
		p.leave(LeftSeen, bytesOf(lines))
		return
	}
	if !p.looksAt(lines) {
		return
	}
	list, left := listBlock(p.work, lines, b)
	if left != "" {
		p.leave(left, bytesOf(lines))
		return
	}
	p.add(text, list, query, "")
}

// result plans what a tool returned: only the whole of one file, read for the first time, is
// compressed.
func (p *planner) result(part messagePart) {
	call, ok := p.calls[part.callID]
	if !ok || part.start == part.end {
		return
	}
	if text, ok := p.resultText(part, call.action); ok {
		p.read(text, text.lines, call, part.failed)
	}
}

// resultText is the one text of a result. Some tools put a report into a text of its own before it.
func (p *planner) resultText(part messagePart, a action) (text jsonText, ok bool) {
	if len(part.texts) == 0 {
		return readText(p.work, p.body, part.start, part.end), true
	}
	found := false
	for _, span := range part.texts {
		t := readText(p.work, p.body, span[0], span[1])
		if isReport(t.lines) {
			if failedBefore(t.lines) {
				return text, false
			}
			continue
		}
		if found {
			p.leave(LeftUnsure, part.texts[len(part.texts)-1][1]-part.texts[0][0])
			return text, false
		}
		text, found = t, true
	}
	return text, found
}

// read plans lines of text that a call returned.
func (p *planner) read(text jsonText, lines []textLine, call pendingCall, failed bool) {
	switch {
	case call.action.kind == actPeek && call.action.left != "":
		p.leave(call.action.left, bytesOf(lines))
		return
	case call.action.kind != actRead:
		if p.looksAt(lines) && isCode("", "", pieceOf(lines).content) { // of whatever it shows
			p.leave(LeftUnsure, bytesOf(lines))
		}
		return
	case failed || failedBefore(lines):
		p.leave(LeftNoCode, bytesOf(lines))
		return
	}
	if inner, left := text.unpack(p.work, p.body); left != "" {
		p.leave(left, bytesOf(lines))
		return
	} else if inner.depth > text.depth {
		text, lines = inner, inner.lines
	}
	if !p.looksAt(lines) {
		return
	}
	list, ok := sections(lines, call.action.prints)
	if !ok {
		p.leave(LeftUnsure, bytesOf(lines))
		return
	}
	for _, s := range list {
		file, left := listFile(p.work, s.lines, s.print.Path)
		switch {
		case !call.fresh[s.index]:
			p.leave(LeftSeen, bytesOf(s.lines))
		case left != "":
			p.leave(left, bytesOf(s.lines))
		case s.print.Below > 0 && len(file.content) >= s.print.Below:
			p.leave(LeftPart, bytesOf(s.lines))
		default:
			p.add(text, file, call.query(), call.action.wayBack())
		}
	}
}

// The way back to omitted lines is said once in a result whose markers have no hash, in words for
// the tool that read the file.
const (
	wayBackRead  = "to see such lines, read this file again with their line range"
	wayBackShell = "to see such lines, print this file again through sed -n 'FIRST,LASTp'"
)

func (a action) wayBack() string {
	if a.shell {
		return wayBackShell
	}
	return wayBackRead
}

func bytesOf(lines []textLine) (n int) {
	for i := range lines {
		n += len(lines[i].text) + 1
	}
	return n
}
