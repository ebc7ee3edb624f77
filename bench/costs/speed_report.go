package costs

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A SpeedReport is what Speed.Run measured.
type SpeedReport struct {
	Device   string         `json:"device"`
	Model    string         `json:"model"`
	Products []ProductSpeed `json:"products"`
	// Deadline is that of the cold requests, in seconds; zero for none. Nothing else had one.
	Deadline float64    `json:"cold_deadline_s"`
	Rows     []SpeedRow `json:"rows"`
}

// A ProductSpeed is the operations of plain matrix products by second on the clock and by second of
// a processor.
type ProductSpeed struct {
	Format    string  `json:"format"`
	PerSecond float64 `json:"flop_per_s"`
	PerCPU    float64 `json:"flop_per_cpu_s"`
}

// Expense is seconds on the clock and of the processor.
type Expense struct {
	Clock float64 `json:"s"`
	CPU   float64 `json:"cpu_s"`
}

// A Turn is one question over a context.
type Turn struct {
	Expense
	// Cost is what was asked of the model. Of what it remembered from before, it ran less.
	Cost Cost `json:"asked"`
	// FLOP is the operations in products with weights that Cost stands for.
	FLOP float64 `json:"flop"`
	// GoShare is the part of the processor time that was spent outside of the runtime.
	GoShare float64 `json:"go_share"`
}

// Memory is the largest resident memory of the process during a turn, and what Go allocated in it.
type Memory struct {
	PeakMiB  int     `json:"peak_mib"`
	AllocMiB float64 `json:"alloc_mib"`
	Objects  int     `json:"objects"`
}

func (m Memory) since(before Memory) Memory {
	return Memory{AllocMiB: m.AllocMiB - before.AllocMiB, Objects: m.Objects - before.Objects}
}

// PublishedCost is what the published schedule took, or would have taken where it was sampled.
type PublishedCost struct {
	Sample
	Expense
}

// A SpeedRow is one shape's figures.
type SpeedRow struct {
	Shape     string `json:"shape"`
	Functions int    `json:"functions"`
	Tokens    int    `json:"tokens"`
	// Cold is the first question over the context, Turns are the further ones, Repeat is the first
	// once more.
	Cold   Turn    `json:"cold"`
	Turns  []Turn  `json:"turns"`
	Repeat Expense `json:"repeat"`
	Memory Memory  `json:"memory"`
	// ColdSpread is missing where no further cold requests were asked for.
	ColdSpread *ColdSpread `json:"cold_ms,omitempty"`
	// Published is missing where it did not run.
	Published *PublishedCost `json:"published,omitempty"`
}

// share is how much of the speed of plain products a turn reached: by processor time on a CPU,
// which other work on the machine does not change, and by the clock elsewhere.
func (r SpeedReport) share(t Turn) float64 {
	switch {
	case len(r.Products) == 0 || t.FLOP == 0:
		return 0
	case r.Device == "cpu" && t.CPU > 0 && r.Products[0].PerCPU > 0:
		return t.FLOP / t.CPU / r.Products[0].PerCPU
	}
	return t.FLOP / t.Clock / r.Products[0].PerSecond
}

// WriteText prints the report as tables.
func (r SpeedReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "model %.12s on %s; seconds on the clock and (cpu) of the processor\n", r.Model, r.Device)
	for _, p := range r.Products {
		fmt.Fprintf(w, "plain %s matrix products: %.1f GFLOP/s, %.1f by processor second\n", p.Format,
			p.PerSecond/1e9, p.PerCPU/1e9)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ncontext\ttokens\tcold (cpu)\ttok/s\tpasses (calls)\tof products\tin Go\tpeak MiB\tallocated "+
		"MiB\tpublished (cpu)\tpasses\ttokens in\tmeasured\tfaster (cpu)")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%d\t%.2f (%.2f)\t%.0f\t%d (%d)\t%s\t%.0f %%\t%d\t%.0f", row.Shape, row.Tokens,
			row.Cold.Clock, row.Cold.CPU,
			float64(row.Tokens)/row.Cold.Clock, row.Cold.Cost.Passes, row.Cold.Cost.Calls, percent(r.share(row.Cold)),
			100*row.Cold.GoShare,
			row.Memory.PeakMiB, row.Memory.AllocMiB)
		if p := row.Published; p != nil {
			fmt.Fprintf(t, "\t%.2f (%.2f)\t%.0f\t%.0f\t%s\t%.1f (%.1f)\n", p.Clock, p.CPU,
				float64(p.Cost.Passes)/p.Share, float64(p.Cost.Tokens)/p.Share,
				percent(p.Share), p.Clock/row.Cold.Clock, p.CPU/max(row.Cold.CPU, 0.01))
		} else {
			fmt.Fprintln(t, "\t-\t-\t-\t-\t-")
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(t, "\ncontext\tfurther turns, part of the cold one's processor time\trepeated, ms")
	for _, row := range r.Rows {
		parts := make([]string, len(row.Turns))
		for i, turn := range row.Turns {
			parts[i] = percent(turn.CPU / max(row.Cold.CPU, 0.01))
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\n", row.Shape, strings.Join(parts, ", "), 1000*row.Repeat.Clock)
	}
	r.writeCold(t)
	return t.Flush()
}

// writeCold prints the further cold requests, where there were any.
func (r SpeedReport) writeCold(w io.Writer) {
	if len(r.Rows) == 0 || r.Rows[0].ColdSpread == nil {
		return
	}
	fmt.Fprintf(w, "\ncold requests, deadline %g s\trequests\tp50 ms\tp99\tmax\tcut short\tin Go\n", r.Deadline)
	for _, row := range r.Rows {
		c := row.ColdSpread
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t%d\t%.0f %%\n", row.Shape, c.Requests, c.P50, c.P99, c.Max,
			c.Cut, 100*c.GoShare)
	}
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return fmt.Sprintf("%.2f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}
