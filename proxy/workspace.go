package proxy

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin/render"

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
	if s.opts.Workspace == nil {
		return apierror.Missing("no workspace: workspace.root names the folder")
	}
	body, err := s.receiveBody(x, r)
	defer x.answered()
	if err != nil {
		return err
	}
	var q index.Question
	if err := readStrictly(body, &q); err != nil {
		return err
	}
	q.Tenant = x.tenant
	if q.Budget < 0 {
		return apierror.BadRequest("budget: want a positive number of tokens")
	}
	release, ok := s.slots.take()
	if !ok {
		return apierror.Busy("too many compressions at once, try again")
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Compression.Timeout)
	defer cancel()
	c, err := s.opts.Workspace.Find(ctx, q)
	switch {
	case errors.Is(err, index.ErrNothing):
		return apierror.Missing("nothing in the workspace matches: try other words, or no paths")
	case err != nil:
		return describeFailure(err)
	}
	return render.PureJSON{Data: c}.Render(w)
}

// Tools are what agents call over MCP.
type Tools interface {
	// ServeMCP answers a tenant that was let in. recall finds the lines behind a marker's hash.
	ServeMCP(
		w http.ResponseWriter, r *http.Request, tenant string,
		recall func(ctx context.Context, hash, lines, symbol string) (string, error),
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
	s.opts.MCP.ServeMCP(w, r, tenant, func(ctx context.Context, hash, lines, symbol string) (string, error) {
		e, err := s.originals.Recall(ctx, tenant, retrieval.Query{Hash: hash, Lines: lines, Symbol: symbol})
		return e.Content, err
	})
	return nil
}
