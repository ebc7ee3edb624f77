package proxy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin/render"

	"pith/compress"
	"pith/dialects"
	"pith/explain"
	"pith/internal/apierror"
)

// A Watcher sees what became of requests. Nothing waits for it, so it must not wait either.
type Watcher interface {
	// Keeps says whether the blocks of requests are wanted.
	Keeps() bool
	// Saw takes a request of a known dialect that has ended, with its blocks where they are wanted.
	Saw(tenant string, r explain.Request, pieces []explain.Piece)
	// Own explains a request of a tenant whose blocks are kept.
	Own(ctx context.Context, tenant, id string) (explain.Account, bool)
}

// A preview is the answer to a preview that asks to be explained.
type preview struct {
	explain.Account
	// Body is the request as it would have been sent.
	Body json.RawMessage `json:"body"`
}

// asked marks the requests of a plan whose ranking is to be explained.
func (o *settings) asked(plan dialects.Plan) dialects.Plan {
	if o.explain {
		for i := range plan.Blocks {
			plan.Blocks[i].Request.Explain = true
		}
	}
	return plan
}

// A groupResult is what the engine said to a group.
type groupResult struct {
	dialects.Group
	res compress.Result
}

// A blockWatch collects the blocks of a request for who wants to see them.
type blockWatch struct {
	report *report
	// at finds a block's piece; nil where nobody watches.
	at map[*dialects.Block]int
}

// watch begins with every block left as it came: those of which nothing is heard stay so.
func (s *Server) watch(rep *report, blocks []dialects.Block) blockWatch {
	w := blockWatch{report: rep}
	if !blocks[0].Request.Explain && (s.opts.Watcher == nil || !s.opts.Watcher.Keeps()) {
		return w
	}
	w.at = make(map[*dialects.Block]int, len(blocks))
	for i := range blocks {
		w.at[&blocks[i]] = i
		rep.pieces = append(rep.pieces, explain.Piece{Request: blocks[i].Request})
	}
	return w
}

// saw takes what came of a group.
func (w blockWatch) saw(o outcome) {
	if w.at == nil {
		return
	}
	for _, said := range o.answers {
		for i, b := range said.Blocks {
			piece := &w.report.pieces[w.at[b]]
			piece.Request, piece.File, piece.Result = said.Request, i, said.res
		}
	}
	for i, b := range o.group.Blocks {
		piece, err := &w.report.pieces[w.at[b]], cmp.Or(o.err, o.errs[i])
		piece.Reason, piece.Taken = reasonOf(err), err == nil
	}
}

// account describes a request for who watches.
func (s *Server) account(x *exchange) explain.Request {
	rep := x.report
	for i := range rep.pieces {
		if p := &rep.pieces[i]; !p.Taken && p.Reason == "" { // the engine was not asked, or did not answer in time
			p.Reason = rep.reason
		}
	}
	return explain.Request{
		ID: x.id, Time: x.start, Client: x.client.Name(), Upstream: x.to.Name(), Dialect: x.dialect,
		Model: s.books.Label(rep.model), Aborted: x.aborted, Decision: string(rep.decision), Reason: rep.reason,
		OriginalTokens: rep.original, CompressedTokens: rep.compressed, Ratio: rep.ratio(),
		Budget: rep.budget, LineTokens: rep.lines, Cache: rep.cache, CompressMS: milliseconds(rep.took),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// tell has the watcher see a request that has ended.
func (s *Server) tell(x *exchange, end ending, took time.Duration) {
	if s.opts.Watcher == nil || x.report.decision == "" {
		return
	}
	r := s.account(x)
	r.Status, r.TookMS = end.status, milliseconds(took)
	s.opts.Watcher.Saw(x.tenant, r, x.report.pieces)
}

// preview answers with the request as it would have been sent, or with an account of it.
func (s *Server) preview(x *exchange, w http.ResponseWriter, r *http.Request, explained bool) error {
	if !explained {
		return writePreview(x, w, r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read preview: %w", err)
	}
	if !json.Valid(body) { // a Content-Encoding that was left as it came
		body = nil
	}
	answer := preview{Account: explain.Account{Request: s.account(x), Blocks: []explain.Block{}}, Body: body}
	for _, p := range x.report.pieces {
		answer.Blocks = append(answer.Blocks, p.Block())
	}
	x.report.writeTo(w.Header())
	return render.PureJSON{Data: answer}.Render(w)
}

// explain serves GET /pith/v1/explain/{id}: the account of a request whose blocks are kept, or of a
// context that was found, to who sent it.
func (s *Server) explain(id string) endpoint {
	return func(x *exchange, w http.ResponseWriter, r *http.Request) error {
		a, ok := explain.Account{}, false
		if s.opts.Watcher != nil {
			a, ok = s.opts.Watcher.Own(r.Context(), x.tenant, id)
		}
		if !ok && s.opts.Workspace != nil {
			a, ok = s.opts.Workspace.Explain(r.Context(), x.tenant, id)
		}
		if !ok {
			return errNotKept
		}
		return render.PureJSON{Data: a}.Render(w)
	}
}

var errNotKept = apierror.Missing("no request of yours with that id is kept; dashboard.keep says how many are")
