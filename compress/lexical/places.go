package lexical

import (
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A Place is a line of a file that a question names.
type Place struct {
	Path string
	Line int // from 1
}

// maxPlaces bounds the places of a question: a log of megabytes names thousands.
const maxPlaces = 64

// placePattern is a path with an extension and a line behind it: a.go:12, a.py", line 12,
// a.ts(12,3), A.java:12.
var placePattern = regexp.MustCompile(`([\w./\\@+-]+\.[A-Za-z]\w{0,5})"?(?::|\(|, line |,? line )(\d{1,7})`)

// PlacesIn lists the places that a text names.
func PlacesIn(text string) []Place {
	var list []Place
	for _, m := range placePattern.FindAllStringSubmatch(text, maxPlaces) {
		if line, err := strconv.Atoi(m[2]); err == nil {
			list = append(list, Place{Path: strings.ReplaceAll(m[1], `\`, "/"), Line: line})
		}
	}
	return list
}

// SamePath reports that one path ends in the other: a trace names files from another root.
func SamePath(a, b string) bool {
	a, b = path.Clean("/"+a), path.Clean("/"+b)
	return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
}
