package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"pith/internal/echoscorer"
)

// Throughput is how much new code one and two processes have read by a remote scorer that
// takes its time and does not get slower: where scoring is not the limit.
type Throughput struct {
	LatencyMS int     `json:"latency_ms"`
	Slots     int     `json:"slots"` // of requests to the scorer at once, for each process
	One       float64 `json:"one_per_second"`
	Two       float64 `json:"two_per_second"`
	Ratio     float64 `json:"ratio"`
}

// throughput counts answers with new code over the same time from one process and from two.
func (f *fleet) throughput(ctx context.Context, report *Report) error {
	t := Throughput{LatencyMS: 100, Slots: 4}
	scorer := httptest.NewServer(echoscorer.Handler("even", time.Duration(t.LatencyMS)*time.Millisecond))
	defer scorer.Close()
	for _, n := range []int{1, 2} {
		f.Progress(fmt.Sprintf("new code through a remote scorer, %d processes", n))
		if err := f.scale(ctx, n, "", "PITH_SCORER_URL="+scorer.URL, "PITH_SCORER_PROTOCOL=openai",
			"PITH_SCORER_MODEL=even",
			fmt.Sprint("PITH_SCORER_REQUESTS=", t.Slots), "PITH_SCORER_TIMEOUT=1m", "PITH_RANKER=ami",
			"PITH_SPEED=fast"); err != nil {
			return err
		}
		rate, err := f.newCode(ctx, n)
		f.stopAll()
		if err != nil {
			return err
		}
		if n == 1 {
			t.One = rate
		} else {
			t.Two = rate
		}
	}
	t.Ratio = t.Two / t.One
	report.Throughput = t
	return nil
}

// newCode returns how many requests with new code are answered in a second.
func (f *fleet) newCode(ctx context.Context, n int) (float64, error) {
	var done, failed atomic.Int64
	start := time.Now()
	end := start.Add(time.Duration(f.Seconds) * time.Second)
	var wg sync.WaitGroup
	for c := range f.Clients {
		wg.Go(func() {
			for turn := 0; time.Now().Before(end) && ctx.Err() == nil; turn++ {
				body, err := json.Marshal(map[string]any{
					"model": "gpt-4o", "user": "new/0",
					"messages": []map[string]string{
						{"role": "user", "content": f.question(fmt.Sprint("new ", n), c, turn)},
					},
				})
				if err != nil {
					panic(err) // strings always encode
				}
				status, header, _, err := f.post(ctx, f.next(), body, "")
				if err != nil || status != http.StatusOK || header.Get("X-Pith-Ratio") == "" {
					failed.Add(1)
					continue
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() > 0 || done.Load() == 0 {
		return 0, fmt.Errorf("%d requests were not compressed, %d were", failed.Load(), done.Load())
	}
	return float64(done.Load()) / time.Since(start).Seconds(), ctx.Err()
}
