package workers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"
)

// A pendingJob is a job under way. Only one goroutine looks at it.
type pendingJob struct {
	queue   *Queue
	payload []byte
	// copies are the names under which the job was handed out: a second one when the first hangs in
	// a dead worker's hands. The library would find that out by itself, but only after a minute or
	// two.
	copies []string
	// since is when the state of the last copy became what it is.
	since time.Time
	state asynq.TaskState
}

// look returns the answer if there is one.
func (w *pendingJob) look(ctx context.Context) (answer []byte, err error) {
	for _, id := range w.copies {
		info, err := w.queue.inspector.GetTaskInfo(w.queue.name, id)
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
			// New, or another run asked the same and took the answer away.
			err = w.handOut(ctx, id)
		case err == nil && info.State == asynq.TaskStateCompleted:
			w.finish(id)
			return info.Result, nil
		case err == nil && info.State == asynq.TaskStateArchived && info.LastErr == asynq.ErrLeaseExpired.Error():
			// Many workers died over it, which says nothing about the job.
			err = w.queue.inspector.DeleteTask(w.queue.name, id)
		case err == nil && info.State == asynq.TaskStateArchived:
			w.forget()
			return nil, fmt.Errorf("%w: %s", ErrJob, info.LastErr)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			w.queue.notice.Set("Redis does not answer: " + err.Error())
			return nil, nil
		}
		if info != nil && id == w.copies[len(w.copies)-1] {
			w.watch(ctx, info.State)
		}
	}
	return nil, nil
}

// watch notes how long the last copy has been in its state, and acts when it is too long.
func (w *pendingJob) watch(ctx context.Context, state asynq.TaskState) {
	if state != w.state {
		w.state, w.since = state, time.Now()
	}
	held := time.Since(w.since)
	switch {
	case state == asynq.TaskStateActive && held > w.queue.patience():
		w.copies = append(w.copies, fmt.Sprintf("%s.%d", w.copies[0], len(w.copies)+1))
		w.state = 0
	case state == asynq.TaskStatePending && held > w.queue.opt.Patience/5:
		w.queue.notice.Set(w.queue.whyNothingMoves(ctx))
		w.since = time.Now()
	}
}

// handOut puts the job into the queue. That it is there already is no error.
func (w *pendingJob) handOut(ctx context.Context, id string) error {
	task := asynq.NewTask(jobType, w.payload)
	_, err := w.queue.client.EnqueueContext(ctx, task, asynq.TaskID(id), asynq.Queue(w.queue.name),
		asynq.MaxRetry(jobRetries), asynq.Retention(keepAnswers))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// finish takes note of the time that the job took and removes it.
func (w *pendingJob) finish(id string) {
	w.queue.notice.Set("")
	if w.state == asynq.TaskStateActive && id == w.copies[len(w.copies)-1] {
		took := int64(time.Since(w.since))
		for slowest := w.queue.slowest.Load(); took > slowest && !w.queue.slowest.CompareAndSwap(slowest, took); {
			slowest = w.queue.slowest.Load()
		}
	}
	w.forget()
}

// forget removes all copies. One that a worker holds cannot be removed and ends by itself, like
// everything, after an hour.
func (w *pendingJob) forget() {
	for _, id := range w.copies {
		_ = w.queue.inspector.DeleteTask(w.queue.name, id)
	}
}

// whyNothingMoves looks for workers. A queue may be long: with workers there it gives no reason.
func (q *Queue) whyNothingMoves(ctx context.Context) string {
	servers, err := q.inspector.Servers()
	if err != nil || ctx.Err() != nil {
		return "Redis does not answer"
	}
	others := 0
	for _, s := range servers {
		if s.Queues[q.name] > 0 {
			return ""
		}
		if slices.ContainsFunc(queuesOf(s), isQueueName) {
			others++
		}
	}
	reason := fmt.Sprintf("no worker serves the model %q: start `pith evolve worker` with it, at this Redis",
		q.opt.Model)
	if others > 0 {
		reason += fmt.Sprintf(" (%d workers here serve other models)", others)
	}
	return reason
}
