package index

import (
	"fmt"
	"strings"
)

// LessIndexed is the reason of a Context that does not come of all that was to be looked at.
const LessIndexed = "index-incomplete"

// missing says what an answer within paths does not take into account.
func (x *Index) missing(paths []string) (notes []string) {
	for _, p := range paths {
		if len(x.below(p)) == 0 {
			notes = append(notes, noSource(p).Error())
		}
	}
	if s := x.Status(); s.LeftOut > 0 || s.Unread > 0 {
		notes = append(notes, s.missing(x.opts))
	}
	return notes
}

// missing says what an index does not hold.
func (s Status) missing(o Options) string {
	var parts []string
	if s.LeftOut > 0 {
		parts = append(parts, fmt.Sprintf("%d left out (source beyond %d files, %d MiB, or %d MiB a file)",
			s.LeftOut, o.MaxFiles, o.MaxBytes>>20, maxFile>>20))
	}
	if s.Unread > 0 {
		parts = append(parts, fmt.Sprintf("%d unreadable", s.Unread))
	}
	return "the index is not complete: " + strings.Join(parts, ", ")
}

// noSource says that the index has nothing of a path.
func noSource(path string) error {
	return fmt.Errorf("%w: %s is no source file of the workspace, or one that .gitignore, its name or its size "+
		"keeps out", ErrNothing, path)
}
