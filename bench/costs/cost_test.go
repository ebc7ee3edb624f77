package costs_test

import (
	"testing"

	"pith/bench/costs"
)

// The three rows are worked out by hand from the published algorithm: per-line prefixes against one
// pass.
func TestWorkloadCost(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		workload                costs.Workload
		passes, published, ours int
		calls                   int
	}{
		{"60 short functions", costs.Workload{60, 9300, 300, 17, 16, 150, 5}, 418, 77470, 55795, 4},
		{"five of 100 lines", costs.Workload{20, 20000, 100, 5, 100, 1000, 20}, 621, 289720, 37220, 3},
		{"one of 400 lines", costs.Workload{1, 4000, 50, 1, 400, 4000, 60}, 462, 813161, 11161, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := tt.workload.Published(), (costs.Cost{tt.passes, tt.passes, tt.published}); got != want {
				t.Errorf("Published() = %+v, want %+v", got, want)
			}
			got := tt.workload.SinglePass(16000)
			if got.Tokens != tt.ours || got.Calls != tt.calls {
				t.Errorf("SinglePass(16000) = %d tokens in %d calls, want %d in %d", got.Tokens, got.Calls,
					tt.ours, tt.calls)
			}
		})
	}
}
