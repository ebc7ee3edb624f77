package gateway

import (
	"context"
	"net/http"
	"strings"

	"pith/dialects"
	"pith/internal/apierror"
)

// A Client is whose one request is, and what it was charged for it. One goroutine uses it: the
// request's.
type Client struct {
	gateway *Gateway
	key     *VirtualKey // nil where virtual keys are not in use, or the request has none
	charged int64       // tokens
}

// Enter finds whose request it is and counts it. Without virtual keys everybody may come in. An
// error is an apierror.Error; answer gets the headers that go with it. The Client is never nil.
func (g *Gateway) Enter(answer http.Header, r *http.Request) (*Client, error) {
	c := &Client{gateway: g}
	if len(g.opts.Keys) == 0 {
		return c, nil
	}
	if c.key = findKey(g.opts.Keys, r); c.key == nil {
		return c, &apierror.Error{
			Status: http.StatusUnauthorized,
			Kind:   apierror.Auth,
			Msg:    "no key that this proxy knows",
		}
	}
	no, refused := g.allowances.enter(r.Context(), c.key)
	if !refused {
		return c, nil
	}
	setLimitHeaders(answer, dialects.VendorOf(r.URL.Path), no)
	return c, usedUp(no)
}

// Another counts one more request on a connection that carries many, and returns its Client. An error
// is an apierror.Error.
func (c *Client) Another(ctx context.Context) (*Client, error) {
	next := &Client{gateway: c.gateway, key: c.key}
	if c.key == nil {
		return next, nil
	}
	no, refused := c.gateway.allowances.enter(ctx, c.key)
	if !refused {
		return next, nil
	}
	return next, usedUp(no)
}

// usedUp says which allowance there is nothing left of.
func usedUp(no refusal) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusTooManyRequests, Kind: apierror.Rate, RetryAfter: no.seconds(),
		Msg: "the allowance of " + strings.ToLower(no.of) + " per minute is used up",
	}
}

// Name is the name of the key that the request came with, or "".
func (c *Client) Name() string {
	if c == nil || c.key == nil {
		return ""
	}
	return c.key.Name
}

// Tenant names the caller that results of r, its request, may be shared with.
func (c *Client) Tenant(r *http.Request) string {
	if c.key != nil {
		return "key " + c.key.Name
	}
	return c.gateway.tenant(r)
}

// Counted reports that the client's tokens are counted.
func (c *Client) Counted() bool { return c.key != nil }

// charge takes tokens of the client's allowance, whatever is left and whether or not it still
// waits.
func (c *Client) charge(ctx context.Context, tokens int64) {
	if k := c.key; k != nil && k.TokensPerMinute > 0 && tokens != 0 {
		c.charged += tokens
		draws := []Draw{k.draw("Tokens", k.TokensPerMinute, tokens)}
		c.gateway.allowances.draw(context.WithoutCancel(ctx), draws, true)
	}
}

// ChargeBytes charges for n bytes that are sent on, as many as are known: below zero none are.
func (c *Client) ChargeBytes(ctx context.Context, n int64) { c.charge(ctx, max(0, n)/bytesPerToken) }

// Settle puts the tokens that the provider counted, prompt and answer, in the place of what was
// charged on the way out.
func (c *Client) Settle(ctx context.Context, tokens int64) { c.charge(ctx, tokens-c.charged) }
