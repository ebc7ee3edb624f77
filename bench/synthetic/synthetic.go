// Package synthetic writes source code of a known shape.
package synthetic

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

var (
	verbs = []string{
		"Load", "Store", "Merge", "Close", "Open", "Parse", "Format", "Index", "Rotate", "Verify",
		"Reserve", "Publish",
	}
	nouns = []string{
		"Segment", "Session", "Record", "Cursor", "Ticket", "Manifest", "Window", "Journal", "Bucket",
		"Lease", "Header", "Replica",
	}
	parts = []string{
		"offset", "limit", "owner", "version", "retries", "checksum", "deadline", "parent",
		"weight", "region",
	}
)

// Go writes a Go file with functions of about lines lines each, until enough reports that
// there are enough. Equal arguments give equal text: speed needs code of a known shape, not code of
// somebody else's.
func Go(lines int, seed uint64, enough func(functions int, text string) bool) string {
	rng := rand.New(rand.NewPCG(seed, uint64(lines)))
	pick := func(words []string) string { return words[rng.IntN(len(words))] }
	var b strings.Builder
	b.WriteString("package store\n\nimport (\n\t\"context\"\n\t\"fmt\"\n)\n")
	for n := 0; !enough(n, b.String()); n++ {
		fmt.Fprintf(&b, "\nfunc (s *%s) %s%s%d(ctx context.Context, key string, limit int) (int, error) {\n"+
			"\ttotal := 0\n",
			pick(nouns), pick(verbs), pick(nouns), n)
		// Header, first line, return and brace are four; each statement below is three.
		for range max(1, (lines-4)/3) {
			a, c := pick(parts), pick(parts)
			switch rng.IntN(3) {
			case 0:
				fmt.Fprintf(&b, "\tif s.%s > limit+%d {\n\t\treturn 0, fmt.Errorf(\"%s of %%q is past %s: %%d\", "+
					"key, s.%s)\n\t}\n", a, rng.IntN(90), a, c, c)
			case 1:
				fmt.Fprintf(&b, "\tfor _, entry := range s.%ss[:limit] {\n\t\ttotal += entry.%s*%d - len(entry.%s)\n"+
					"\t}\n", a, c, rng.IntN(90), a)
			default:
				fmt.Fprintf(&b, "\t%s%d, err := s.%s%s(ctx, key, total)\n\ts.%s = max(s.%s, %s%d)\n\ttotal += %s%d\n",
					a, rng.IntN(1000), pick(verbs), pick(nouns), c, c, a, 0, a, 0)
			}
		}
		b.WriteString("\treturn total, nil\n}\n")
	}
	return b.String()
}
