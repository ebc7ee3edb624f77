package proxy

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
)

// headerFilter drops Pith's own headers from all that an upstream says beside the answer's body:
// early hints, the head, trailers. An upstream that is a Pith has its own say.
type headerFilter struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o headerFilter) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			dropOwn(http.Header(h)) // before those see it who asked earlier: ReverseProxy
			return nil
		},
	}))
	res, err := o.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	dropOwn(res.Header)
	dropOwn(res.Trailer)
	if res.StatusCode != http.StatusSwitchingProtocols { // whose body is a connection
		res.Body = &trailerFilter{ReadCloser: res.Body, res: res}
	}
	return res, nil
}

// A trailerFilter knows its trailers once it was read.
type trailerFilter struct {
	io.ReadCloser
	res *http.Response
}

func (b *trailerFilter) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		dropOwn(b.res.Trailer)
	}
	return n, err
}
