package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pith/internal/apierror"
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

// hasBody reports that requests of a method have bodies.
func hasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// climbs reports a path with a segment that some server takes for the folder above: written out or
// escaped, once or twice, behind either slash, with parameters behind it.
func climbs(u *url.URL) bool {
	for path, again := u.Path, 0; again < 3; again++ {
		for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if name, _, _ := strings.Cut(segment, ";"); name == ".." {
				return true
			}
		}
		next, err := url.PathUnescape(path)
		if err != nil || next == path {
			return false
		}
		path = next
	}
	return true // nobody escapes a path so often
}

// ownPrefix begins the names of headers between Pith and its clients. They go no further in either
// direction.
const ownPrefix = "X-Pith-"

// dropOwn takes Pith's own headers off h.
func dropOwn(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, ownPrefix) {
			delete(h, name)
		}
	}
}

// framing are headers that say where a message ends and whom it is for. Credentials are the
// gateway's to know.
var framing = []string{
	"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Proxy-Authorization", "Cookie", "Host",
	"Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer",
}

// dropDisguised takes headers off h whose names have underscores and are otherwise Pith's own, a
// credential's or the frame's: servers that take underscores for hyphens (CGI, WSGI) would read
// them as those.
func dropDisguised(h http.Header) {
	for name := range h {
		if !strings.Contains(name, "_") {
			continue
		}
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		if strings.HasPrefix(plain, ownPrefix) || slices.Contains(framing, plain) {
			delete(h, name)
		}
	}
}
