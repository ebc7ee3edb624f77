package bench

import (
	"fmt"
	"math"
	"testing"
)

func TestPaired(t *testing.T) {
	nan := math.NaN()
	each := func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		return names
	}
	for _, tt := range []struct {
		name  string
		a, b  []float64
		group []string
		want  Interval
	}{
		{
			"a constant difference is certain",
			[]float64{1, .5, .75},
			[]float64{.5, 0, .25},
			each(3),
			Interval{.5, .5, .5},
		},
		{"what does not apply is left out", []float64{1, nan, 1}, []float64{0, 0, nan}, each(3), Interval{1, 1, 1}},
		{"zero against itself", []float64{.3, .9}, []float64{.3, .9}, each(2), Interval{}},
	} {
		got, ok := paired(tt.a, tt.b, tt.group, 1)
		if !ok || math.Abs(got.Diff-tt.want.Diff) > 1e-12 || math.Abs(got.Low-tt.want.Low) > 1e-12 ||
			math.Abs(got.High-tt.want.High) > 1e-12 {
			t.Errorf("%s: paired = %+v, %t, want %+v", tt.name, got, ok, tt.want)
		}
	}
	if _, ok := paired([]float64{nan}, []float64{1}, each(1), 1); ok {
		t.Error("an interval out of nothing")
	}
}

// 400 coin tosses of +1 and 0 have a mean of one half and a standard error of 0.025, so the
// interval is about 0.098 wide. If the tosses come in 20 lots of twenty equal ones, the error is
// that of 20 tosses: the interval must be several times wider.
func TestPairedWidth(t *testing.T) {
	var alone, lots, zero []float64
	var names, lot []string
	for i := range 400 {
		alone = append(alone, float64(i%2))
		lots = append(lots, float64(i/20%2))
		zero = append(zero, 0)
		names = append(names, fmt.Sprint(i))
		lot = append(lot, fmt.Sprint(i/20))
	}
	single, _ := paired(alone, zero, names, 1)
	if width := single.High - single.Low; math.Abs(width-0.098) > 0.01 {
		t.Errorf("interval of 400 tosses is %.3f wide, want about 0.098", width)
	}
	grouped, _ := paired(lots, zero, lot, 1)
	if width := grouped.High - grouped.Low; math.Abs(width-0.44) > 0.06 {
		t.Errorf("interval of 20 lots is %.3f wide, want about 0.44", width)
	}
}
