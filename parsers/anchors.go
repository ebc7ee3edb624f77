package parsers

import "regexp"

var (
	yamlAnchor = regexp.MustCompile(`(?:^|[\s\[{,:-])&([\w.-]+)`)
	yamlAlias  = regexp.MustCompile(`(?:^|[\s\[{,:-])\*([\w.-]+)`)
)

// keepAnchors makes what YAML's aliases stand for stay: the line of an anchor that is used is part
// of its chunk's frame, and where another chunk uses it, of what every chunk behind it depends on.
func keepAnchors(chunks []Chunk, lines Lines) {
	type place struct{ line, chunk int }
	anchors := map[string]place{}
	pinned, definers := map[int]bool{}, map[int]bool{}
	for i, ch := range chunks {
		for line := ch.StartLine; line < ch.EndLine; line++ {
			text := lines.text(line)
			for _, m := range yamlAlias.FindAllSubmatch(text, -1) {
				if at, ok := anchors[string(m[1])]; ok {
					pinned[at.line] = true
					definers[at.chunk] = definers[at.chunk] || at.chunk != i
				}
			}
			for _, m := range yamlAnchor.FindAllSubmatch(text, -1) {
				anchors[string(m[1])] = place{line, i}
			}
		}
	}
	if len(pinned) == 0 {
		return
	}
	last := -1 // the last chunk on which those behind it depend; it lies in whatever encloses them
	for i := range chunks {
		chunks[i].Units = withoutLines(chunks[i].Units, pinned)
		chunks[i].Parent = max(chunks[i].Parent, last)
		if definers[i] {
			last = i
		}
	}
}

// withoutLines are the units that hold none of some lines: of one that does, its parts.
func withoutLines(us []Unit, pinned map[int]bool) []Unit {
	var list []Unit
	for _, u := range us {
		holds := false
		for line := u.Start; line < u.End && !holds; line++ {
			holds = pinned[line]
		}
		if holds {
			list = append(list, withoutLines(u.Units, pinned)...)
			continue
		}
		list = append(list, u)
	}
	return list
}
