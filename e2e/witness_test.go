package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// A witness stands between a client and Pith, passes everything and keeps what Pith received of
// the client's tools: what Pith is held to, as a client's own output may differ from run to run.
type witness struct {
	URL    string
	target string
	pass   http.Handler

	mu sync.Mutex
	received
}

// newWitness starts a witness in front of the server at target.
func newWitness(t *testing.T, target string, plain bool) *witness {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
	}
	w := &witness{
		target: target, pass: pass,
		received: received{plain: plain, results: map[string]string{}},
	}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.URL = s.URL
	return w
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		w.socket(rw, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.take(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.pass.ServeHTTP(rw, r)
}

func (w *witness) take(body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(body)
}

// socket passes the messages of a WebSocket, or the answer by which Pith opens none.
func (w *witness) socket(rw http.ResponseWriter, r *http.Request) {
	const most = websocket.CompressionContextTakeover
	header := r.Header.Clone()
	for name := range header {
		if strings.HasPrefix(name, "Sec-Websocket-") || name == "Connection" || name == "Upgrade" {
			header.Del(name)
		}
	}
	up, res, err := websocket.Dial(r.Context(), w.target+r.URL.RequestURI(),
		&websocket.DialOptions{HTTPHeader: header, CompressionMode: most})
	if err != nil {
		if res == nil {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		rw.WriteHeader(res.StatusCode)
		_, _ = io.Copy(rw, res.Body)
		return
	}
	defer up.CloseNow()
	down, err := websocket.Accept(rw, r, &websocket.AcceptOptions{CompressionMode: most})
	if err != nil {
		return
	}
	defer down.CloseNow()
	up.SetReadLimit(-1)
	down.SetReadLimit(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		defer cancel()
		carryMessages(ctx, down, up, func([]byte) {})
	}()
	carryMessages(ctx, up, down, w.take)
}

// carryMessages passes messages until one side ends.
func carryMessages(ctx context.Context, to, from *websocket.Conn, see func([]byte)) {
	for {
		kind, data, err := from.Read(ctx)
		if err != nil {
			_ = to.Close(max(websocket.CloseStatus(err), websocket.StatusNormalClosure), "")
			return
		}
		see(data)
		if to.Write(ctx, kind, data) != nil {
			return
		}
	}
}
