package perplexity

import "context"

type requestKey struct{}

// A request is calls of Score that serve one purpose; what they leave goes by it (see passCache).
type request struct{ scope string }

// InScope returns a context for the calls of Score of one request. They share what is remembered
// with those of other requests of the same scope only. Calls without it share among each other, and
// each counts as a request.
func InScope(ctx context.Context, scope string) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{scope: scope})
}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}
