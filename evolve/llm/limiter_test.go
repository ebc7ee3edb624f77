package llm

import (
	"errors"
	"testing"
	"testing/synctest"
)

// What is held back for requests under way counts: a further one waits for them, and then has what
// they left.
func TestLimiterCountsWhatIsUnderWay(t *testing.T) {
	tests := []struct {
		name string
		used int64
		want error
	}{
		{"nothing is left", 60, ErrBudgetSpent},
		{"enough is left", 30, nil},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := NewLimiter(Budget{Tokens: 100}, Usage{})
			first, err := l.Reserve(Usage{In: 60})
			if err != nil {
				t.Fatal(err)
			}
			second := make(chan error, 1)
			go func() {
				_, err := l.Reserve(Usage{In: 60})
				second <- err
			}()
			synctest.Wait()
			select {
			case err := <-second:
				t.Fatalf("%s: the second request did not wait for the first: %v", tt.name, err)
			default:
			}
			l.Settle(first, Usage{In: tt.used})
			if err := <-second; !errors.Is(err, tt.want) {
				t.Errorf("%s: the second request got %v, want %v", tt.name, err, tt.want)
			}
		})
	}
}
