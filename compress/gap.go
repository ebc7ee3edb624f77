package compress

import (
	"fmt"
	"slices"
	"strconv"
)

// A hash in a marker is 24 hex digits: the file's name, then the first and the last line of the
// gap. So one kept file answers for all its gaps, and the hash of a gap asks for no more than that
// gap.
const (
	idDigits   = 14 // 56 bits: among a million files of one caller two names meet with probability 1e-5
	lineDigits = 5
	hashDigits = idDigits + 2*lineDigits
	maxLine    = 1<<(4*lineDigits) - 1
)

// A Gap names the lines that a marker stands for.
type Gap struct {
	// Original names the file; see Options.Retrieval.
	Original string
	// First and Last are lines of the file, counted from 1, inclusive.
	First, Last int
}

// String returns the hash: 24 lower case hex digits, or nothing where there is no name or the file
// has more than a million lines.
func (g Gap) String() string {
	if len(g.Original) < idDigits || g.Last > maxLine {
		return ""
	}
	return fmt.Sprintf("%s%0*x%0*x", g.Original[:idDigits], lineDigits, g.First, lineDigits, g.Last)
}

// ParseGap reads a hash. ok is false for anything that String does not write.
func ParseGap(hash string) (g Gap, ok bool) {
	if len(hash) != hashDigits {
		return Gap{}, false
	}
	first, errFirst := strconv.ParseUint(hash[idDigits:idDigits+lineDigits], 16, 32)
	last, errLast := strconv.ParseUint(hash[idDigits+lineDigits:], 16, 32)
	g = Gap{Original: hash[:idDigits], First: int(first), Last: int(last)}
	ok = errFirst == nil && errLast == nil && 1 <= g.First && g.First <= g.Last && g.String() == hash &&
		isHex(g.Original)
	return g, ok
}

func isHex(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}

// hashes lists the hashes of the markers that a file has for keep.
func (s *source) hashes(keep []bool) []string {
	var list []string
	for _, gap := range runs(invert(keep), 0, len(keep)) {
		if hash := s.gap(gap[0], gap[1]).String(); hash != "" {
			list = append(list, hash)
		}
	}
	return list
}

func invert(keep []bool) []bool {
	out := make([]bool, len(keep))
	for i := range keep {
		out[i] = !keep[i]
	}
	return out
}
