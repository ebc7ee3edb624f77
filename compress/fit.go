package compress

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	// attempts is how often a target is corrected by how far the counted text is off. Two bring
	// most texts within slack.
	attempts = 7
	// slack is the part of the budget, one in so many, that is not worth another attempt.
	slack = 50
	// rounds bounds how often single gaps are mended before a broken file climbs levels, and then
	// how often it climbs one before it is kept whole or left out.
	rounds = 4
)

// maxMarkers is the share of an output that may be markers, one in so many, and maxMarkerPrice how
// far their price is raised to get there.
const (
	maxMarkers     = 17
	maxMarkerPrice = 5
)

// lostWorth is what may be lost of a choice's value for fewer markers, one part in so many.
const lostWorth = 50

// thin looks for a plan with fewer markers that is worth as much: gaps that stand apart for a line
// or two cost more than they save. It raises what a marker is charged until too few are left to
// matter.
func (j *job) thin(ctx context.Context, p *plan) (*plan, error) {
	for p.markers*maxMarkers > p.tokens && j.markerPrice < maxMarkerPrice {
		j.markerPrice++
		fewer, err := j.search(ctx, j.budget)
		if err != nil {
			return nil, err
		}
		if fewer.worth < p.worth-p.worth/lostWorth {
			j.markerPrice--
			break
		}
		p = fewer
	}
	return p, nil
}

// fit cuts the input down to the budget: a choice, then the real count, until the text fits and
// parses.
func (j *job) fit(ctx context.Context) (*plan, error) {
	defer j.time("fit", time.Now())
	for round := 0; ; round++ {
		p, err := j.search(ctx, j.budget)
		if err != nil {
			return nil, err
		}
		if p, err = j.thin(ctx, p); err != nil {
			return nil, err
		}
		broken, err := j.broken(ctx, p)
		if err != nil || len(broken) == 0 {
			return p, err
		}
		for _, src := range broken {
			mended, err := j.mend(ctx, src, p)
			if err != nil {
				return nil, err
			}
			if !mended || round >= rounds {
				src.level++
			}
			if round >= 2*rounds {
				src.level = cutFile
			}
		}
		j.offerPruned()
		j.walkAnew()
	}
}

// search finds a target for the stages, which add up line by line, such that the text as a whole
// comes closest to limit from below. It begins with the target that was found before.
func (j *job) search(ctx context.Context, limit int) (*plan, error) {
	target := j.target
	if target == 0 {
		estimate := 0
		for _, src := range j.sources {
			estimate += src.cost(0, src.lines()) + j.header(src)
		}
		target = int(float64(limit) * float64(estimate) / float64(max(j.original, 1)))
	}
	var found *plan
	low, high := 0, math.MaxInt // targets of texts that fit and that do not
	for range attempts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := j.cut(target)
		if p.tokens <= limit && (found == nil || p.tokens > found.tokens) {
			found, j.target = p, target
		}
		off := limit - p.tokens
		if off >= 0 && off <= limit/slack {
			break
		}
		if off >= 0 {
			low = max(low, target)
		} else {
			high = min(high, target)
		}
		if off < 0 {
			off = min(off, -limit/slack/2) // by one at a time it would not get there
		}
		if target += off; target <= low || target >= high {
			target = low + (high-low)/2
		}
		if target == low {
			break
		}
	}
	for ; found == nil && target > 0; target = target * 3 / 4 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p := j.cut(target); p.tokens <= limit {
			found = p
		}
	}
	if found != nil {
		return found, nil
	}
	p := j.cut(0)
	if p.tokens > limit {
		return nil, fmt.Errorf("%w: %d tokens cannot hold the %d that markers for everything take", ErrBudget,
			j.budget, p.tokens)
	}
	return p, nil
}

// cut chooses for a target and writes the outcome.
func (j *job) cut(target int) *plan {
	lines, worth := j.choose(target)
	p := j.assemble(lines)
	p.worth = worth
	return p
}
