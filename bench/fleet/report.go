package fleet

import (
	"fmt"
	"io"
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
	c := r.Chaos
	fmt.Fprintf(t, "\n%s\n", strings.Join(c.Events, "; "))
	fmt.Fprintf(t, "requests\t%d\nsent again to another replica\t%d\nlost\t%d\nwrong answers\t%d\n", c.Requests,
		c.Repeated, c.Lost, c.Wrong)
	fmt.Fprintf(t, "turns after another\t%d\nwith other bytes in older messages\t%d\nturns shortened\t%d\n",
		c.Turns, c.Changed, c.Compressed)
	a := r.Allowance
	fmt.Fprintf(t, "\nallowance\t%d a minute\nasked, in %.1f s\t%d\nadmitted\t%d\nallowed\t%.1f\noff\t%+.2f %%\n",
		a.PerMinute, a.Seconds, a.Asked, a.Admitted, a.Allowed, 100*a.Off)
	m := r.Model
	fmt.Fprintf(t, "\nRedis, %d replicas, %d requests\tcounted\tcomputed\noff\n", m.Replicas, m.Requests)
	fmt.Fprintf(t, "commands\t%.0f\t%.0f\t%+.1f %%\nbytes a new block\t%.0f\nbytes a command\t%.0f\n",
		m.Counted, m.Computed, 100*m.Off, m.PerBlock, m.PerCommand)
	p := m.Large
	fmt.Fprintf(t, "\non paper: %d replicas, %d requests a second, conversations of %d turns\n", p.Replicas,
		p.RequestsPerSec, p.Turns)
	fmt.Fprintf(t, "commands a second\t%.0f\nMB a second\t%.0f\nGB for %.0f hours\t%.0f\nRedis servers of %.0f "+
		"commands a second, half busy\t%d\n",
		p.CommandsPerSec, p.BytesPerSec/1e6, p.Hours, p.MemoryBytes/1e9, p.CommandsPerShard, p.Shards)
	x := r.Throughput
	fmt.Fprintf(t, "\nnew code through a scorer of %d ms, %d slots a process\none process\t%.2f a "+
		"second\ntwo\t%.2f a second\nratio\t%.2f\n", x.LatencyMS, x.Slots, x.One, x.Two, x.Ratio)
	return t.Flush()
}
