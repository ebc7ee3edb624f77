package retrieval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"pith/dialects"
	"pith/internal/apierror"
)

// The tool by which a model asks for omitted lines. It stands in every request of a dialect that
// knows tools, from the first turn on and always as the last of the tools: tools are the head of a
// prompt, and a tool that came and went would cost the provider's prompt cache. Calls to it are
// answered here, the conversation goes on upstream, and the client gets the answer as if there had
// been no tool.
const (
	toolName        = "pith_retrieve"
	toolDescription = "Returns source code that was left out of this conversation. Where lines are missing, a " +
		"comment such as `... lines 128-169 omitted hash=3f9a1c0b7d22e400080000a9` stands in their place. Ask " +
		"only for what you need: by hash alone you get the omitted lines; lines=\\\"a-b\\\" returns other lines " +
		"of the same file instead, symbol=\\\"name\\\" a function or class of it."
	toolSchema = `{"type":"object","properties":{` +
		`"hash":{"type":"string","description":"The 24 hex digits of the comment."},` +
		`"lines":{"type":"string","description":"Lines of the file, such as 120-180."},` +
		`"symbol":{"type":"string","description":"Name of a function or class of the file."}},"required":["hash"]}`
	// maxToolRounds bounds how often one answer may ask. Each round sends the whole conversation
	// again.
	maxToolRounds = 5
	// maxToolCalls is how many calls of one round are answered, maxToolBytes how much one answer
	// gives the model in all: no context takes more.
	maxToolCalls = 64
	maxToolBytes = 4 << 20
)

// A toolWording is how a dialect words tools and answers.
type toolWording struct {
	// definition is the tool's JSON.
	definition string
	// turns is the member of a request that holds the conversation.
	turns string
	// fits reports whether a request can have its answer changed.
	fits func(dialects.Object) bool
	// read reads a whole answer, replies words the results of its calls, join makes the client's
	// answer of all rounds' answers.
	read    func(answer []byte) turn
	replies func(t turn, results []string) []string
	join    func(answers [][]byte) []byte
	// filter starts to read an answer that comes as a stream.
	filter func() streamFilter
}

// A turn is what the model said in one round.
type turn struct {
	// calls are those of our tool.
	calls []toolRequest
	// theirs says that tools of the client were called as well, ended that the model stopped in
	// order to have calls answered.
	theirs, ended bool
	// echo is what the next request repeats of the turn, as JSON values.
	echo []string
}

// A toolRequest is one call of our tool; args is JSON.
type toolRequest struct{ id, args string }

// wordings are how the dialects that know tools word ours. A count of tokens asks no model.
var wordings = map[string]*toolWording{
	"chat": chatTool(), "responses": responsesTool(), "messages": messagesTool(),
}

// An Offer is a request that offers the model our tool.
type Offer struct {
	// Body is the request's, with the tool.
	Body []byte

	wording *toolWording
	tenant  string
	rounds  int
}

// OfferTool adds the tool to a tenant's request in a dialect, or returns nil where the request
// cannot have it or the tool is switched off. One without tools (a title, a summary) stays so. The
// body must be JSON.
func (o *Originals) OfferTool(dialect string, body []byte, tenant string) *Offer {
	w := wordings[dialect]
	if !o.opts.Tool || w == nil {
		return nil
	}
	members, err := dialects.Root(body)
	if err != nil || members == nil || !w.fits(members) || len(members["tools"].Array()) == 0 ||
		strings.Contains(members["tools"].Raw, `"`+toolName+`"`) {
		return nil
	}
	if body = dialects.Append(body, members, "tools", w.definition); body == nil {
		return nil
	}
	return &Offer{Body: body, wording: w, tenant: tenant}
}

// Rounds counts the rounds that the client does not see. It may be called when the answer has
// ended.
func (o *Offer) Rounds() int { return o.rounds }

// A Transport answers the calls of our tool in the answer to one request.
type Transport struct {
	// Next sends each round to the upstream.
	Next http.RoundTripper
	// Offer is the request's.
	Offer     *Offer
	Originals *Originals
	// MaxAnswer is the longest answer in one piece that is read, in bytes.
	MaxAnswer int64
	Logger    *slog.Logger
}

// RoundTrip sends req, whose body is the Offer's, and returns the answer as the client gets it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	req = req.Clone(ctx)
	req.Header.Del("Accept-Encoding") // the answer has to be read
	res, err := t.Next.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "" {
		return res, err
	}
	l := &toolLoop{transport: t, offer: t.Offer, request: req, body: t.Offer.Body}
	switch kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) {
	case "text/event-stream":
		res.Body = newToolStream(l, res)
		res.ContentLength = -1
		res.Header.Del("Content-Length")
		return res, nil
	case "application/json":
		return l.whole(ctx, res)
	default:
		return res, nil
	}
}

// A toolLoop is one answer, which may take several rounds.
type toolLoop struct {
	transport *Transport
	offer     *Offer
	request   *http.Request
	// body is the request of the current round, given the bytes of all results.
	body  []byte
	given int
}

// whole takes an answer that comes in one piece through its rounds. An error of a later round is
// the client's to see: nothing of the answer has reached it.
func (l *toolLoop) whole(ctx context.Context, res *http.Response) (*http.Response, error) {
	var answers [][]byte
	for {
		answer, err := l.readAll(res)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
		t := l.offer.wording.read(answer)
		if !l.hides(t) {
			break
		}
		if res, err = l.again(ctx, t); err != nil || res.StatusCode != http.StatusOK {
			return res, err
		}
	}
	answer := l.offer.wording.join(answers)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	res.ContentLength = int64(len(answer))
	res.Header.Set("Content-Length", strconv.Itoa(len(answer)))
	return res, nil
}

func (l *toolLoop) readAll(res *http.Response) ([]byte, error) {
	limit := l.transport.MaxAnswer
	answer, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(answer)) > limit {
		return nil, &apierror.Error{
			Status: http.StatusBadGateway,
			Kind:   apierror.Upstream,
			Msg:    "the answer is larger than this proxy reads",
		}
	}
	return answer, nil
}

// hides reports that a turn is answered here. One that calls the client's tools as well is not: the
// client has to run those, and gets them without our calls, which the model may repeat in its next
// turn.
func (l *toolLoop) hides(t turn) bool {
	return len(t.calls) > 0 && !t.theirs && t.ended && l.offer.rounds < maxToolRounds
}

// again answers a turn's calls and sends the conversation on.
func (l *toolLoop) again(ctx context.Context, t turn) (*http.Response, error) {
	l.offer.rounds++
	results := make([]string, len(t.calls))
	for i, c := range t.calls {
		if i < maxToolCalls && l.given < maxToolBytes {
			results[i] = l.transport.Originals.answerCall(ctx, l.offer.tenant, c.args)
		} else {
			results[i] = toolName + ": more was asked for than one answer can take"
		}
		l.given += len(results[i])
		if l.offer.rounds == maxToolRounds {
			results[i] += "\n(" + toolName + " cannot be called again in this turn.)"
		}
	}
	w := l.offer.wording
	body := continued(l.body, w.turns, append(t.echo, w.replies(t, results)...))
	if body == nil {
		return nil, errors.New("continue a conversation: its turns are not where they were")
	}
	l.body = body
	req := l.request.Clone(ctx)
	req.Header.Del("Idempotency-Key") // it stands for the first request alone
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return l.transport.Next.RoundTrip(req)
}

// continued adds turns to the conversation in body.
func continued(body []byte, member string, turns []string) []byte {
	o, err := dialects.Root(body)
	if err != nil {
		return nil
	}
	if v := o[member]; v.Type == gjson.String { // the short form of one user message
		first := `[{"role":"user","content":` + v.Raw + `},` + strings.Join(turns, ",") + `]`
		return dialects.Splice(body, []dialects.Edit{{Start: v.Index, End: v.Index + len(v.Raw), Text: []byte(first)}})
	}
	return dialects.Append(body, o, member, turns...)
}

// answerCall is what the model gets for a call.
func (o *Originals) answerCall(ctx context.Context, tenant, args string) string {
	var q Query
	if err := json.Unmarshal([]byte(args), &q); err != nil {
		return toolName + ": arguments: want JSON with hash, and lines or symbol if wanted"
	}
	e, err := o.Recall(ctx, tenant, q)
	if err != nil {
		return toolName + ": " + apierror.As(err).Msg
	}
	var b strings.Builder
	for i, span := range e.Lines {
		b.WriteString([]string{"lines ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%d-%d", span[0], span[1])
	}
	return strings.TrimSpace(b.String()+" "+e.Path) + "\n" + e.Content
}
