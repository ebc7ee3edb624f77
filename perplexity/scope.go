package perplexity

import "context"

type scopeKey struct{}

// InScope returns a context whose calls of Score share what is remembered with calls of the same scope only. Without it, all such
// calls share.
func InScope(ctx context.Context, scope string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

func scopeOf(ctx context.Context) string {
	scope, _ := ctx.Value(scopeKey{}).(string)
	return scope
}
