package dialects

const (
	// nearLines is how many lines on each side of the cursor are never touched: what a completion
	// is made of.
	nearLines = 64
	// farStep is the step, in lines, in which the far end of that stretch moves, so that a key
	// stroke leaves the far part and with it the cached result as they were.
	farStep = 16
	// cursorLines is how many lines before the cursor are the question. They move in the same
	// steps, for the same reason.
	cursorLines = 40
)

// completion plans a fill-in-the-middle request: the far part of the code on each side of the
// cursor is compressed for what stands right before the cursor.
func (p *planner) completion(m chatTurn) {
	var query string
	for _, piece := range m.parts {
		if piece.kind != partPrompt && piece.kind != partSuffix {
			continue
		}
		text := readText(p.work, p.body, piece.start, piece.end)
		if piece.kind == partPrompt && p.prompt(text) {
			continue
		}
		n := len(text.lines)
		far := codeSpan{last: farEnd(n)}
		if piece.kind == partPrompt {
			end := min(n, far.last+nearLines)
			query = joinLines(text.lines[max(0, end-cursorLines):end])
		} else {
			far = codeSpan{first: n - farEnd(n), last: n}
		}
		if far.first < far.last {
			p.add(text, pieceOf(text.lines[far.first:far.last]), query, "")
		}
	}
}

// farEnd is the number of lines of n that are far from the cursor.
func farEnd(n int) int {
	return max(0, (n-nearLines)/farStep*farStep)
}
