package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A tap stands between a client and a server, passes bytes and keeps those that the server sent.
type tap struct {
	URL    string
	target string
	listen net.Listener
	done   sync.WaitGroup

	mu   sync.Mutex
	sent []*bytes.Buffer // one for each connection
}

// newTap starts a tap in front of the server at url.
func newTap(t *testing.T, url string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{URL: "http://" + l.Addr().String(), target: strings.TrimPrefix(url, "http://"), listen: l}
	p.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.done.Go(func() { p.carry(conn) })
		}
	})
	return p
}

func (p *tap) carry(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	var kept bytes.Buffer
	p.mu.Lock()
	p.sent = append(p.sent, &kept)
	p.mu.Unlock()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, _ = io.Copy(client, io.TeeReader(server, &kept))
	_ = client.Close()
	up.Wait()
}

// responses ends the tap once its clients have left and returns what they were sent, without what
// concerns one hop only, in an order that does not depend on the connections used.
func (p *tap) responses(t *testing.T) []string {
	t.Helper()
	_ = p.listen.Close()
	p.done.Wait()
	var out []string
	for _, kept := range p.sent {
		for br := bufio.NewReader(kept); ; {
			if _, err := br.Peek(1); errors.Is(err, io.EOF) {
				break
			}
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			// A client that has read the last event may leave before the last, empty chunk: how a
			// body ends is not compared.
			body, _ := io.ReadAll(res.Body)
			out = append(out, fmt.Sprintf("%s\n%s\n%s", res.Status, endToEnd(res.Header), body))
		}
	}
	slices.Sort(out)
	return out
}

// endToEnd is a header without the fields of one hop and without Pith's own, as text.
func endToEnd(h http.Header) string {
	var b strings.Builder
	h = h.Clone()
	for name := range h {
		if strings.HasPrefix(name, "X-Pith-") {
			h.Del(name)
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Te", "Upgrade", "Server-Timing"} {
		h.Del(name)
	}
	_ = h.Write(&b) // in the order of the names
	return b.String()
}
