package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Draw is what is taken of an allowance that fills up evenly within a minute: N of PerMinute. A
// negative N gives back. What is drawn together has one Owner: in a cluster its allowances lie on
// one node.
type Draw struct {
	Owner, Key   string
	PerMinute, N int64
}

// Drawn says what became of draws.
type Drawn struct {
	// Refused is which of the draws could not be met, counted from 0, and Wait how long until it
	// can be. Refused is -1 where all were taken.
	Refused int
	Wait    time.Duration
	// Full is how long until each allowance is full again: none where a draw was refused.
	Full []time.Duration
}

// drawScript keeps for each allowance the time, in microseconds of Redis's own clock, at which it
// will be full again (the generic cell rate algorithm). Rounding down keeps the last draw of a full
// minute allowed. ARGV is size and amount of each key, then what is done where too little is left:
// refuse, owe, or owe no more than a minute's worth. It returns which was refused and the wait, or
// 0 and how long until each is full.
var drawScript = redis.NewScript(`
local time = redis.call('TIME')
local now, minute, full, left, terms = time[1] * 1000000 + time[2], 60000000, {}, {0}, ARGV[#ARGV]
for i, key in ipairs(KEYS) do
  local at = math.max(now, tonumber(redis.call('GET', key) or now))
  full[i] = math.floor(at + ARGV[2*i] * minute / ARGV[2*i-1])
  if terms == 'refuse' and full[i] - now > minute then return {i, full[i] - now - minute} end
  if terms == 'minute' then full[i] = math.min(full[i], math.max(at, now + 2 * minute)) end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.max(1, math.ceil((full[i] - now) / 1000)))
  left[i+1] = full[i] - now
end
return left`)

// Draw takes all draws together or none, within the budget of this Redis. With owe all are taken,
// whatever is left: later ones wait until the debt has filled up. Unlike a value of the cache an
// allowance is not there to be guessed: where Redis does not answer the error says so.
func (r *Redis) Draw(ctx context.Context, draws []Draw, owe bool) (Drawn, error) {
	terms := "refuse"
	if owe {
		terms = "owe"
	}
	return r.draw(ctx, draws, terms)
}

// Repay takes what was drawn elsewhere while this Redis did not answer, so that later draws wait
// until it has filled up, but for no more than a minute.
func (r *Redis) Repay(ctx context.Context, draws []Draw) error {
	_, err := r.draw(ctx, draws, "minute")
	return err
}

func (r *Redis) draw(ctx context.Context, draws []Draw, terms string) (Drawn, error) {
	if len(draws) == 0 {
		return Drawn{Refused: -1}, nil
	}
	keys := make([]string, len(draws))
	args := make([]any, 0, 2*len(draws)+1)
	for i, d := range draws {
		keys[i] = r.envelope.nameWith(d.Owner, "allowance "+d.Key)
		args = append(args, d.PerMinute, d.N)
	}
	args = append(args, terms)
	var answer []int64
	err := r.do(ctx, keys[0], func(ctx context.Context) (err error) {
		answer, err = drawScript.Run(ctx, r.client, keys, args...).Int64Slice()
		return err
	})
	switch {
	case err != nil:
		return Drawn{}, fmt.Errorf("cache: draw: %w", err)
	case len(answer) == 2 && answer[0] > 0:
		return Drawn{Refused: int(answer[0]) - 1, Wait: time.Duration(answer[1]) * time.Microsecond}, nil
	case len(answer) != len(draws)+1:
		return Drawn{}, fmt.Errorf("cache: draw: %d values for %d", len(answer), len(draws)+1)
	}
	drawn := Drawn{Refused: -1}
	for _, left := range answer[1:] {
		drawn.Full = append(drawn.Full, time.Duration(left)*time.Microsecond)
	}
	return drawn, nil
}
