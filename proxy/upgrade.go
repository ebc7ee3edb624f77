package proxy

import (
	"net/http"
	"strings"

	"pith/dialects"
	"pith/internal/apierror"
)

// errNoSocket tells a client to go on over HTTP. Codex does so at once after 426, and after three
// more tries where the answer is another (e2e TestCodingAgentCodexSentToHTTP).
var errNoSocket = &apierror.Error{
	Status: http.StatusUpgradeRequired, Kind: apierror.Request,
	Msg: "no WebSocket may be opened here: use HTTP, or see server.websocket in the configuration",
}

// upgradeOf is the protocol that a request wants to change to where that is WebSocket, and else "".
// Wishes for other protocols come off the request, which RFC 9110, section 7.8, lets a server
// ignore: an h2c tunnel would pass by everything that is counted and bounded here.
func upgradeOf(h http.Header) string {
	defer h.Del("HTTP2-Settings")
	wants := false
	for _, v := range h.Values("Connection") {
		for token := range strings.SplitSeq(v, ",") {
			wants = wants || strings.EqualFold(strings.TrimSpace(token), "upgrade")
		}
	}
	if wants && len(h.Values("Upgrade")) == 1 && strings.EqualFold(strings.TrimSpace(h.Get("Upgrade")), "websocket") {
		return "websocket"
	}
	h.Del("Upgrade")
	return ""
}

// relaySocket opens a WebSocket to the upstream where that may be.
func (s *Server) relaySocket(x *exchange, w http.ResponseWriter, r *http.Request, want control) error {
	if want.mode == ModePreview {
		return errNoPreview
	}
	d := dialects.Of(r.URL.Path)
	responses := d != nil && d.HasSockets() && r.Method == http.MethodGet
	var ok bool
	if x.to, ok = s.gateway.RouteSocket(r.URL.Path, responses); !ok {
		return refuseSocket(w)
	}
	if responses {
		x.dialect = d.Name
		return s.serveSocket(x, w, r, d, want)
	}
	s.forward(x, w, r)
	return nil
}

// refuseSocket names the protocol to go on with, which RFC 9110, section 15.5.22, wants of a 426.
func refuseSocket(w http.ResponseWriter) error {
	w.Header().Set("Upgrade", "HTTP/1.1")
	w.Header().Set("Connection", "Upgrade")
	return errNoSocket
}
