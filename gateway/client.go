package gateway

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"pith/dialects"
	"pith/internal/apierror"
)

// A Client is whose one request is, and what it was charged for it. One goroutine uses it: the
// request's.
type Client struct {
	gateway *Gateway
	key     *VirtualKey // nil where virtual keys are not in use, or the request has none
	secret  string      // what the request showed for it
	charged int64       // tokens
}

// Enter finds whose request it is and counts it. Without virtual keys everybody may come in. An
// error is an apierror.Error; answer gets the headers that go with it. The Client is never nil.
func (g *Gateway) Enter(answer http.Header, r *http.Request) (*Client, error) {
	c := &Client{gateway: g}
	if len(g.opts.Keys) == 0 {
		return c, g.admitLocal(r)
	}
	if c.key, c.secret = findKey(g.opts.Keys, r); c.key == nil {
		return c, &apierror.Error{
			Status: http.StatusUnauthorized,
			Kind:   apierror.Auth,
			Msg:    "no key that this proxy knows",
		}
	}
	if c.shows(r.URL.EscapedPath()) {
		return c, apierror.BadRequest("path: a key stands in it, which would go on to the upstream")
	}
	no, refused := g.allowances.enter(r.Context(), c.key)
	if !refused {
		return c, nil
	}
	setLimitHeaders(answer, dialects.VendorOf(r.URL.Path), no)
	return c, usedUp(no)
}

// Another counts one more request on a connection that carries many, and returns its Client. An
// error is an apierror.Error.
func (c *Client) Another(ctx context.Context) (*Client, error) {
	next := &Client{gateway: c.gateway, key: c.key, secret: c.secret}
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

// admitLocal lets in whoever brings credentials of their own. Where Pith holds an upstream's key
// and asks nobody for one, it serves the programs of its own machine, and no web page that a
// browser there has open: such a request names the page, or comes under a name that the page's
// server made point here.
func (g *Gateway) admitLocal(r *http.Request) error {
	if !slices.ContainsFunc(g.targets, func(t *target) bool { return t.Key != "" }) {
		return nil
	}
	origin := r.Header.Get("Origin")
	page, err := url.Parse(origin)
	if isLocal(r.Host) && (origin == "" || err == nil && isLocal(page.Host)) {
		return nil
	}
	return &apierror.Error{
		Status: http.StatusForbidden, Kind: apierror.Auth,
		Msg: "this proxy holds a key and serves its own machine alone: address it as 127.0.0.1 or localhost",
	}
}

// isLocal reports a host, with or without a port, that is this machine whoever asks.
func isLocal(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// Name is the name of the key that the request came with, or "".
func (c *Client) Name() string {
	if c == nil || c.key == nil {
		return ""
	}
	return c.key.Name
}

// keyLike is what keys of providers and of ours look like.
var keyLike = regexp.MustCompile(
	`(?i)\b(?:sk|pk|rk|key|pith|gsk|xai|hf|aiza|bearer)[-_ ]?[a-z0-9_-]{12,}|[A-Za-z0-9_-]{40,}`)

// Hide returns text, such as a path, without what is or looks like a key: for logs.
func (c *Client) Hide(text string) string {
	if c != nil && c.secret != "" {
		text = strings.ReplaceAll(text, c.secret, "...")
	}
	return keyLike.ReplaceAllString(text, "...")
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
