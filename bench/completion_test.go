package bench_test

import (
	"math"
	"testing"

	"pith/bench"
)

// The rows were computed with the published script.
func TestCompletion(t *testing.T) {
	tests := []struct {
		truth, predicted string
		similarity       float64
		exact            bool
	}{
		{"x = foo(1)", "# call\nx = foo(1)\ny = 2", 100, true},
		{"return a + b", "return a - b", 91.6667, false},
		{"return a + b", "# only a comment", 0, false},
	}
	for _, tt := range tests {
		similarity, exact := bench.Completion(tt.predicted, tt.truth)
		if math.Abs(similarity-tt.similarity) > 5e-5 || exact != tt.exact {
			t.Errorf("Completion(%q, %q) = %v, %v, want %v, %v", tt.predicted, tt.truth, similarity, exact,
				tt.similarity, tt.exact)
		}
	}
}
