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

// Drawn says what became of draws.
type Drawn struct {
	// Refused is which of the draws could not be met, counted from 0, and Wait how long until it
	// can be. Refused is -1 where all were taken.
	Refused int
	Wait    time.Duration
	// Full is how long until each allowance is full again: none where a draw was refused.
	Full []time.Duration
}

// A Bank keeps allowances that replicas share.
type Bank interface {
	// Draw takes all draws together or none. With owe all are taken, whatever is left: what comes
	// later waits until the debt has filled up.
	Draw(ctx context.Context, draws []Draw, owe bool) (Drawn, error)
	// Repay takes what was drawn elsewhere while the Bank did not answer. It leaves no debt of more
	// than a minute.
	Repay(ctx context.Context, draws []Draw) error
}

// bytesPerToken is what providers' own limiters reckon with before they have counted.
const bytesPerToken = 4

// allowances count what clients use: at the shared Bank, or where that does not answer on this
// replica's own account. That goes on from what the Bank said last, and reckons that the other
// replicas draw as they did before: what this one draws counts for all of them. What was let in is
// repaid once the Bank answers again.
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
	drawn, err := a.shared.Draw(ctx, draws, owe)
	if err != nil {
		refused, wait := a.local.draw(time.Now(), draws, owe)
		if refused < 0 {
			a.debts.add(time.Now(), draws)
		}
		return refused, wait
	}
	a.local.follow(time.Now(), draws, drawn)
	if owed := a.debts.take(time.Now(), draws); len(owed) > 0 {
		if a.shared.Repay(ctx, owed) != nil {
			a.debts.add(time.Now(), owed)
		} else {
			a.local.repaid(owed)
		}
	}
	return drawn.Refused, drawn.Wait
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

// buckets are allowances as this process knows them. There are as many as the configuration has
// named.
type buckets struct {
	mu sync.Mutex
	of map[string]*bucket
}

// A bucket is the time at which an allowance will be full again (the generic cell rate algorithm):
// one number, exact at any rate.
type bucket struct {
	full time.Time
	// own and all are what this replica and all together drew of late, as the shared Bank tells.
	own, all float64
	// apart says that full is of this replica's own account, not what the Bank said.
	apart bool
}

func newBuckets() *buckets { return &buckets{of: make(map[string]*bucket)} }

// get returns a bucket; b.mu is held.
func (b *buckets) get(key string) *bucket {
	if b.of[key] == nil {
		b.of[key] = &bucket{}
	}
	return b.of[key]
}

// fills is how long it takes until n have filled up.
func (d Draw) fills(n float64) time.Duration {
	return time.Duration(n / float64(d.PerMinute) * float64(time.Minute))
}

// mostReplicas bounds how many others a replica reckons with that drew little: it may come to serve
// clients of replicas that are gone.
const mostReplicas = 16

// share is which part of what all draw is this replica's.
func (b *bucket) share() float64 {
	if b.all <= 0 {
		return 1
	}
	return min(max(b.own/b.all, 1./mostReplicas), 1)
}

// follow learns from what the shared Bank said.
func (b *buckets) follow(now time.Time, draws []Draw, drawn Drawn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if drawn.Refused >= 0 {
		d := draws[drawn.Refused]
		full := now.Add(time.Minute + drawn.Wait - d.fills(float64(d.N)))
		d.N = 0
		b.get(d.Key).follow(now, d, full)
		return
	}
	for i, left := range drawn.Full {
		b.get(draws[i].Key).follow(now, draws[i], now.Add(left))
	}
}

// follow learns when the bucket is full again after d was drawn, and so what the others drew.
func (b *bucket) follow(now time.Time, d Draw, full time.Time) {
	if !b.apart {
		before := b.full
		if before.Before(now) {
			before = now
		}
		b.own += float64(d.N)
		b.all += full.Sub(before).Minutes() * float64(d.PerMinute)
		if b.all > float64(d.PerMinute) {
			b.own, b.all = b.own/2, b.all/2
		}
	}
	b.full, b.apart = full, false
}

// repaid counts as this replica's own what the shared Bank learned late.
func (b *buckets) repaid(owed []Draw) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range owed {
		b.get(d.Key).own += float64(d.N)
	}
}

func (b *buckets) draw(now time.Time, draws []Draw, owe bool) (refused int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make([]time.Time, len(draws))
	for i, d := range draws {
		of, n := b.get(d.Key), float64(d.N)
		if next[i] = of.full; next[i].Before(now) {
			next[i] = now
		}
		if wait := next[i].Add(d.fills(n)).Sub(now) - time.Minute; wait > 0 && !owe {
			return i, wait
		}
		if n > 0 { // what is given back may have been taken of the Bank
			n /= of.share()
		}
		next[i] = next[i].Add(d.fills(n))
	}
	for i, d := range draws {
		of := b.get(d.Key)
		of.full, of.apart = next[i], true
	}
	return -1, 0
}
