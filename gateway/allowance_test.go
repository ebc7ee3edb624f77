package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pith/gateway"
)

// However many replicas there are, and whatever part of the requests each has: while the bank is
// out of reach they let in together about what fills up, and over the whole what is allowed.
func TestReplicasKeepAllowancesTogether(t *testing.T) {
	const perMinute = 600
	for name, tt := range map[string]struct {
		turns []int // which replica has the next request, over and over
		used  int   // seconds before the bank goes
	}{
		"one":                 {[]int{0}, 60},
		"four alike":          {[]int{0, 1, 2, 3}, 60},
		"one has most":        {[]int{0, 0, 0, 1, 0, 0, 0, 2}, 60},
		"sixteen":             {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 60},
		"four, not used up":   {[]int{0, 1, 2, 3}, 2},
		"a replica gets none": {[]int{0, 1, 2}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := &bank{taken: map[string]int64{}, full: map[string]time.Time{}}
				var replicas []*gateway.Gateway
				for range 16 {
					replicas = append(replicas, open(t, gateway.Options{Bank: shared, Keys: []gateway.VirtualKey{
						{Name: "alice", Hash: gateway.HashKey("pith-alice"), RequestsPerMinute: perMinute},
					}}))
				}
				start, admitted, asked := time.Now(), 0, 0
				for _, phase := range []struct {
					gone    bool
					seconds int
				}{{false, tt.used}, {true, 20}, {false, 10}} {
					shared.gone = phase.gone
					for end := time.Now().Add(time.Duration(phase.seconds) * time.Second); time.Now().Before(end); {
						if _, err := replicas[tt.turns[asked%len(tt.turns)]].Enter(http.Header{},
							request("pith-alice")); err == nil {
							admitted++
						}
						asked++
						time.Sleep(7 * time.Millisecond)
						allowed := perMinute * (1 + time.Since(start).Minutes())
						if float64(admitted) > 1.02*allowed+float64(len(tt.turns)) {
							t.Fatalf("after %v, away: %t, %d of %.0f were let in", time.Since(start), phase.gone,
								admitted, allowed)
						}
					}
				}
				if allowed := perMinute * (1 + time.Since(start).Minutes()); float64(admitted) < 0.95*allowed {
					t.Errorf("%d of %.0f were let in", admitted, allowed)
				}
			})
		})
	}
}
