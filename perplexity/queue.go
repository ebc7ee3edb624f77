package perplexity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrBusy is returned by Score when too many tokens wait or run already.
var ErrBusy = errors.New("scoring queue is full")

// A queue hands the slots of a session to runs, to the requests in turn: one that brought a
// thousand runs waits for one run of each other request between its own.
type queue struct {
	mu    sync.Mutex
	idle  []*buffers
	turns []*requestLine
	// tokens are those admitted and not yet scored; limit bounds them.
	tokens, limit int
	running       int
	runs, scored  uint64
	waited        time.Duration
}

// A requestLine is the runs of one request that wait for a slot, in order.
type requestLine struct{ waiting []chan *buffers }

func newQueue(slots, limit int) *queue {
	q := &queue{limit: limit}
	for range slots {
		q.idle = append(q.idle, &buffers{})
	}
	return q
}

// reserve makes room for the tokens of a request's runs. A request larger than the bound is
// admitted when nothing else is there.
func (q *queue) reserve(tokens int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tokens > 0 && q.tokens+tokens > q.limit {
		return ErrBusy
	}
	q.tokens += tokens
	return nil
}

// leave gives tokens back that were reserved.
func (q *queue) leave(tokens int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tokens -= tokens
}

// admit waits for a slot for a run of line; give it back with release.
func (q *queue) admit(ctx context.Context, line *requestLine) (*buffers, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	if n := len(q.idle) - 1; n >= 0 {
		slot := q.idle[n]
		q.idle = q.idle[:n]
		q.running++
		q.mu.Unlock()
		return slot, nil
	}
	start, turn := time.Now(), make(chan *buffers, 1)
	if len(line.waiting) == 0 {
		q.turns = append(q.turns, line)
	}
	line.waiting = append(line.waiting, turn)
	q.mu.Unlock()
	var slot *buffers
	select {
	case slot = <-turn:
	case <-ctx.Done():
		slot = q.quit(line, turn)
	}
	q.mu.Lock()
	q.waited += time.Since(start)
	q.mu.Unlock()
	if err := ctx.Err(); err != nil {
		if slot != nil {
			q.release(slot, 0)
		}
		return nil, err
	}
	return slot, nil
}

// quit takes turn out of line, or returns the slot that it got in the meantime.
func (q *queue) quit(line *requestLine, turn chan *buffers) *buffers {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(line.waiting, turn); i >= 0 {
		line.waiting = slices.Delete(line.waiting, i, i+1)
		if len(line.waiting) == 0 {
			q.turns = slices.DeleteFunc(q.turns, func(l *requestLine) bool { return l == line })
		}
		return nil
	}
	return <-turn
}

// release gives slot to the run whose turn it is. scored counts the tokens that the run took
// through the network.
func (q *queue) release(slot *buffers, scored int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if scored > 0 {
		q.runs++
		q.scored += uint64(scored)
	}
	if len(q.turns) == 0 {
		q.idle = append(q.idle, slot)
		q.running--
		return
	}
	line := q.turns[0]
	q.turns = q.turns[1:]
	line.waiting[0] <- slot
	if line.waiting = line.waiting[1:]; len(line.waiting) > 0 {
		q.turns = append(q.turns, line)
	}
}

// Stats are figures of a model's work since it was opened, and of what it does now.
type Stats struct {
	// Queued and Running count runs; Tokens counts those admitted and not yet scored.
	Queued, Running, Tokens int
	// Runs and Scored count finished runs and the tokens that went through the network, padding not
	// included.
	Runs, Scored uint64
	// Waited is the time that all runs together waited for their turn.
	Waited time.Duration
	// StateHits and StateMisses count pieces of text whose state was known or had to be computed;
	// LossHits counts results found.
	StateHits, StateMisses, LossHits uint64
	// StateBytes is what the kept states take.
	StateBytes int
}

// Stats returns the model's figures.
func (m *Model) Stats() Stats {
	m.queue.mu.Lock()
	q := m.queue
	s := Stats{Running: q.running, Tokens: q.tokens, Runs: q.runs, Scored: q.scored, Waited: q.waited}
	for _, line := range q.turns {
		s.Queued += len(line.waiting)
	}
	m.queue.mu.Unlock()
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	s.StateHits, s.StateMisses, s.LossHits = m.memory.hits, m.memory.misses, m.memory.known
	s.StateBytes = m.memory.states.bytes
	return s
}
