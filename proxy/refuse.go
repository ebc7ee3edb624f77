package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pith/internal/apierror"
	"pith/internal/escapes"
)

// refusedMethods are never sent on: CONNECT and PRI open another protocol, TRACE shows a client
// what was added to its request.
var refusedMethods = []string{http.MethodConnect, http.MethodTrace, "TRACK", "PRI"}

// refuse says what is never sent on.
func refuse(r *http.Request) error {
	switch {
	case slices.Contains(refusedMethods, strings.ToUpper(r.Method)):
		return &apierror.Error{
			Status: http.StatusMethodNotAllowed, Kind: apierror.Request,
			Msg: "this method is not served",
		}
	case strings.HasPrefix(r.URL.Path, "/pith/"):
		return apierror.Missing("no such endpoint")
	case climbs(r.URL):
		return apierror.BadRequest("path: a segment of two dots would leave the upstream's own path")
	case r.ProtoMajor == 1 && r.ProtoMinor == 0 && r.Header.Get("Content-Length") == "" && hasBody(r.Method):
		// net/http drops Transfer-Encoding from HTTP/1.0 without a word, and the body with it
		// (golang.org/issue/12785).
		return &apierror.Error{
			Status: http.StatusLengthRequired, Kind: apierror.Request,
			Msg: "a body needs a Content-Length in HTTP/1.0",
		}
	}
	return nil
}

// hasBody reports that requests of a method may have bodies that mean something.
func hasBody(method string) bool {
	return !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete}, method)
}

// otherDots are forms of a dot and of a slash that some servers take for one: UTF-8 that is longer
// than it may be, and characters that are made plain when names are compared.
var otherDots = strings.NewReplacer("\xc0\xae", ".", "\xe0\x80\xae", ".", "\uff0e", ".", "\u2024", ".",
	"\xc0\xaf", "/", "\xe0\x80\xaf", "/", "\uff0f", "/", "\u2215", "/", "\\", "/")

// climbs reports a path with a segment that some server takes for the folder above: written out or
// escaped, however often, behind any slash, with parameters, blanks or control characters behind
// it.
func climbs(u *url.URL) bool {
	return slices.ContainsFunc(escapes.Readings(u.EscapedPath()), func(path string) bool {
		for segment := range strings.SplitSeq(otherDots.Replace(path), "/") {
			rest, up := strings.CutPrefix(segment, "..")
			if up && (rest == "" || rest[0] <= ' ' || strings.ContainsAny(rest[:1], ";?#\x7f")) {
				return true
			}
		}
		return false
	})
}

// ownPrefix begins the names of headers between Pith and its clients. They go no further in either
// direction.
const ownPrefix = "X-Pith-"

// plainName is a header's name with hyphens for underscores, as some servers and clients read it.
func plainName(name string) string {
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// dropOwn takes Pith's own headers off h, those whose names have underscores as well.
func dropOwn(h http.Header) {
	for name := range h {
		if strings.HasPrefix(plainName(name), ownPrefix) {
			delete(h, name)
		}
	}
}

// framing are headers that say where a message ends, whom it is for and where it comes from.
// Credentials are the gateway's to know.
var framing = []string{
	"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Proxy-Authorization", "Cookie", "Host",
	"Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer",
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// dropDisguised takes headers off h whose names have underscores and are otherwise a credential's
// or the frame's: servers that take underscores for hyphens (CGI, WSGI) would read them as those.
func dropDisguised(h http.Header) {
	for name := range h {
		if strings.Contains(name, "_") && slices.Contains(framing, plainName(name)) {
			delete(h, name)
		}
	}
}
