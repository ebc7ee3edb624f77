package remote

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"pith/internal/panics"
	"pith/perplexity"
)

// A door is open while the server may be asked. It is shut by the first request that fails, and
// opened by a probe only: no request is spent on finding out.
type door struct {
	mu sync.Mutex
	// asked ends when the door shuts, and with it what is being asked. Nil while it is shut.
	asked context.Context //nolint:containedctx // shared by the requests in flight
	leave context.CancelCauseFunc
	// failed is told when it shuts.
	failed chan struct{}
	why    error
}

// enter returns nil where the server is left alone.
func (d *door) enter() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func (d *door) open(life context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.leave = context.WithCancelCause(life)
	d.why = nil
}

// shut has the server left alone, unless that happened since asked was got.
func (d *door) shut(asked context.Context, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked != asked || asked == nil {
		return
	}
	d.leave(why)
	d.asked, d.why = nil, why
	select {
	case d.failed <- struct{}{}:
	default:
	}
}

func (d *door) reason() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.why
}

// recheck is how often a server that works is probed: what stands behind its name may be replaced.
const recheck = time.Minute

// watch probes until the Scorer is closed: now and then while the server works, after a rest that
// doubles while it does not.
func (s *Scorer) watch(ready bool) {
	rest := s.opt.Rest
	for {
		wait := rest
		if ready {
			wait = recheck
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.life.Done():
			timer.Stop()
			return
		case <-s.door.failed:
			timer.Stop()
			ready = false
			s.changed(false, s.door.reason())
			continue
		case <-timer.C:
		}
		err := panics.Guard(func() error { return s.probe(s.life) }) // nobody else recovers here
		switch {
		case s.life.Err() != nil:
			return
		case err == nil && !ready:
			// A server that fails again soon rests longer; one that holds gets its first rest back.
			s.door.open(s.life)
			ready, rest = true, min(2*rest, max(longestRest, s.opt.Rest))
			s.changed(true, nil)
		case err == nil:
			rest = s.opt.Rest
		case ready:
			s.door.shut(s.door.enter(), err)
		default:
			rest = min(2*rest, max(longestRest, s.opt.Rest))
		}
	}
}

func (s *Scorer) changed(ready bool, why error) {
	if s.opt.Changed != nil {
		s.opt.Changed(ready, why)
	}
}

// probe asks the server what it is and holds it to the golden scores, or to what any scorer's
// losses must be.
func (s *Scorer) probe(ctx context.Context) error {
	s.stats.probes.Add(1)
	ctx, cancel := context.WithTimeout(ctx, max(s.opt.Timeout, 5*time.Second))
	defer cancel()
	about, err := s.proto.describe(ctx)
	if err != nil {
		return fmt.Errorf("probe %s: %w", s.opt.URL, err)
	}
	if s.opt.Golden != nil {
		scored, err := s.each(ctx, s.opt.Golden.Texts())
		if err != nil {
			return fmt.Errorf("probe %s: %w", s.opt.URL, asRefusal(err))
		}
		worst, err := s.opt.Golden.Compare(scored)
		if err != nil {
			return fmt.Errorf("probe %s: %w: %w", s.opt.URL, ErrRefused, err)
		}
		about += fmt.Sprintf(", golden scores met within %.1g nats", worst)
	} else if err := s.consistent(ctx); err != nil {
		return fmt.Errorf("probe %s: %w", s.opt.URL, asRefusal(err))
	}
	s.about.Store(&about)
	return nil
}

// Texts that a scorer without golden scores is tried with. The third begins with the second.
const (
	probeText  = "func area(w, h int) int {\n\treturn w * h\n}\n"
	probeOdd   = probeText + "// zyxwv 7391 qqj\n"
	probeQuery = "Where is the area of a rectangle computed?"
)

// consistent holds a server to what any scorer's losses must be: each token has one, they repeat,
// they do not depend on what follows, and a text that follows has others than alone.
func (s *Scorer) consistent(ctx context.Context) error {
	seqs := []perplexity.Sequence{
		{Text: probeQuery},
		{Given: probeText, Text: probeQuery, WantGiven: true},
		{Given: probeOdd, Text: probeQuery, WantGiven: true},
	}
	first, err := s.each(ctx, seqs)
	if err != nil {
		return err
	}
	again, err := s.each(ctx, seqs)
	if err != nil {
		return err
	}
	same := func(a, b []perplexity.Loss, upTo int) bool {
		n := 0
		for i := 0; i < len(a) && a[i].Offset < upTo; i++ {
			if i >= len(b) || b[i].Offset != a[i].Offset || abs(a[i].NLL-b[i].NLL) > perplexity.GoldenTolerance {
				return false
			}
			n++
		}
		return n > 0
	}
	const all = 1 << 30
	for i := range first {
		if !same(first[i].Text, again[i].Text, all) || i > 0 && !same(first[i].Given, again[i].Given, all) {
			return fmt.Errorf("%w: the same text got other log-probabilities when asked again", ErrRefused)
		}
	}
	// The last token of the shorter text may be another one in the longer.
	if !same(first[1].Given, first[2].Given, len(probeText)-2) {
		return fmt.Errorf("%w: log-probabilities depend on what follows: they are approximate, or not the "+
			"prompt's", ErrRefused)
	}
	distinct := map[float64]bool{}
	for _, l := range first[2].Given {
		distinct[l.NLL] = true
	}
	if len(distinct) < len(first[2].Given)/4 {
		return fmt.Errorf("%w: most log-probabilities are equal: they are cut off or made up", ErrRefused)
	}
	if alone := first[0].Text; len(alone) > 0 && same(alone, slices.DeleteFunc(slices.Clone(first[1].Text),
		func(l perplexity.Loss) bool {
			return l.Offset < alone[0].Offset // the first token has no loss alone
		}), all) {
		return fmt.Errorf("%w: a text has the same log-probabilities whatever stands before it", ErrRefused)
	}
	return nil
}

func abs(x float64) float64 { return max(x, -x) }
