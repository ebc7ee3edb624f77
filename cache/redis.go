package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"pith/internal/waits"
)

// RedisOptions configure a Redis. URL is required, the rest has defaults.
type RedisOptions struct {
	// URL is redis://[user:password@]host:port[/db], rediss://... for TLS,
	// unix://[user:password@]/path[?db=n], redis+cluster://host:port[,host:port...] or
	// redis+sentinel://host:port[,host:port...]/master[/db]. Valkey may be called valkey://.
	URL string
	// Secret encrypts values (AES-256-GCM) and hides the names of keys. All replicas need the same.
	// If empty, values lie in Redis as plain text with a checksum.
	Secret []byte
	// Budget is the longest time that one Get or Add may take, and all of a request that counts its
	// waits. If zero, 50 ms.
	Budget time.Duration
	// Cooldown is how long Redis is left alone after it failed, before one call tries again. If
	// zero, 1 s.
	Cooldown time.Duration
	// MaxBytes is the longest value, uncompressed. Longer ones are not kept. If zero, 16 MiB.
	MaxBytes int
}

// Redis is a store that replicas share. It is an optimisation, so it never costs more than its
// budget: after the first call that Redis does not answer in time a breaker opens, and while it is
// open calls return at once as if nothing were there. One that is slow and answers in time costs a
// request no more either, however many calls that makes: see waits.Counted.
type Redis struct {
	client   redis.UniversalClient
	address  string
	breakers *breakers
	envelope *envelope
	budget   time.Duration
	stats    struct{ calls, failures, skipped, unreadable atomic.Uint64 }
}

// RedisStats counts what became of the calls to a Redis.
type RedisStats struct {
	Calls      uint64 // sent to Redis
	Failures   uint64 // of those, not answered or answered with an error
	Skipped    uint64 // not sent: the breaker was open, or the request had waited long enough
	Unreadable uint64 // values found damaged, foreign or of another secret
}

// NewRedis returns a Redis. It does not connect: Ping tells whether there is a server, and one that
// comes later is found.
func NewRedis(opt RedisOptions) (*Redis, error) {
	quiet()
	where, err := parseURL(opt.URL)
	if err != nil {
		return nil, err
	}
	env, err := newEnvelope(opt.Secret, withDefault(opt.MaxBytes, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	budget := withDefault(opt.Budget, 50*time.Millisecond)
	return &Redis{
		client:   where.open(budget),
		address:  where.name(),
		envelope: env,
		budget:   budget,
		breakers: newBreakers(withDefault(opt.Cooldown, time.Second)),
	}, nil
}

// quiet stops the library from writing to stderr on each failed dial. The setting is the library's
// own package variable; what it would say is in Ping, State and Stats.
var quiet = sync.OnceFunc(logging.Disable)

// Get implements the contract of this package.
func (r *Redis) Get(ctx context.Context, key string) (value []byte, ok bool) {
	value, _, ok = r.get(ctx, key)
	return value, ok
}

// get also returns how long the value stays: zero if for ever.
func (r *Redis) get(ctx context.Context, key string) (value []byte, ttl time.Duration, ok bool) {
	name := r.envelope.nameOf(key)
	var wrapped *redis.StringCmd
	var left *redis.DurationCmd
	err := r.do(ctx, name, func(ctx context.Context) error {
		_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			wrapped, left = p.Get(ctx, name), p.PTTL(ctx, name)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, 0, false
	}
	value, err = r.unwrap(key, wrapped.Val())
	return value, remaining(left.Val()), err == nil
}

// remaining turns the answer to PTTL into a ttl. A value in its last millisecond has 0 left, and -2
// when it ended after GET: neither may become the zero that means for ever.
func remaining(left time.Duration) time.Duration {
	if left == -1 {
		return 0
	}
	return max(left, time.Millisecond)
}

// Add implements the contract of this package. Where the key holds something unreadable, value
// replaces it.
func (r *Redis) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (now []byte) {
	if len(value) > r.envelope.max {
		return value
	}
	if ttl = max(ttl, 0); ttl > 0 {
		ttl = max(ttl, time.Millisecond) // Redis counts no finer, and rounding down would mean for ever
	}
	name, wrapped := r.envelope.nameOf(key), r.envelope.wrap(key, value)
	var held *redis.StringCmd
	err := r.do(ctx, name, func(ctx context.Context) error {
		// One round trip. SET with both NX and GET would be one command, but needs Redis 7.
		_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.SetNX(ctx, name, wrapped, ttl)
			held = p.Get(ctx, name)
			return nil
		})
		return err
	})
	if err != nil {
		return value
	}
	if now, err = r.unwrap(key, held.Val()); err != nil {
		return r.replace(ctx, key, replacement{bad: held.Val(), wrapped: wrapped, value: value, ttl: ttl})
	}
	return now
}

// Keep holds value under key for ttl from now on, in place of what key held, and reports whether
// Redis took it. How long it stays is then up to the server's own rule for when its memory is full.
func (r *Redis) Keep(ctx context.Context, key string, value []byte, ttl time.Duration) bool {
	if len(value) > r.envelope.max {
		return false
	}
	name, wrapped := r.envelope.nameOf(key), r.envelope.wrap(key, value)
	return r.do(ctx, name, func(ctx context.Context) error {
		return r.client.Set(ctx, name, wrapped, max(ttl, time.Millisecond)).Err()
	}) == nil
}

type replacement struct {
	bad            string
	wrapped, value []byte
	ttl            time.Duration
}

// replaceScript puts ARGV[2] in the place of ARGV[1], unless somebody else did so first, and
// returns what the key then holds.
var replaceScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('GET', KEYS[1]) end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return ARGV[2]`)

func (r *Redis) replace(ctx context.Context, key string, rep replacement) (now []byte) {
	var held string
	name := r.envelope.nameOf(key)
	err := r.do(ctx, name, func(ctx context.Context) (err error) {
		held, err = replaceScript.Run(ctx, r.client, []string{name}, rep.bad, rep.wrapped,
			rep.ttl.Milliseconds()).Text()
		return err
	})
	if err != nil {
		return rep.value
	}
	if now, err = r.unwrap(key, held); err != nil {
		return rep.value
	}
	return now
}

func (r *Redis) unwrap(key, wrapped string) ([]byte, error) {
	value, err := r.envelope.unwrap(key, []byte(wrapped))
	if err != nil {
		r.stats.unreadable.Add(1)
	}
	return value, err
}

// Redis was not asked.
var (
	errOpen  = errors.New("cache: Redis failed a moment ago and is left alone")
	errSpent = errors.New("cache: this request has waited for Redis long enough")
)

// do runs call, which is about what lies under name, within the budget, unless the breaker is open.
// A caller that leaves does not cut the call short, for that would look like a failure of Redis and
// open the breaker for everybody; the budget is short enough to let it end.
func (r *Redis) do(ctx context.Context, name string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	waited, end := waits.Begin(ctx)
	defer end()
	if waited >= r.budget {
		r.stats.skipped.Add(1)
		return errSpent
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.budget-waited)
	defer cancel()
	breaker := r.breakers.of(r.nodeOf(ctx, name))
	if !breaker.TryAcquirePermit() {
		r.stats.skipped.Add(1)
		return errOpen
	}
	r.stats.calls.Add(1)
	err := call(ctx)
	if err == nil || errors.Is(err, redis.Nil) {
		breaker.RecordSuccess()
		return err
	}
	r.stats.failures.Add(1)
	// An answer that says no (out of memory, read only) came in time and leaves other commands
	// working.
	if _, answered := errors.AsType[redis.Error](err); answered {
		breaker.RecordSuccess()
	} else {
		breaker.RecordFailure()
	}
	return err
}

// nodeOf is the node of a cluster that holds name, so that one that fails is left alone and the
// others are not. Of anything but a cluster there is one.
func (r *Redis) nodeOf(ctx context.Context, name string) string {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok || !r.breakers.of("").IsClosed() { // nobody told yet which nodes there are
		return ""
	}
	node, err := cluster.MasterForKey(ctx, name)
	if err != nil {
		return ""
	}
	return node.Options().Addr
}

// Ping asks Redis whether it is there and lets us in, whatever the breaker says. The error names
// the server's address and no credentials.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(r.budget, time.Second))
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("cache: Redis at %s: %w", r.address, err)
	}
	return nil
}

// State names the breaker's state: closed (Redis is in use), open (left alone), half-open (being
// tried). In a cluster it is that of the node that fares worst.
func (r *Redis) State() string { return r.breakers.state() }

// Stats returns the counts since the start.
func (r *Redis) Stats() RedisStats {
	return RedisStats{
		Calls:      r.stats.calls.Load(),
		Failures:   r.stats.failures.Load(),
		Skipped:    r.stats.skipped.Load(),
		Unreadable: r.stats.unreadable.Load(),
	}
}

// Close closes the connections. Calls after it find nothing.
func (r *Redis) Close() error {
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("cache: close Redis: %w", err)
	}
	return nil
}

func withDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
