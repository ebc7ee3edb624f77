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

// askers ask for new code at the same time. Each has its process, so that none is without work.
const askers = 4

// throughput counts answers with new code, from one process and from two in turns, so that what
// else the machine does is the same for both. The scorer's latency is such that a process waits
// more than it computes.
func (f *fleet) throughput(ctx context.Context, report *Report) error {
	t := Throughput{LatencyMS: 400, Slots: 4}
	scorer := httptest.NewServer(echoscorer.Handler("even", time.Duration(t.LatencyMS)*time.Millisecond))
	defer scorer.Close()
	defer f.stopAll()
	if err := f.scale(ctx, 2, "", "PITH_SCORER_URL="+scorer.URL, "PITH_SCORER_PROTOCOL=openai",
		"PITH_SCORER_MODEL=even", fmt.Sprint("PITH_SCORER_REQUESTS=", t.Slots), "PITH_SCORER_TIMEOUT=1m",
		"PITH_RANKER=ami", "PITH_SPEED=fast"); err != nil {
		return err
	}
	const rounds = 3
	var answers, seconds [3]float64 // by processes
	for round := range rounds {
		for _, n := range []int{1, 2} {
			f.Progress(fmt.Sprintf("new code through a remote scorer, %d processes", n))
			start := time.Now()
			done, err := f.newCode(ctx, fmt.Sprintf("new %d %d", round, n), n)
			if err != nil {
				return err
			}
			answers[n], seconds[n] = answers[n]+float64(done), seconds[n]+time.Since(start).Seconds()
		}
	}
	t.One, t.Two = answers[1]/seconds[1], answers[2]/seconds[2]
	t.Ratio = t.Two / t.One
	report.Throughput = t
	return nil
}

// newCode returns how many requests with new code the first n processes answered.
func (f *fleet) newCode(ctx context.Context, name string, n int) (int64, error) {
	var done, failed atomic.Int64
	end := time.Now().Add(time.Duration(f.Seconds) * time.Second)
	var wg sync.WaitGroup
	for c := range askers {
		wg.Go(func() {
			for turn := 0; time.Now().Before(end) && ctx.Err() == nil; turn++ {
				body, err := json.Marshal(map[string]any{
					"model": "gpt-4o", "user": "new/0",
					"messages": []map[string]string{{"role": "user", "content": f.question(name, c, turn)}},
				})
				if err != nil {
					panic(err) // strings always encode
				}
				status, header, _, err := f.post(ctx, f.replicas[c%n].URL, body, "")
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
	return done.Load(), ctx.Err()
}
