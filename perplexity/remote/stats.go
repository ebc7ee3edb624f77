package remote

import (
	"time"

	"pith/perplexity"
)

// Stats returns the figures.
func (s *Scorer) Stats() Stats {
	return Stats{
		Model: perplexity.Stats{
			Queued: int(s.stats.queued.Load()), Running: int(s.stats.active.Load()), Runs: s.stats.runs.Load(),
			Scored: s.stats.tokens.Load(), Waited: time.Duration(s.stats.waited.Load()),
		},
		Ready: s.door.enter() != nil, Failures: s.stats.failures.Load(), Skipped: s.stats.skipped.Load(), Refused: s.stats.refused.Load(),
		Probes: s.stats.probes.Load(), Sent: s.stats.sent.Load(), Received: s.stats.received.Load(),
	}
}
