package download

import (
	"net/http"
	"testing"
)

func TestRedirectsStayEncrypted(t *testing.T) {
	request := func(url string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"https://a.test/x", "https://b.test/x", true},
		{"http://a.test/x", "https://b.test/x", true},
		{"http://a.test/x", "http://b.test/x", true},
		{"https://a.test/x", "http://a.test/x", false},
	} {
		if err := checkRedirect(request(tt.to), []*http.Request{request(tt.from)}); (err == nil) != tt.ok {
			t.Errorf("from %s to %s: %v", tt.from, tt.to, err)
		}
	}
}
