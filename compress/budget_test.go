package compress

import (
	"fmt"
	"strings"
	"testing"
)

// However much of a text stands out, the adaptive budget grows to its double and no further.
func TestAdaptiveBudgetDoublesAtMost(t *testing.T) {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "def f%d(a):\n    return a + %d\n\n", i, i)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "def refunded_order_%d(order):\n", i)
		for j := range 120 {
			fmt.Fprintf(&b, "    refunded(order, %d)\n", j)
		}
		b.WriteString("\n")
	}
	res := compress(t, engine(t, nil), ask(func(r *Request) { r.Rate, r.Files[0].Content = 0, b.String() }))
	if low := res.OriginalTokens / 4; res.Budget != 2*low {
		t.Errorf("budget %d of %d tokens, want %d", res.Budget, res.OriginalTokens, 2*low)
	}
}
