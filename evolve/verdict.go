package evolve

import (
	"fmt"
	"math"
)

// A Verdict is what the test split says about the answer beside another prompt.
type Verdict string

// The verdicts. The interval of the difference lies above zero (Better), above minus Margin
// (NoWorse), or reaches further down (NotShown).
const (
	Better   Verdict = "better"
	NoWorse  Verdict = "no worse"
	NotShown Verdict = "not shown"
)

// Margin is how much of the metric, which runs from 0 to 1, a prompt may lose and still be called
// no worse.
const Margin = 0.02

// normal95 is the normal quantile of a two-sided interval of 95 %.
const normal95 = 1.959964

// A Comparison holds the answer against another prompt on the same rows of the test split.
type Comparison struct {
	With string `json:"with"`
	Rows int    `json:"rows"`
	// Difference is the mean of the answer's metric less the other's; Low and High bound it with
	// 95 % confidence.
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Verdict    Verdict `json:"verdict"`
}

// Compare pairs the metrics of the answer and of another prompt, row by row. The interval is that
// of Agresti and Min (2005) for paired proportions: two rows are added, spread over the four ways
// in which a pair can come out, which keeps its promise for few rows and for none that differ,
// where the plain one has no width.
func Compare(with string, answer, other []float64) Comparison {
	c := Comparison{With: with, Rows: len(answer), Verdict: NotShown}
	sum, squares := 0.0, 0.0
	for i := range answer {
		d := answer[i] - other[i]
		sum, squares = sum+d, squares+d*d
	}
	n := float64(len(answer)) + 2
	centre := sum / n
	// The two added rows: half a row each of +1 and -1, and one of 0.
	half := normal95 * math.Sqrt(math.Max(0, squares+1-n*centre*centre)) / n
	c.Difference = sum / math.Max(1, float64(len(answer)))
	c.Low, c.High = math.Max(-1, centre-half), math.Min(1, centre+half)
	switch {
	case c.Low > 0:
		c.Verdict = Better
	case c.Low >= -Margin:
		c.Verdict = NoWorse
	}
	return c
}

func (c Comparison) String() string {
	with := c.With
	if with == fullName {
		with = "the " + with
	}
	return fmt.Sprintf("%s than %s: %+.3f on %d rows, between %+.3f and %+.3f with 95 %% confidence",
		c.words(), with, c.Difference, c.Rows, c.Low, c.High)
}

func (c Comparison) words() string {
	switch c.Verdict {
	case Better:
		return "better"
	case NoWorse:
		return fmt.Sprintf("no worse (by %g at most)", Margin)
	}
	return "not shown to be better or no worse"
}
