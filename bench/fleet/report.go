package fleet

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteText prints the report as tables.
func (r Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "replicas\tRedis\trequests\tall blocks known\n")
	for _, h := range r.Hits {
		fmt.Fprintf(t, "%d\t%t\t%d\t%.1f %%\n", h.Replicas, h.Shared, h.Requests, 100*h.HitShare)
	}
	r.Model.write(t)
	c := r.Chaos
	fmt.Fprintf(t, "\n%s\n", strings.Join(c.Events, "; "))
	fmt.Fprintf(t, "requests\t%d\nsent again to another replica\t%d\nlost\t%d\nwrong answers\t%d\n", c.Requests,
		c.Repeated, c.Lost, c.Wrong)
	fmt.Fprintf(t, "turns after another\t%d\nwith other bytes in older messages\t%d\nturns shortened\t%d\n",
		c.Turns, c.Changed, c.Compressed)
	for _, decision := range slices.Sorted(maps.Keys(c.Decisions)) {
		fmt.Fprintf(t, "answers with %q\t%d\n", decision, c.Decisions[decision])
	}
	fmt.Fprintf(t, "\nallowance of %d a minute\tseconds\tasked\tadmitted\tallowed\toff\n", r.Allowance.PerMinute)
	for _, a := range []struct {
		when string
		Allowance
	}{{"undisturbed", r.Allowance}, {"meanwhile", c.Allowance}} {
		fmt.Fprintf(t, "%s\t%.1f\t%d\t%d\t%.1f\t%+.2f %%\n", a.when, a.Seconds, a.Asked, a.Admitted, a.Allowed,
			100*a.Off)
	}
	x := r.Throughput
	fmt.Fprintf(t, "\nnew code through a scorer of %d ms, %d slots a process\none process\t%.2f a "+
		"second\ntwo\t%.2f a second\nratio\t%.2f\n", x.LatencyMS, x.Slots, x.One, x.Two, x.Ratio)
	return t.Flush()
}

func (m Model) write(t io.Writer) {
	fmt.Fprintf(t, "\nRedis, %d replicas, %d requests\tcounted\tcomputed\toff\n", m.Replicas, m.Requests)
	fmt.Fprintf(t, "calls\t%.0f\t%.0f\t%+.1f %%\nnot answered\t%.0f\ncommands\t%.0f\t%.0f\nmemory of a new "+
		"block\t%.0f bytes\nits value\t%.0f bytes\nmoved for a command besides\t%.0f bytes\nprocessor for a "+
		"command\t%.1f µs\n", m.Calls, m.ComputedCalls, 100*m.Off, m.Unanswered, m.Commands, m.ComputedCommands,
		m.PerBlock, m.Value, m.PerCommand, m.Busy)
	for _, p := range m.Large {
		where := "any replica"
		if p.Sticky {
			where = "the same replica"
		}
		fmt.Fprintf(t, "\non paper: %d replicas, %d requests a second, conversations of %d turns, each request to %s\n",
			p.Replicas, p.RequestsPerSec, p.Turns, where)
		fmt.Fprintf(t, "commands a second\t%.0f\nMB a second\t%.0f\nRedis servers, half busy\t%d\n"+
			"GB kept for %.0f hours\t%.0f\ndollars an hour\t%.0f\n",
			p.CommandsPerSec, p.BytesPerSec/1e6, p.Servers, p.Hours, p.MemoryBytes/1e9, p.PerHour)
	}
}
