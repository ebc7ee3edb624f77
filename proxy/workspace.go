package proxy

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin/render"

	"pith/index"
	"pith/internal/apierror"
)

// A Workspace finds the code that a question needs in the folder that this server looks after.
type Workspace interface {
	Find(ctx context.Context, q index.Question) (index.Context, error)
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

// mcp serves /mcp: the tools of the workspace, for clients over streamable HTTP.
func (s *Server) mcp(_ *exchange, w http.ResponseWriter, r *http.Request) error {
	s.opts.MCP.ServeHTTP(w, r)
	return nil
}
