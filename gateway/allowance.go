package gateway

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"
)

// A Draw is what is taken of an allowance that fills up evenly within a minute.
type Draw struct {
	// Owner is whose it is, Key its name. What is drawn together has one owner.
	Owner, Key string
	// PerMinute is its size, N what is taken. A negative N gives back.
	PerMinute, N int64
}

// A Bank keeps allowances that replicas share.
type Bank interface {
	// Draw takes all draws together or none. It returns which of them could not be met, counted
	// from 0, and how long until it can be, or -1. With owe all are taken, whatever is left: what
	// comes later waits until the debt has filled up.
	Draw(ctx context.Context, draws []Draw, owe bool) (refused int, wait time.Duration, err error)
	// Repay takes what was drawn elsewhere while the Bank did not answer. It leaves no debt of more
	// than a minute.
	Repay(ctx context.Context, draws []Draw) error
}

// bytesPerToken is what providers' own limiters reckon with before they have counted.
const bytesPerToken = 4

// allowances count what clients use: at the shared Bank, or where that does not answer on this
// replica's own account, which then starts full. So while Redis is down each replica allows as much
// as all of them together otherwise: clients are served. What they were given is repaid once Redis
// answers again.
type allowances struct {
	shared Bank
	local  *buckets
	debts  debts
}

// A refusal says which allowance is used up.
type refusal struct {
	of        string // Requests or Tokens
	perMinute int64
	wait      time.Duration
}

// seconds rounds the wait up, for Retry-After.
func (r refusal) seconds() int { return max(1, int(math.Ceil(r.wait.Seconds()))) }

// enter takes one request of a key's allowance. Tokens are only looked at, as nobody knows yet how
// many will be sent: a request may come in while one is left.
func (a *allowances) enter(ctx context.Context, k *VirtualKey) (refusal, bool) {
	var draws []Draw
	var of []string
	if k.RequestsPerMinute > 0 {
		draws, of = append(draws, k.draw("Requests", k.RequestsPerMinute, 1)), append(of, "Requests")
	}
	if k.TokensPerMinute > 0 {
		draws, of = append(draws, k.draw("Tokens", k.TokensPerMinute, 1)), append(of, "Tokens")
	}
	if len(draws) == 0 {
		return refusal{}, false
	}
	i, wait := a.draw(ctx, draws, false)
	if i < 0 {
		return refusal{}, false
	}
	return refusal{of: of[i], perMinute: draws[i].PerMinute, wait: wait}, true
}

// draw names an allowance by its size as well: one that a new configuration makes larger starts
// full, without the debt of the old.
func (k *VirtualKey) draw(of string, perMinute, n int64) Draw {
	return Draw{
		Owner: k.Name, Key: of + " " + strconv.FormatInt(perMinute, 10) + " " + k.Name,
		PerMinute: perMinute, N: n,
	}
}

func (a *allowances) draw(ctx context.Context, draws []Draw, owe bool) (int, time.Duration) {
	if a.shared == nil {
		return a.local.draw(time.Now(), draws, owe)
	}
	refused, wait, err := a.shared.Draw(ctx, draws, owe)
	if err != nil {
		if refused, wait = a.local.draw(time.Now(), draws, owe); refused < 0 {
			a.debts.add(time.Now(), draws)
		}
		return refused, wait
	}
	a.local.follow(time.Now(), draws, refused, wait)
	if owed := a.debts.take(time.Now(), draws); len(owed) > 0 && a.shared.Repay(ctx, owed) != nil {
		a.debts.add(time.Now(), owed)
	}
	return refused, wait
}

// debts are what was drawn while the shared Bank did not answer, by the name of the allowance.
type debts struct {
	mu   sync.Mutex
	owed map[string]debt
}

type debt struct {
	Draw
	last time.Time // when there was drawn last
}

func (d *debts) add(now time.Time, draws []Draw) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owed == nil {
		d.owed = map[string]debt{}
	}
	for _, draw := range draws {
		draw.N += d.owed[draw.Key].N
		d.owed[draw.Key] = debt{draw, now}
	}
}

// take removes what is owed of the allowances of draws and returns it, without what has filled up
// since: that of which nothing was drawn for a minute.
func (d *debts) take(now time.Time, draws []Draw) (owed []Draw) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, draw := range draws {
		o, ok := d.owed[draw.Key]
		if ok && now.Sub(o.last) < time.Minute {
			owed = append(owed, o.Draw)
		}
		delete(d.owed, draw.Key)
	}
	return owed
}

// buckets are allowances of this process. There are as many as the configuration has named. Each is
// the time at which it will be full again (the generic cell rate algorithm): one number, exact at
// any rate.
type buckets struct {
	mu   sync.Mutex
	full map[string]time.Time
}

func newBuckets() *buckets { return &buckets{full: make(map[string]time.Time)} }

// follow keeps the buckets at least as empty as the shared ones are known to be, so that whoever
// has used up an allowance does not find full ones while the shared are out of reach.
func (b *buckets) follow(now time.Time, draws []Draw, refused int, wait time.Duration) {
	if refused < 0 {
		b.draw(now, draws, true)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d := draws[refused]
	empty := now.Add(time.Minute + wait - time.Duration(float64(d.N)/float64(d.PerMinute)*float64(time.Minute)))
	if b.full[d.Key].Before(empty) {
		b.full[d.Key] = empty
	}
}

func (b *buckets) draw(now time.Time, draws []Draw, owe bool) (refused int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make([]time.Time, len(draws))
	for i, d := range draws {
		next[i] = b.full[d.Key]
		if next[i].Before(now) {
			next[i] = now
		}
		next[i] = next[i].Add(time.Duration(float64(d.N) / float64(d.PerMinute) * float64(time.Minute)))
		if wait := next[i].Sub(now) - time.Minute; wait > 0 && !owe {
			return i, wait
		}
	}
	for i, d := range draws {
		b.full[d.Key] = next[i]
	}
	return -1, 0
}
