package gateway

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// failures remembers whom an upstream failed, so that one client's failures count for no more than
// those of all others together. Whatever a client sends, it is one voice of several.
type failures struct {
	mu    sync.Mutex
	since time.Time
	of    map[string]int
	all   int
}

// maxVoices bounds the clients that are told apart within a window. Further ones share a voice.
const maxVoices = 1024

// count says whether a failure of who counts.
func (f *failures) count(who string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || now.Sub(f.since) > breakerWindow {
		f.since, f.of, f.all = now, map[string]int{}, 0
	}
	if _, known := f.of[who]; !known && len(f.of) >= maxVoices {
		who = ""
	}
	if own := f.of[who]; own > f.all-own {
		return false
	}
	f.of[who]++
	f.all++
	return true
}

// identity is what tells the client of req from others and what it cannot choose: the name of its
// key or, as credentials that nobody here checks can be made up, the address that it comes from.
func (c *Client) identity(req *http.Request) string {
	if c.key != nil {
		return "key " + c.key.Name
	}
	from, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return "nowhere"
	}
	bits := 32
	if from.Addr().Unmap().Is6() {
		bits = 64 // what one subscriber has
	}
	network, err := from.Addr().Unmap().WithZone("").Prefix(bits)
	if err != nil { // the lengths fit
		return "nowhere"
	}
	return "address " + network.String()
}
