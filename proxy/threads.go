package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/dialects"
	"pith/internal/panics"
)

const (
	// turnsFor is how long a conversation can be gone on from by the id of its last answer. Later
	// its tool results pass: the calls that they answer are not known any more.
	turnsFor = 24 * time.Hour
	// nearTurns is how many conversations this process remembers itself, until the store has them.
	nearTurns = 32
)

// threads remember the conversations that later requests name by the id of their last answer
// (previous_response_id), each for its tenant.
type threads struct {
	near   *lru.Cache[string, dialects.Thread]
	shared compress.Store
	key    func(parts ...string) string
}

func newThreads(shared compress.Store, key func(parts ...string) string) (*threads, error) {
	near, err := lru.New[string, dialects.Thread](nearTurns)
	if err != nil {
		return nil, fmt.Errorf("threads: %w", err)
	}
	return &threads{near: near, shared: shared, key: key}, nil
}

// recall returns the conversation that the answer id of a tenant ended.
func (t *threads) recall(ctx context.Context, tenant, id string) (dialects.Thread, bool) {
	key := t.key("proxy turns 1", tenant, id)
	if thread, ok := t.near.Get(key); ok {
		return thread, true
	}
	if t.shared == nil {
		return nil, false
	}
	value, ok := t.shared.Get(ctx, key)
	return value, ok
}

// keep remembers the conversation that the answer id of a tenant ended. It does not wait for the
// store.
func (t *threads) keep(ctx context.Context, tenant, id string, thread dialects.Thread) {
	key := t.key("proxy turns 1", tenant, id)
	t.near.Add(key, thread)
	if t.shared != nil {
		go func() {
			_ = panics.Guard(func() error { // a store that panics keeps nothing
				t.shared.Add(context.WithoutCancel(ctx), key, thread, turnsFor)
				return nil
			})
		}()
	}
}

// recallFor is recall for one request of a tenant.
func (s *Server) recallFor(ctx context.Context, tenant string) func(id string) (dialects.Thread, bool) {
	return func(id string) (dialects.Thread, bool) { return s.threads.recall(ctx, tenant, id) }
}

// A reply is an answer of the Responses API that is followed so that its conversation can be gone
// on from. One goroutine uses it.
type reply struct {
	// thread are the turns up to the answer, and what is done of it. They are as long as clients
	// make them, so they count among the bytes in flight: share has them.
	thread dialects.Thread
	share  *byteShare
	// lost says that they are not known, too long to be kept, or that there is no room.
	lost bool
	// items says that the answer's items came one by one.
	items bool
}

// follow begins a reply to a request, whose earlier turns recall finds. It ends with a release of
// share.
func follow(request []byte, recall func(id string) (dialects.Thread, bool), share *byteShare) *reply {
	p := &reply{share: share}
	if id := gjson.GetBytes(request, "previous_response_id").Str; id != "" {
		earlier, known := recall(id)
		p.thread, p.lost = earlier, !known
	}
	if !p.lost {
		p.set(p.thread.Asked(request))
	}
	return p
}

func (p *reply) set(t dialects.Thread, err error) {
	if err != nil || !p.share.fit(len(t)) {
		p.lost, t = true, nil
		p.share.shrink(0)
	}
	p.thread = t
}

// add takes an event of the answer. It returns the answer's id where the conversation can be gone
// on from now.
func (p *reply) add(e dialects.Event) (id string) {
	if e.Item != "" && !p.lost {
		p.items = true
		p.set(p.thread.Answered(gjson.Parse("[" + e.Item + "]")))
	}
	if e.Done && !p.items && !p.lost {
		p.set(p.thread.Answered(e.Output))
	}
	if !e.Done || p.lost {
		return ""
	}
	return e.Response
}

// follows says whether the answer to a request of d may be gone on from, as its provider keeps it.
func follows(d *dialects.Dialect, request []byte) bool {
	return d.HasSockets() && gjson.GetBytes(request, "store").Type != gjson.False
}

// followed has the answers of next followed by p; keep gets the id of one that ended well. What is
// held meanwhile counts in room.
func followed(next http.RoundTripper, p *reply, room *byteBudget, keep func(id string)) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(req)
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "" {
			return res, err
		}
		events := strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
		res.Body = &followedBody{ReadCloser: res.Body, reply: p, events: events, share: room.share(), keep: keep}
		return res, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// maxFollowed is the longest event, or the longest answer in one piece, that is followed, in bytes.
const maxFollowed = 4 << 20

// A followedBody is the body of an answer that passes as it is while a reply reads it.
type followedBody struct {
	io.ReadCloser
	reply  *reply
	events bool
	// held is the line, or the answer, as far as it has come; no line ends in its searched bytes.
	held     []byte
	searched int
	share    *byteShare
	keep     func(id string)
}

func (b *followedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.reply.lost {
		return n, err
	}
	b.held = append(b.held, p[:n]...)
	for b.events {
		end := bytes.IndexByte(b.held[b.searched:], '\n')
		if end < 0 {
			b.searched = len(b.held)
			break
		}
		if data, ok := bytes.CutPrefix(b.held[:b.searched+end], []byte("data:")); ok {
			b.take(dialects.ReadEvent(data))
		}
		b.held, b.searched = b.held[b.searched+end+1:], 0
	}
	switch {
	case len(b.held) > maxFollowed, !b.share.fit(len(b.held)):
		b.held, b.reply.lost = nil, true
		b.share.shrink(0)
	case err == io.EOF && !b.events: //nolint:errorlint // an EOF that is wrapped ends nothing
		b.take(dialects.WholeAnswer(b.held))
		b.held = nil
	}
	return n, err
}

// Close lets go of what is held.
func (b *followedBody) Close() error {
	b.share.release()
	return b.ReadCloser.Close()
}

func (b *followedBody) take(e dialects.Event) {
	if id := b.reply.add(e); id != "" {
		b.keep(id)
	}
}
