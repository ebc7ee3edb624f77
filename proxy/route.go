package proxy

import (
	"errors"
	"fmt"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// An Upstream is an API behind the proxy, for the requests that name one of its models and come on one of its paths. Only the
// configuration says where it is: nothing that a client sends is ever part of an address.
type Upstream struct {
	// Name is what logs and metrics call it.
	Name string
	// URL has scheme, host and, where there is one, a path prefix.
	URL *url.URL
	// Key goes out in place of a virtual key. If empty, no credentials do. Without virtual keys it is not used.
	Key string
	// Auth is the header of Key. If empty, the one that the request's dialect has.
	Auth Auth
	// Models are names, or patterns in which * and ? stand for any text and any character. Empty: all, and requests without one.
	Models []string
	// Paths are beginnings of paths, whole segments each. Empty: all.
	Paths []string
	// StripPath leaves out the beginning that matched when the request goes on.
	StripPath bool
}

// A target is an Upstream in use.
type target struct {
	Upstream
	*health
}

// A destination is where one request goes.
type destination struct {
	*target
	// strip is the beginning of the path that the upstream does not see.
	strip string
}

func (d destination) name() string {
	if d.target == nil {
		return ""
	}
	return d.Name
}

// newTargets checks the table and takes over the health of upstreams that prev knew, the last of all being the default one.
func newTargets(o Options, prev []*target) ([]*target, error) {
	table := slices.Concat(o.Gateway.Upstreams, []Upstream{{Name: "default", URL: o.Upstream, Key: o.Gateway.DefaultKey}})
	out := make([]*target, len(table))
	var errs []error
	for i, u := range table {
		if !isBaseURL(u.URL) {
			errs = append(errs, fmt.Errorf("upstream %s: want an http or https URL with a host", u.Name))
			continue
		}
		out[i] = &target{Upstream: u, health: newHealth(o.Gateway.Retry)}
		for _, p := range prev {
			if p.Name == u.Name && p.URL.String() == u.URL.String() && p.rest == o.Gateway.Retry.Rest {
				out[i].health = p.health
			}
		}
	}
	return out, errors.Join(errs...)
}

func isBaseURL(u *url.URL) bool {
	return u != nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// byModel reports that the choice depends on the model, so that bodies have to be read.
func byModel(table []Upstream) bool {
	return slices.ContainsFunc(table, func(u Upstream) bool { return len(u.Models) > 0 })
}

// route finds the first target that takes a request.
func (s *Server) route(path, model string) destination {
	for _, t := range s.targets {
		prefix, ok := t.takesPath(path)
		if !ok || !t.takesModel(model) {
			continue
		}
		d := destination{target: t}
		if t.StripPath {
			d.strip = prefix
		}
		return d
	}
	return destination{target: s.targets[len(s.targets)-1]} // not reached: the default takes everything
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

// noSlash keeps path.Match from treating the slash of "vendor/model" as a border that * does not cross.
var noSlash = strings.NewReplacer("/", "\x00")

func (u *Upstream) takesModel(model string) bool {
	for _, m := range u.Models {
		if ok, err := path.Match(noSlash.Replace(m), noSlash.Replace(model)); ok && err == nil {
			return true
		}
	}
	return len(u.Models) == 0
}

// modelOf reads the model of a JSON body: the last of several, as nearly all parsers do.
func modelOf(body []byte) (model string) {
	gjson.ParseBytes(body).ForEach(func(key, value gjson.Result) bool {
		if key.String() == "model" {
			model = value.String()
		}
		return true
	})
	return model
}

// address points an outgoing request at its upstream, with the credentials that are for there.
func (s *Server) address(p *httputil.ProxyRequest) {
	to := exchangeOf(p.In.Context()).to
	if to.strip != "" {
		p.Out.URL.Path = strings.TrimPrefix(p.Out.URL.Path, to.strip)
		p.Out.URL.RawPath = strings.TrimPrefix(p.Out.URL.RawPath, to.strip)
	}
	p.SetURL(to.URL) // and the Host header is the upstream's
	// ReverseProxy drops what it cannot parse of a query; nothing here reads it, so it passes as it came.
	query := p.In.URL.RawQuery
	if len(s.opts.Gateway.Keys) > 0 {
		query = withoutKey(query)
		for _, name := range credentialHeaders {
			p.Out.Header.Del(name)
		}
		if to.Key != "" {
			auth := to.Auth
			if auth == "" {
				auth = s.vendorOf(p.In.URL.Path).auth
			}
			auth.set(p.Out.Header, to.Key)
		}
	}
	p.Out.URL.RawQuery = joinQuery(to.URL.RawQuery, query)
}

// withoutKey cuts the parameter that may hold a virtual key out of a query and leaves the rest as it is written.
func withoutKey(query string) string {
	if !strings.Contains(query, "k") && !strings.Contains(query, "%") { // no "key", however escaped
		return query
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain != "key" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

func joinQuery(own, client string) string {
	if own == "" || client == "" {
		return own + client
	}
	return own + "&" + client
}
