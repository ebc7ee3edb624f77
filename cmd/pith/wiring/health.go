package wiring

import (
	"context"
	"fmt"

	"pith/dashboard"
)

// Health says how that is on which the server stands.
func (b Parts) Health(context.Context) []dashboard.Part {
	list := []dashboard.Part{b.redisPart(), b.modelPart(), b.parsersPart()}
	held, keep, bytes := b.RequestLog.Holding()
	kept := dashboard.Part{Name: "kept requests", State: "off", Detail: "dashboard.keep is 0"}
	if keep > 0 {
		kept = dashboard.Part{
			Name:   "kept requests",
			State:  "ok",
			Detail: fmt.Sprintf("%d of %d, %.1f MiB", held, keep, float64(bytes)/(1<<20)),
		}
	}
	return append(list, kept)
}

func (b Parts) redisPart() dashboard.Part {
	p := dashboard.Part{Name: "Redis", State: "off", Detail: "results are kept in memory"}
	shared, ok := b.Stores.bank.(bank)
	if !ok {
		return p
	}
	stats, state := shared.redis.Stats(), shared.redis.State()
	p.State = map[string]string{"closed": "ok", "half-open": "busy", "open": "failing"}[state]
	p.Detail = fmt.Sprintf(
		"%d calls, %d failed, %d not made while it was left alone",
		stats.Calls,
		stats.Failures,
		stats.Skipped,
	)
	return p
}

func (b Parts) modelPart() dashboard.Part {
	if b.Engine.Model == nil {
		return dashboard.Part{
			Name:   "model",
			State:  "off",
			Detail: fmt.Sprint("ranking does without: ", b.Engine.ModelErr),
		}
	}
	s := b.Engine.Model.Stats()
	p := dashboard.Part{
		Name:  "model",
		State: "ok",
		Detail: fmt.Sprintf(
			"%s; %d batches run, %d wait, %d tokens in flight",
			b.Engine.Describe(),
			s.Running,
			s.Queued,
			s.Tokens,
		),
	}
	if s.Queued > 0 {
		p.State = "busy"
	}
	return p
}

func (b Parts) parsersPart() dashboard.Part {
	s := b.Engine.Pool.Stats()
	p := dashboard.Part{
		Name:  "parse workers",
		State: "ok",
		Detail: fmt.Sprintf(
			"%d files parsed, %d known, %d cut by lines, %d timeouts, %d workers lost",
			s.Parses,
			s.Known,
			s.Fallbacks,
			s.Timeouts,
			s.Deaths,
		),
	}
	if s.Deaths+s.Timeouts > 0 {
		p.State = "busy"
	}
	return p
}
