package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/tidwall/gjson"

	"pith/dialects"
	"pith/internal/apierror"
)

// A turn is one request over a WebSocket, from its message to the event that ends its answer.
type turn struct {
	*exchange
	// keeps says that the provider keeps the answer, so that it can be gone on from elsewhere.
	keeps bool
	bytes int64
}

const (
	// nearAnswers is how many answers of a WebSocket can be gone on from on it. Providers keep the
	// last.
	nearAnswers = 4
	// mostTurns is how many requests of a WebSocket may be without the end of their answer.
	// Providers answer one at a time, and clients wait for it.
	mostTurns = 32
)

var errTurns = apierror.Busy("too many requests without an answer on this connection")

// A turnQueue is the turns of a WebSocket whose answers are not at their end, the oldest first, and
// the conversations of those that ended last.
type turnQueue struct {
	mu      sync.Mutex
	waiting []*turn
	// creating counts the requests that are compressed.
	creating int
	// near are the last conversations.
	near []nearThread
	// leave ends the WebSocket when nothing is under way, where it is to end.
	leave func()
}

type nearThread struct {
	id     string
	thread dialects.Thread
	share  *byteShare
}

// recall finds a conversation by the id of its last answer: on this connection, or among those that
// the provider keeps.
func (k *socket) recall(id string) (dialects.Thread, bool) {
	k.queue.mu.Lock()
	for _, n := range slices.Backward(k.queue.near) {
		if n.id == id {
			k.queue.mu.Unlock()
			return n.thread, true
		}
	}
	k.queue.mu.Unlock()
	return k.server.threads.recall(k.r.Context(), k.want.tenant, id)
}

// create sends on a request, shortened.
func (k *socket) create(ctx, compressing context.Context, m socketMessage) socketEnd {
	s := k.server
	t := &turn{exchange: &exchange{start: time.Now(), dialect: k.dialect.Name, to: k.x.to, tenant: k.x.tenant}}
	_, t.span = s.tracing.start(ctx, k.r)
	t.id = s.tracing.idOf(t.span, k.r.Header)
	err := k.queue.begin()
	defer k.queue.created()
	if err == nil {
		t.client, err = k.x.client.Another(ctx)
	}
	if err != nil {
		e := apierror.As(err)
		s.conclude(k.r, t.exchange, ending{"turn", e.Status, 0})
		return write(ctx, k.client, refusalEvent(e))
	}
	t.report = report{decision: decisionPass, reason: reasonOff}
	out := m
	if k.want.mode != ModeOff {
		want := k.want
		want.share = m.share
		out.data, t.report = s.shorten(compressing, k.dialect, m.data, want)
		t.account = s.books.Open(t.report.model, t.report.reason == reasonHoldout, k.dialect.Usage, out.data)
		t.reply = follow(m.data, k.recall, s.inFlight.share())
		t.keeps = follows(k.dialect, m.data)
	}
	t.client.ChargeBytes(ctx, int64(len(out.data)))
	k.queue.push(t)
	return write(ctx, k.upstream, out)
}

// refusalEvent is an error in the words of the API's WebSockets.
func refusalEvent(e *apierror.Error) socketMessage {
	event := map[string]any{"type": "error", "status": e.Status}
	if body, ok := dialects.OpenAI.ErrorBody(string(e.Kind), e.Msg).(map[string]any); ok {
		event["error"] = body["error"]
	}
	data, err := json.Marshal(event)
	if err != nil { // strings and a number only: cannot happen
		data = []byte(`{"type":"error"}`)
	}
	return socketMessage{kind: websocket.MessageText, data: data}
}

// observe reads an event of the upstream before it is passed on. What it returns is done behind
// that.
func (k *socket) observe(data []byte) (after func()) {
	e := dialects.ReadEvent(data)
	t := k.queue.first(e.Ends)
	if t == nil {
		return func() {}
	}
	t.bytes += int64(len(data))
	id := ""
	if t.reply != nil {
		if id = t.reply.add(e); id != "" {
			k.queue.remember(id, t.reply)
		}
	}
	if !e.Ends {
		return func() {}
	}
	return func() {
		if id != "" && t.keeps {
			k.server.threads.keep(k.r.Context(), k.want.tenant, id, t.reply.thread)
		}
		if t.account != nil {
			t.account.Answered(data)
		}
		status := http.StatusOK
		if gjson.GetBytes(data, "type").Str == "error" {
			status = max(e.Status, http.StatusBadRequest)
		}
		k.server.conclude(k.r, t.exchange, ending{"turn", status, t.bytes})
		k.queue.rest()
	}
}

// abandon ends the turns whose answers were cut, and forgets those that were not.
func (k *socket) abandon() {
	for _, n := range k.queue.near {
		n.share.release()
	}
	for t := k.queue.first(true); t != nil; t = k.queue.first(true) {
		t.aborted = true
		k.server.conclude(k.r, t.exchange, ending{"turn", http.StatusOK, t.bytes})
	}
}

// begin begins a turn, which may be one too many. Either way it is created in the end.
func (q *turnQueue) begin() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.creating++
	if len(q.waiting) >= mostTurns {
		return errTurns
	}
	return nil
}

func (q *turnQueue) created() {
	q.mu.Lock()
	q.creating--
	q.mu.Unlock()
	q.rest()
}

func (q *turnQueue) push(t *turn) {
	q.mu.Lock()
	q.waiting = append(q.waiting, t)
	q.mu.Unlock()
}

// first returns the turn whose answer comes, or nil, and takes it off the queue where it ends.
func (q *turnQueue) first(ends bool) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	t := q.waiting[0]
	if ends {
		q.waiting = q.waiting[1:]
	}
	return t
}

func (q *turnQueue) remember(id string, p *reply) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.near) == nearAnswers {
		q.near[0].share.release()
		q.near = q.near[1:]
	}
	p.share.hold()
	q.near = append(q.near, nearThread{id, p.thread, p.share})
}

// rest ends the WebSocket if it is to end and nothing is under way.
func (q *turnQueue) rest() {
	q.mu.Lock()
	leave := q.leave
	if q.creating > 0 || len(q.waiting) > 0 {
		leave = nil
	}
	q.mu.Unlock()
	if leave != nil {
		leave()
	}
}
