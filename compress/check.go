package compress

import (
	"errors"
	"fmt"
	"slices"
)

// check reports all that is wrong with a request in itself.
func (r Request) check() error {
	var errs []error
	if len(r.Files) == 0 {
		errs = append(errs, errors.New("no files"))
	}
	if r.Budget < 0 {
		errs = append(errs, fmt.Errorf("budget %d is negative", r.Budget))
	}
	if r.Rate != 0 && !(r.Rate > 0 && r.Rate <= 1) {
		errs = append(errs, fmt.Errorf("rate %v is outside (0, 1]", r.Rate))
	}
	if !slices.Contains([]string{"", rankAuto, rankAMI, rankBM25, rankWords, rankHybrid}, r.Ranker) {
		errs = append(errs, fmt.Errorf("ranker %q is none of auto, ami, bm25, words, hybrid", r.Ranker))
	}
	if _, ok := classOf(r.Speed); !ok && r.Speed != "" {
		errs = append(errs, fmt.Errorf("speed %q is none of exact, balanced, fast", r.Speed))
	}
	if !slices.Contains([]Stage{"", StageCoarse, StageFine}, r.Stage) {
		errs = append(errs, fmt.Errorf("stage %q is none of coarse, fine", r.Stage))
	}
	if r.Compat != "" && r.Compat != compatLongCodeZip {
		errs = append(errs, fmt.Errorf("compat %q is not %s", r.Compat, compatLongCodeZip))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return nil
}
