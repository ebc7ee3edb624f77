package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin/render"

	"pith/compress"
	"pith/explain"
	"pith/index"
	"pith/internal/apierror"
	"pith/retrieval"
)

// A Workspace finds the code that a question needs in the folder that this server looks after.
type Workspace interface {
	Find(ctx context.Context, q index.Question) (index.Context, error)
	// Explain says what was found for a tenant's question, and why, by the context's id.
	Explain(ctx context.Context, tenant, id string) (explain.Account, bool)
}

// findContext serves POST /pith/v1/context: a question in, the workspace's best code for it out.
func (s *Server) findContext(x *exchange, w http.ResponseWriter, r *http.Request) error {
	c, err := s.askWorkspace(x, r)
	x.report.writeTo(w.Header())
	if err != nil {
		return err
	}
	return render.PureJSON{Data: c}.Render(w)
}

func (s *Server) askWorkspace(x *exchange, r *http.Request) (index.Context, error) {
	if s.opts.Workspace == nil {
		return index.Context{}, apierror.Missing("no workspace: workspace.root names the folder")
	}
	body, err := s.receiveBody(x, r)
	defer x.answered()
	if err != nil {
		return index.Context{}, err
	}
	var q index.Question
	if err := readStrictly(body, &q); err != nil {
		return index.Context{}, err
	}
	q.Tenant = x.tenant
	if q.Budget < 0 {
		return index.Context{}, apierror.BadRequest("budget: want a positive number of tokens")
	}
	x.dialect = dialectContext
	release, ok := s.slots.take()
	if !ok {
		return index.Context{}, failed(x, compress.ErrBusy)
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Compression.Timeout)
	defer cancel()
	c, err := s.opts.Workspace.Find(ctx, q)
	switch {
	case errors.Is(err, index.ErrNothing):
		return c, apierror.Missing("nothing in the workspace matches: try other words, or no paths")
	case err != nil:
		err = failed(x, err)
		if e := apierror.As(err); e.Kind == apierror.Internal && e.Err != nil {
			s.log.WarnContext(r.Context(), "the workspace could not be asked", "err", e.Err)
		}
		return c, err
	}
	x.report = found(c)
	return c, nil
}

// dialectContext stands for questions to the workspace where requests are told apart by dialect.
const dialectContext = "context"

// found reports a context: its files whole against the lines of them that are in it.
func found(c index.Context) report {
	return report{
		decision: decisionCompressed, reason: c.Reason, original: c.WholeTokens, compressed: c.Tokens, budget: c.Budget,
		lines: c.Account.LineTokens,
	}
}

// Tools are what agents call over MCP.
type Tools interface {
	// ServeMCP answers a tenant that was let in. recall finds the lines behind a marker's hash;
	// found is told of each context that goes out.
	ServeMCP(
		w http.ResponseWriter, r *http.Request, tenant string,
		recall func(ctx context.Context, hash, lines, symbol string) (string, error),
		found func(index.Context),
	)
}

// mcp serves /mcp: the tools of the workspace, for clients over streamable HTTP. A call takes a
// slot as a compression does; the stream on which a client waits for news takes none.
func (s *Server) mcp(x *exchange, w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		release, ok := s.slots.take()
		if !ok {
			return apierror.Busy("too many compressions at once, try again")
		}
		defer release()
	}
	tenant := x.tenant
	recall := func(ctx context.Context, hash, lines, symbol string) (string, error) {
		e, err := s.originals.Recall(ctx, tenant, retrieval.Query{Hash: hash, Lines: lines, Symbol: symbol})
		return e.Content, err
	}
	var mu sync.Mutex // a call whose client left may outlast its request
	var rep report
	s.opts.MCP.ServeMCP(w, r, tenant, recall, func(c index.Context) {
		mu.Lock()
		defer mu.Unlock()
		rep = found(c)
	})
	mu.Lock()
	defer mu.Unlock()
	if rep.decision != "" {
		x.dialect, x.report = dialectContext, rep
	}
	return nil
}
