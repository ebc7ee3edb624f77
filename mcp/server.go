// Package mcp gives coding agents the code of a workspace over the Model Context Protocol: what a
// question needs, files shortened for it, what was left out, and why.
package mcp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"pith/compress"
	"pith/index"
)

// Options configure a Server.
type Options struct {
	Version string
	// Roots are the folders that may be read. A client's own roots are honoured where they lie in
	// one of them.
	Roots []string
	// ClientRoots lets a client's roots be the workspace where Roots is empty.
	ClientRoots bool
	// Fallback is the workspace where neither Roots nor the client name one.
	Fallback string
	// Open returns the index of a workspace, up to date. progress is told of files that are done.
	Open func(ctx context.Context, roots []string, progress func(done, of int)) (*index.Index, error)
}

// A Server has the tools. It is safe for concurrent use.
type Server struct {
	opts Options
	sdk  *sdk.Server
	web  http.Handler

	mu       sync.Mutex
	sessions map[*sdk.ServerSession]*session
}

// A session is what is known of a client from one call to the next.
type session struct {
	// roots are what the client named, nil before it was asked.
	roots []string
	// last is the id of the last result.
	last string
}

// maxSessions bounds the sessions that are remembered: some never say that they end.
const maxSessions = 256

// A recallFunc returns the lines behind a marker's hash.
type recallFunc = func(ctx context.Context, hash, lines, symbol string) (string, error)

// instructions are all that a client's model is told beside the tools: they are paid for in each of
// its requests.
const instructions = "Code of the workspace, picked for a question. Ask find_context before reading many files."

// New returns a Server.
func New(o Options) *Server {
	s := &Server{opts: o, sessions: map[*sdk.ServerSession]*session{}}
	s.sdk = sdk.NewServer(&sdk.Implementation{Name: "pith", Title: "Pith", Version: o.Version}, &sdk.ServerOptions{
		Instructions: instructions,
		Capabilities: &sdk.ServerCapabilities{},
		RootsListChangedHandler: func(_ context.Context, r *sdk.RootsListChangedRequest) {
			s.session(r.Session, func(known *session) { known.roots = nil })
		},
	})
	s.addTools()
	s.web = s.newWeb()
	return s
}

// RunStdio serves one client on standard input and output until it leaves or ctx ends.
func (s *Server) RunStdio(ctx context.Context) error {
	return s.sdk.Run(ctx, &sdk.StdioTransport{}) //nolint:wrapcheck // the caller's own words
}

// A caller is who a call over HTTP comes from.
type caller struct {
	tenant string
	recall recallFunc
	found  func(index.Context)
}

// callerKey finds the caller in a request's context, and in what the SDK knows of its token.
type callerKey struct{}

const callerExtra = "caller"

// newWeb makes the handler for streamable HTTP. The SDK keeps sessions of different users apart,
// and knows users by what their bearer tokens are found to say.
func (s *Server) newWeb() http.Handler {
	known := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		c, ok := ctx.Value(callerKey{}).(caller)
		if !ok { // it did not come through ServeMCP
			return nil, auth.ErrInvalidToken
		}
		return &auth.TokenInfo{UserID: "tenant " + c.tenant, Extra: map[string]any{callerExtra: c}}, nil
	}
	web := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s.sdk }, &sdk.StreamableHTTPOptions{
		SessionTimeout: 30 * time.Minute, PropagateRequestCancellation: true,
	})
	return auth.RequireBearerToken(known, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(web)
}

// ServeMCP answers a client over streamable HTTP that was let in as a tenant. recall returns the
// lines behind a marker's hash; where it is nil, markers have none. found is told of each context
// that goes out.
func (s *Server) ServeMCP(
	w http.ResponseWriter, r *http.Request, tenant string,
	recall func(ctx context.Context, hash, lines, symbol string) (string, error),
	found func(index.Context),
) {
	r = r.Clone(context.WithValue(r.Context(), callerKey{}, caller{tenant, recall, found}))
	r.Header.Set("Authorization", "Bearer let-in") // the SDK wants one; who it is stands in the context
	s.web.ServeHTTP(w, r)
}

// callerOf is who a call comes from; nobody in particular on standard input.
func callerOf(req *sdk.CallToolRequest) caller {
	if req.Extra == nil || req.Extra.TokenInfo == nil {
		return caller{}
	}
	c, _ := req.Extra.TokenInfo.Extra[callerExtra].(caller)
	return c
}

// session looks at what is known of a session, or changes it.
func (s *Server) session(of *sdk.ServerSession, look func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sessions[of]
	if known == nil {
		if len(s.sessions) >= maxSessions {
			clear(s.sessions)
		}
		known = &session{}
		s.sessions[of] = known
	}
	look(known)
}

// errNoRoots says that a client's roots are all outside of what may be read.
var errNoRoots = errors.New("none of the client's roots lies in a folder that this server may read")

// workspace is the index that a request may look at.
func (s *Server) workspace(ctx context.Context, req *sdk.CallToolRequest) (*index.Index, error) {
	roots, err := s.rootsOf(ctx, req.Session)
	if err != nil {
		return nil, err
	}
	token := req.Params.GetProgressToken()
	progress := func(done, of int) {
		if token == nil || done%50 != 0 && done != of {
			return
		}
		// A client that takes no news gets its answer all the same.
		_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{
			ProgressToken: token, Message: "indexing the workspace", Progress: float64(done), Total: float64(of),
		})
	}
	return s.opts.Open(ctx, roots, progress)
}

// rootsOf are the folders of a session: the client's own, within the server's.
func (s *Server) rootsOf(ctx context.Context, of *sdk.ServerSession) ([]string, error) {
	var roots []string
	s.session(of, func(known *session) { roots = known.roots })
	if roots != nil {
		return roots, nil
	}
	asked := clientRoots(ctx, of)
	switch {
	case len(s.opts.Roots) == 0 && s.opts.ClientRoots && len(asked) > 0:
		roots = asked
	case len(s.opts.Roots) == 0:
		roots = []string{s.opts.Fallback}
	case len(asked) == 0:
		roots = s.opts.Roots
	default:
		for _, dir := range asked {
			if within(s.opts.Roots, dir) {
				roots = append(roots, dir)
			}
		}
		if len(roots) == 0 {
			return nil, errNoRoots
		}
	}
	s.session(of, func(known *session) { known.roots = roots })
	return roots, nil
}

// clientRoots asks a client which folders it works on.
func clientRoots(ctx context.Context, from *sdk.ServerSession) []string {
	if p := from.InitializeParams(); p == nil || p.Capabilities == nil || p.Capabilities.RootsV2 == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	res, err := from.ListRoots(ctx, nil)
	if err != nil {
		return nil // it has none to tell
	}
	var list []string
	for _, r := range res.Roots {
		if u, err := url.Parse(r.URI); err == nil && u.Scheme == "file" && filepath.IsAbs(u.Path) {
			list = append(list, filepath.Clean(u.Path))
		}
	}
	return list
}

// within reports a folder in one of roots, symbolic links followed.
func within(roots []string, dir string) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for _, root := range roots {
		root, err := filepath.EvalSymlinks(root)
		if err == nil && (real == root || strings.HasPrefix(real, strings.TrimSuffix(root, "/")+"/")) {
			return true
		}
	}
	return false
}

// described words an error for a model, which is to do something about it.
func described(err error) error {
	switch {
	case errors.Is(err, compress.ErrBudget):
		return errors.New("the budget is too small for anything: ask for more tokens")
	case errors.Is(err, index.ErrNothing):
		return errors.New(err.Error() + "; try other words, or no paths")
	}
	return err
}
