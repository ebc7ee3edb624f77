package evolve

import (
	"math"
	"testing"
)

func about(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestClassReward(t *testing.T) {
	tests := []struct {
		p     []float64
		label int
		want  float64
		right bool
	}{
		{p: []float64{.7, .3}, label: 0, want: 80, right: true},
		{p: []float64{.4, .6}, label: 0, want: -36},
		{p: []float64{.5, .3, .2}, label: 2, want: -54},
		{p: []float64{.25, .25, .5}, label: 2, want: 50, right: true},
		{p: []float64{.5, .5}, label: 0, want: 0},
	}
	sum := 0.0
	for _, tt := range tests {
		got, right := ClassReward(tt.p, tt.label)
		about(t, "reward", got, tt.want)
		if right != tt.right {
			t.Errorf("ClassReward(%v, %d) correct = %v, want %v", tt.p, tt.label, right, tt.right)
		}
		sum += got
	}
	about(t, "mean reward", sum/5, 8)
}
