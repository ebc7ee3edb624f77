package retrieval

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A streamFilter turns the events of an answer's rounds into those that the client gets.
type streamFilter interface {
	// take returns what goes out for an event, and the turn where the event is the last that
	// matters of a round with calls of our tool. A round without them has no end of its own: its
	// events go out as they come.
	take(e event) (out []byte, end *turn)
	// close ends a round after its turn: a hidden one leaves nothing behind, of another what was
	// held back goes out.
	close(hidden bool) []byte
}

// An event is one of a stream of server-sent events.
type event struct {
	// raw is the event as it came, with the blank line behind it.
	raw []byte
	// data is its data, "" for a comment.
	data string
	// last marks the end of the stream, which has no bytes.
	last bool
}

// maxEvent bounds one event that is looked at, in bytes.
const maxEvent = 16 << 20

// keptPart is the least part of a stream's bytes, one in so many, that a filter keeps of a long
// answer: each event of a few bytes of text is ten times as long.
const keptPart = 8

// errEvent is no fault of the upstream's: what is longer passes as it is, and so does all that
// follows.
var errEvent = errors.New("event is too long to be looked at")

// readEvent reads up to the next blank line.
func readEvent(in *bufio.Reader) (event, error) {
	var e event
	var data []string
	for line := 0; ; { // where the line begins in e.raw
		part, err := in.ReadSlice('\n')
		e.raw = append(e.raw, part...)
		switch {
		case len(e.raw) > maxEvent:
			return e, errEvent
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		}
		text := strings.TrimRight(string(e.raw[line:]), "\r\n")
		line = len(e.raw)
		if value, ok := strings.CutPrefix(text, "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
		if err != nil || text == "" {
			e.data = strings.Join(data, "\n")
			return e, err
		}
	}
}

// named writes an event as the dialects with typed events do.
func named(kind, data string) []byte { return []byte("event: " + kind + "\ndata: " + data + "\n\n") }

// A toolStream is a stream's body as the client gets it. What the filter lets through goes out with
// the read that brought it.
type toolStream struct {
	loop   *toolLoop
	body   io.ReadCloser
	in     *bufio.Reader
	filter streamFilter
	out    []byte
	err    error
	// read counts the bytes of the round, of which a filter keeps a part.
	read int64
	// plain says that the rest of the stream passes unread.
	plain bool
}

func newToolStream(l *toolLoop, res *http.Response) *toolStream {
	return &toolStream{loop: l, body: res.Body, in: bufio.NewReader(res.Body), filter: l.offer.wording.filter()}
}

func (s *toolStream) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		switch {
		case s.err != nil:
			return 0, s.err
		case s.plain:
			return s.in.Read(p)
		}
		s.step()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// step takes one event. An error of the upstream, or of a later round, cuts the client's stream:
// part of the answer is there already, and what is cut must not look whole.
func (s *toolStream) step() {
	e, err := readEvent(s.in)
	if s.read += int64(len(e.raw)); errors.Is(err, errEvent) || s.read > keptPart*s.loop.transport.MaxAnswer {
		s.plain = true
		s.out = append(s.filter.close(false), e.raw...)
		return
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
		return
	}
	out, end := []byte(nil), (*turn)(nil)
	switch {
	case len(e.raw) == 0:
	case e.data != "[DONE]" && !json.Valid([]byte(e.data)): // not for us to read
		out = e.raw
	default:
		out, end = s.filter.take(e)
	}
	if err != nil && end == nil {
		s.err = io.EOF
		_, end = s.filter.take(event{last: true})
	}
	s.out = out
	if end == nil {
		return
	}
	hidden := s.loop.hides(*end)
	s.out = append(s.out, s.filter.close(hidden)...)
	if hidden {
		s.err = s.again(*end)
	}
}

// again begins the next round.
func (s *toolStream) again(t turn) error {
	res, err := s.loop.again(s.loop.request.Context(), t)
	if err != nil {
		return fmt.Errorf("continue a stream: %w", err)
	}
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		s.loop.transport.Logger.WarnContext(
			s.loop.request.Context(),
			"upstream failed",
			"status",
			res.StatusCode,
			"round",
			s.loop.offer.rounds,
		)
		_ = res.Body.Close() // it is not read: its error is no news
		return fmt.Errorf("continue a stream: upstream answered %d", res.StatusCode)
	}
	_ = s.body.Close() // read to its last event
	s.body, s.read = res.Body, 0
	s.in.Reset(res.Body)
	return nil
}

func (s *toolStream) Close() error { return s.body.Close() }
