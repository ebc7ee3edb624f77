package gateway

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"

	"pith/dialects"
)

// An Upstream is an API behind the proxy, for the requests that name one of its models and come on
// one of its paths. Only the configuration says where it is: nothing that a client sends is ever
// part of an address.
type Upstream struct {
	// Name is what logs and metrics call it.
	Name string
	// URL has scheme, host and, where there is one, a path prefix.
	URL *url.URL
	// Key goes out in place of the client's. If empty, a virtual key goes nowhere and other
	// credentials pass.
	Key string
	// Auth is the header of Key. If empty, the one that the request's dialect has.
	Auth Auth
	// Models are names, or patterns in which * and ? stand for any text and any character. Empty:
	// all, and requests without one.
	Models []string
	// Paths are beginnings of paths, whole segments each. Empty: all.
	Paths []string
	// StripPath leaves out the beginning that matched when the request goes on.
	StripPath bool
	// Sockets says which WebSockets pass. If empty, SocketsResponses.
	Sockets Sockets
}

// Sockets says which WebSockets pass to an upstream.
type Sockets string

// The choices of Sockets.
const (
	// SocketsOff lets none pass.
	SocketsOff Sockets = "off"
	// SocketsResponses lets those of the Responses API pass, which Pith reads.
	SocketsResponses Sockets = "responses"
	// SocketsAny lets others pass as well, unread and uncounted.
	SocketsAny Sockets = "any"
)

// A target is an Upstream in use.
type target struct {
	Upstream
	*health
}

// A Destination is where one request goes. Its zero value is none.
type Destination struct {
	*target
	// strip is the beginning of the path that the upstream does not see.
	strip string
}

// Name is what logs and metrics call the upstream.
func (d Destination) Name() string {
	if d.target == nil {
		return ""
	}
	return d.target.Name
}

// again is the beginning of a path that the upstream's base URL ends in: people give an API's base
// with the /v1 that clients' paths have as well.
func (d Destination) again(path string) string {
	const version = "/v1"
	if d.strip == "" && strings.HasSuffix(strings.TrimSuffix(d.URL.Path, "/"), version) &&
		strings.HasPrefix(path, version+"/") {
		return version
	}
	return ""
}

// RouteSocket finds the upstream to which a WebSocket on path may be opened: one of the Responses
// API, or another. ok is false where there is none, or where the model would decide, which only the
// messages name.
func (g *Gateway) RouteSocket(path string, responses bool) (d Destination, ok bool) {
	for _, t := range g.targets {
		if _, takes := t.takesPath(path); !takes {
			continue
		}
		if len(t.Models) > 0 {
			return Destination{}, false
		}
		return g.Route(path, ""), t.Sockets == SocketsAny || responses && t.Sockets != SocketsOff
	}
	return Destination{}, false // not reached: the default takes every path
}

// ByModel reports that the choice of an upstream depends on the model, so that bodies have to be
// read.
func (g *Gateway) ByModel() bool {
	return slices.ContainsFunc(g.opts.Upstreams, func(u Upstream) bool { return len(u.Models) > 0 })
}

// Route finds the first upstream that takes a request.
func (g *Gateway) Route(path, model string) Destination {
	for _, t := range g.targets {
		prefix, ok := t.takesPath(path)
		if !ok || !t.takesModel(model) {
			continue
		}
		d := Destination{target: t}
		if t.StripPath {
			d.strip = prefix
		}
		return d
	}
	return Destination{target: g.targets[len(g.targets)-1]} // not reached: the default takes everything
}

func (u *Upstream) takesPath(path string) (prefix string, ok bool) {
	for _, p := range u.Paths {
		p = strings.TrimSuffix(p, "/")
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return p, true
		}
	}
	return "", len(u.Paths) == 0
}

// noSlash keeps path.Match from treating the slash of "vendor/model" as a border that * does not
// cross.
var noSlash = strings.NewReplacer("/", "\x00")

func (u *Upstream) takesModel(model string) bool {
	for _, m := range u.Models {
		if ok, err := path.Match(noSlash.Replace(m), noSlash.Replace(model)); ok && err == nil {
			return true
		}
	}
	return len(u.Models) == 0
}

// Address points a client's outgoing request at its upstream, with the credentials that are for
// there.
func (g *Gateway) Address(p *httputil.ProxyRequest, to Destination, c *Client) {
	for _, prefix := range []string{to.strip, to.again(p.Out.URL.Path)} {
		p.Out.URL.Path = strings.TrimPrefix(p.Out.URL.Path, prefix)
		p.Out.URL.RawPath = strings.TrimPrefix(p.Out.URL.RawPath, prefix)
	}
	p.SetURL(to.URL) // and the Host header is the upstream's
	// ReverseProxy copies the names of trailers before their values have come: they would be
	// announced and not follow.
	p.Out.Trailer = nil
	// ReverseProxy drops what it cannot parse of a query; nothing here reads it, so it passes as it
	// came (TestRequestsPassUnchanged in proxy).
	query := p.In.URL.RawQuery
	if len(g.opts.Keys) > 0 || to.Key != "" {
		query = c.withoutKeys(p.Out.Header, query)
		if to.Key != "" {
			auth := to.Auth
			if auth == "" {
				auth = authOf(dialects.VendorOf(p.In.URL.Path))
			}
			auth.set(p.Out.Header, to.Key)
		}
	}
	p.Out.URL.RawQuery = joinQuery(to.URL.RawQuery, query)
}

// withoutKeys takes the client's credentials off a request's header and query: those that stand
// where credentials do, and whatever else has a key in it.
func (c *Client) withoutKeys(h http.Header, query string) string {
	for _, name := range credentialHeaders {
		h.Del(name)
	}
	if c.secret != "" {
		for name, values := range h {
			if c.shows(name) || slices.ContainsFunc(values, c.shows) {
				delete(h, name)
			}
		}
	}
	return c.withoutKey(query)
}

// withoutKey cuts the parameters that may hold a key out of a query and leaves the rest as it is
// written. Some servers part parameters with semicolons.
func (c *Client) withoutKey(query string) string {
	if !strings.Contains(query, "k") && !strings.Contains(query, "%") && !c.shows(query) { // no "key", however escaped
		return query
	}
	var kept strings.Builder
	for rest := query; rest != ""; {
		end := len(rest)
		if i := strings.IndexAny(rest, "&;"); i >= 0 {
			end = i + 1
		}
		part := strings.TrimRight(rest[:end], "&;")
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); (err != nil || plain != "key") && !c.shows(part) {
			kept.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	out := kept.String()
	if !strings.HasSuffix(query, "&") && !strings.HasSuffix(query, ";") {
		out = strings.TrimRight(out, "&;")
	}
	return out
}

func joinQuery(own, client string) string {
	if own == "" || client == "" {
		return own + client
	}
	return own + "&" + client
}

// Provider is the name of the provider in OpenTelemetry's semantic conventions, "" where it is not
// known.
func (d Destination) Provider() string {
	if d.target == nil {
		return ""
	}
	switch host := d.URL.Hostname(); {
	case host == "api.openai.com":
		return "openai"
	case host == "api.anthropic.com":
		return "anthropic"
	case strings.HasSuffix(host, ".openai.azure.com"):
		return "azure.ai.openai"
	default:
		return ""
	}
}
