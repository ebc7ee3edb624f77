package workers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"pith/evolve/llm"
)

const (
	jobType     = "pith:evolve"
	queuePrefix = "pith-evolve-"
	// runsKey is a sorted set of the models that runs ask for, by the time at which the run last
	// said so.
	runsKey       = "pith:evolve:runs"
	announceEvery = 5 * time.Second
	// pollEvery is how often an idle worker looks for a job: a small part of the time that a job
	// takes.
	pollEvery = 25 * time.Millisecond
)

// ErrOtherModel means that a worker has another model than the runs at its Redis ask for.
var ErrOtherModel = errors.New("another model")

// Options describe a worker.
type Options struct {
	// URL is that of QueueOptions.
	URL string
	// Backend does the jobs; only jobs for its ID come.
	Backend llm.Backend
	// Concurrency is the number of jobs at once. If zero, 1.
	Concurrency int
	// OnReady is called when jobs may come, OnJob about each job done, one call at a time. Both may
	// be nil.
	OnReady func()
	OnJob   func(took time.Duration, err error)
}

// Serve takes jobs from Redis and does them until ctx ends; jobs under way are finished or given
// back. It refuses to start where runs are waiting and none of them asks for this model.
func Serve(ctx context.Context, opt Options) error {
	client, err := openRedis(ctx, opt.URL)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing is left to lose
	if err := admit(ctx, client, opt.Backend.ID); err != nil {
		return err
	}
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency: max(1, opt.Concurrency), Queues: map[string]int{queueName(opt.Backend.ID): 1},
		TaskCheckInterval: pollEvery, DelayedTaskCheckInterval: time.Second,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		LogLevel:       asynq.ErrorLevel,
	})
	if err := server.Start(&worker{opt: opt}); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	if opt.OnReady != nil {
		opt.OnReady()
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

// A worker does jobs. It is asynq's Handler.
type worker struct {
	opt Options
	mu  sync.Mutex
}

func (w *worker) ProcessTask(ctx context.Context, t *asynq.Task) error {
	began := time.Now()
	err := w.process(ctx, t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opt.OnJob != nil {
		w.opt.OnJob(time.Since(began), err)
	}
	return err
}

func (w *worker) process(ctx context.Context, t *asynq.Task) error {
	var j job
	if err := json.Unmarshal(t.Payload(), &j); err != nil {
		return fmt.Errorf("read job: %w: %w", err, asynq.SkipRetry)
	}
	a, err := answer(ctx, w.opt.Backend, j)
	if errors.Is(err, ErrOtherModel) || errors.Is(err, llm.ErrBackend) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	if err != nil {
		return err
	}
	out, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write answer: %w: %w", err, asynq.SkipRetry)
	}
	_, err = t.ResultWriter().Write(out)
	return err
}

// admit compares the worker's model with those that runs ask for.
func admit(ctx context.Context, client *redis.Client, model string) error {
	from := strconv.FormatInt(time.Now().Add(-3*announceEvery).UnixMilli(), 10)
	asked, err := client.ZRangeArgs(
		ctx, redis.ZRangeArgs{Key: runsKey, ByScore: true, Start: from, Stop: "+inf"}).Result()
	if err != nil {
		return fmt.Errorf("look for runs: %w", err)
	}
	if len(asked) > 0 && !slices.Contains(asked, model) {
		return fmt.Errorf("%w: the runs at this Redis ask for %q, this worker has %q", ErrOtherModel, asked, model)
	}
	return nil
}

// announce says again and again which model the run asks for.
func (q *Queue) announce(ctx context.Context) {
	defer close(q.ended)
	ticker := time.NewTicker(announceEvery)
	defer ticker.Stop()
	for {
		now := time.Now().UnixMilli()
		// Redis away: the run says so where it waits.
		_ = q.redis.ZAdd(ctx, runsKey, redis.Z{Score: float64(now), Member: q.opt.Model}).Err()
		_ = q.redis.Expire(ctx, runsKey, keepAnswers).Err()
		select {
		case <-ctx.Done():
			gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			// Another run of the same model says so again soon.
			_ = q.redis.ZRem(gone, runsKey, q.opt.Model).Err()
			return
		case <-ticker.C:
		}
	}
}

func queueName(model string) string { return queuePrefix + hash16(model) }

func hash16(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

func isQueueName(name string) bool { return strings.HasPrefix(name, queuePrefix) }

func queuesOf(s *asynq.ServerInfo) []string { return slices.Collect(maps.Keys(s.Queues)) }

// quietRedis stops the library from writing to stderr on each failed dial.
var quietRedis = sync.OnceFunc(logging.Disable)

func openRedis(ctx context.Context, url string) (*redis.Client, error) {
	quietRedis()
	options, err := redis.ParseURL(url)
	if err != nil {
		// Neither the URL nor the parser's message: both may show a password.
		return nil, fmt.Errorf(
			"%w: the Redis URL is not redis://[user:password@]host:port[/db] or rediss://", llm.ErrOptions)
	}
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to Redis: %w", err), client.Close())
	}
	return client, nil
}
