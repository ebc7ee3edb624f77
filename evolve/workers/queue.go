package workers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"pith/evolve/llm"
)

// QueueOptions describe a queue of evaluations in Redis.
type QueueOptions struct {
	// URL is redis://[user:password@]host:port[/db], or rediss:// for TLS. It may hold a password:
	// no message shows it.
	URL string
	// Model is the ID of the model that must answer.
	Model string
	// Patience is how long a worker may hold an evaluation before it is handed out a second time,
	// unless earlier ones took a quarter as long. If zero, 15 s.
	Patience time.Duration
	// OnWait is told, in words for the user, why nothing moves, and told "" when it does again. May
	// be nil.
	OnWait func(reason string)
}

// A Queue hands evaluations to workers through Redis and waits for their answers: it is the backend
// of a run whose models stand elsewhere. An answer depends on nothing but the job, so a job that is
// done twice does no harm, and a worker that dies costs the time until its job is handed out again.
// Redis away, or no worker there: the run waits.
//
// Jobs are tasks of asynq, named by a hash of what they ask; a run that was killed finds what it
// asked for before.
type Queue struct {
	opt       QueueOptions
	name      string
	redis     *redis.Client
	client    *asynq.Client
	inspector *asynq.Inspector
	slowest   atomic.Int64 // nanoseconds
	notice    llm.Notice
	end       context.CancelFunc
	ended     chan struct{}
}

const (
	// keepAnswers is how long an answer that nobody fetched stays in Redis.
	keepAnswers = time.Hour
	// jobRetries is how often a job is tried again that a worker could not do.
	jobRetries = 3
	// firstLook and lastLook bound the time between two looks at a job under way.
	firstLook = 5 * time.Millisecond
	lastLook  = 100 * time.Millisecond
)

// ErrJob means that workers could not do a job.
var ErrJob = errors.New("the workers failed")

// Open connects to Redis. Close it.
func Open(ctx context.Context, opt QueueOptions) (*Queue, error) {
	client, err := openRedis(ctx, opt.URL)
	if err != nil {
		return nil, err
	}
	opt.Patience = cmp.Or(opt.Patience, 15*time.Second)
	q := &Queue{
		opt: opt, name: queueName(opt.Model), redis: client, client: asynq.NewClientFromRedisClient(client),
		inspector: asynq.NewInspectorFromRedisClient(client), ended: make(chan struct{}),
	}
	q.notice.Tell = opt.OnWait
	ctx, q.end = context.WithCancel(context.WithoutCancel(ctx))
	go q.announce(ctx)
	return q, nil
}

// Close lets go of Redis. Jobs under way stay there; a resumed run finds their answers.
func (q *Queue) Close() error {
	q.end()
	<-q.ended
	return q.redis.Close()
}

// LogProbs implements LM.
func (q *Queue) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	a, err := q.await(ctx, job{Queries: queries})
	return a.Logs, err
}

// Classify implements Classifier.
func (q *Queue) Classify(ctx context.Context, choices []llm.Choice) ([][]float64, llm.Usage, error) {
	a, err := q.await(ctx, job{Choices: choices})
	return a.Rows, a.Usage, err
}

// Generate implements Generator.
func (q *Queue) Generate(ctx context.Context, requests []llm.TextRequest) ([]string, llm.Usage, error) {
	a, err := q.await(ctx, job{Texts: requests})
	return a.Texts, a.Usage, err
}

// await hands a job out and looks at it until it is done.
func (q *Queue) await(ctx context.Context, j job) (jobAnswer, error) {
	j.Model = q.opt.Model
	id, payload, err := j.id()
	if err != nil {
		return jobAnswer{}, err
	}
	w := pendingJob{queue: q, payload: payload, copies: []string{id}, since: time.Now()}
	for look := firstLook; ; look = min(look*5/4, lastLook) {
		done, err := w.look(ctx)
		if err != nil {
			return jobAnswer{}, err
		}
		if done != nil {
			var a jobAnswer
			if err := json.Unmarshal(done, &a); err != nil || !a.fits(j) {
				return jobAnswer{}, fmt.Errorf("%w: an answer in Redis is not one to this job", ErrJob)
			}
			return a, nil
		}
		select {
		case <-ctx.Done():
			return jobAnswer{}, ctx.Err()
		case <-time.After(look):
		}
	}
}

// patience is how long a worker may hold a job.
func (q *Queue) patience() time.Duration {
	return max(q.opt.Patience, 4*time.Duration(q.slowest.Load()))
}
