package costs

import (
	"context"
	"time"

	"pith/bench"
	"pith/bench/synthetic"
)

// Cold asks for more cold requests of each shape, one after the other, each over a text that nobody
// has seen: one run says what a request takes, many say how late the late ones are.
type Cold struct {
	// Compressor ranks as configured, scores within Deadline and parses in workers, as a server
	// does; nothing else of Speed is cut short.
	Compressor bench.Compressor
	Deadline   time.Duration
	// Requests is their number for each shape. If zero, there are none.
	Requests int
}

// A ColdSpread is what the cold requests of one shape took, in milliseconds.
type ColdSpread struct {
	Requests int `json:"requests"`
	// Cut is how many of them the deadline cut short: words ranked what the model had not read by
	// then.
	Cut int `json:"cut"`
	// GoShare is the part of this process's time for them that was spent outside of the runtime.
	GoShare float64 `json:"go_share"`
	Quantiles
	Max float64 `json:"max"`
}

// coldSeeds parts the seeds of the shapes' cold requests; those of their first texts lie below.
const coldSeeds = 1 << 32

// coldRequests measures texts of a shape that has so many functions.
func (s Speed) coldRequests(ctx context.Context, shape Shape, functions int, seed uint64) (*ColdSpread, error) {
	s.Progress(shape.Name + ", cold requests")
	spread := &ColdSpread{Requests: s.Cold.Requests}
	var took []float64
	var cpu, inside float64
	for i := range s.Cold.Requests {
		text := synthetic.Go(shape.Lines, (seed+1)*coldSeeds+uint64(i),
			func(n int, _ string) bool { return n >= functions })
		req := s.request(text, firstQuestion)
		req.Ranker = ""
		before, stop := s.runtime(), watch()
		res, err := s.Cold.Compressor.Compress(ctx, req)
		if err != nil {
			return nil, err
		}
		spent := stop()
		took = append(took, spent.Clock*1000)
		cpu, inside = cpu+spent.CPU, inside+(s.runtime()-before).Seconds()
		if res.Cut {
			spread.Cut++
		}
	}
	spread.Quantiles = quantiles(took) // and sorted
	spread.Max = took[len(took)-1]
	if cpu > 0 {
		spread.GoShare = max(0, 1-inside/cpu)
	}
	return spread, nil
}
