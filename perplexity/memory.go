package perplexity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A key names what a pass leaves: everything that decides it.
type key [sha256.Size]byte

// keyOf returns the key of p for the callers of a scope. Scopes do not share: how fast an answer
// comes tells whether somebody asked before.
func keyOf(scope string, p *pass) key {
	read := p.ids[:max(p.end, p.to)]
	data := make([]byte, 0, len(scope)+4*len(read)+64)
	data = binary.AppendUvarint(data, uint64(len(scope)))
	data = append(data, scope...)
	for _, n := range []int{p.start, p.end, p.from, p.to} {
		data = binary.AppendUvarint(data, uint64(n))
	}
	if p.leave {
		data = append(data, 1)
	}
	for _, id := range read {
		data = binary.LittleEndian.AppendUint32(data, uint32(id))
	}
	return sha256.Sum256(data)
}

// A memory remembers what passes left, within bounds, and what is being computed now, so that
// nothing is done twice.
type memory struct {
	mu sync.Mutex
	// losses take four bytes a token and states thousands: each has its own bound, or states would
	// push the losses out.
	losses, states passCache
	flights        map[key]*flight
	hits, misses   uint64 // of states
	known          uint64 // losses found
}

// A flight is a pass that some caller computes and others wait for.
type flight struct {
	done    chan struct{}
	waiting int // callers that want a hold of the state
	passResult
	ok bool
}

func newMemory(lossBytes, stateBytes int) *memory {
	return &memory{losses: newPassCache(lossBytes), states: newPassCache(stateBytes), flights: map[key]*flight{}}
}

// find fills in what is known of passes and returns the others.
func (m *memory) find(passes []*pass) (unknown []*pass) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range passes {
		if !p.done && !m.take(p) {
			unknown = append(unknown, p)
		}
	}
	return unknown
}

// take gives p what is known of it.
func (m *memory) take(p *pass) bool {
	from := &m.losses
	if p.leave {
		from = &m.states
	}
	e, ok := from.get(p)
	switch {
	case ok && p.leave:
		m.hits++
		e.state.hold()
	case ok:
		m.known++
	}
	p.passResult, p.done = e, ok
	return ok
}

// claim fills in what is known of passes and splits the others: those of mine the caller must
// compute and settle, those of others some other caller computes, and the caller must await or
// leave each.
func (m *memory) claim(passes []*pass) (mine []*pass, others map[*pass]*flight) {
	m.mu.Lock()
	defer m.mu.Unlock()
	others = map[*pass]*flight{}
	for _, p := range passes {
		if m.take(p) {
			continue
		}
		if f := m.flights[p.key]; f != nil {
			f.waiting++
			others[p] = f
			continue
		}
		if p.leave {
			m.misses++
		}
		m.flights[p.key] = &flight{done: make(chan struct{})}
		mine = append(mine, p)
	}
	return mine, others
}

// settle ends the flights of passes that the caller had claimed: done, or given up for somebody
// else to claim.
func (m *memory) settle(passes []*pass, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range passes {
		f := m.flights[p.key]
		delete(m.flights, p.key)
		f.ok = done
		if done {
			f.passResult, p.done = p.passResult, true
			for range f.waiting {
				f.hold()
			}
			if p.leave {
				m.states.add(p)
			} else {
				m.losses.add(p)
			}
		}
		close(f.done)
	}
}

// await gives p what its flight brings. It is false when the caller who computed it gave up.
func (m *memory) await(ctx context.Context, p *pass, f *flight) (bool, error) {
	select {
	case <-f.done:
		p.passResult, p.done = f.passResult, f.ok
		return f.ok, nil
	case <-ctx.Done():
		m.leave(f)
		return false, ctx.Err()
	}
}

// leave stops waiting for f.
func (m *memory) leave(f *flight) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-f.done:
		f.drop()
	default:
		f.waiting--
	}
}

func (e passResult) hold() {
	if e.state != nil {
		e.state.hold()
	}
}

func (e passResult) drop() {
	if e.state != nil {
		e.state.drop()
	}
}

// A passCache keeps the entries used last, up to a number of bytes. A request does not push out
// what it has used itself: of a text larger than the cache, the end would push out the beginning,
// the next request about it would find nothing of the beginning and push out the end, and so on.
type passCache struct {
	lru          *simplelru.LRU[key, cacheUse]
	bytes, limit int
}

// A cacheUse is an entry and the request that used it last.
type cacheUse struct {
	passResult
	user *request
}

func newPassCache(limit int) passCache {
	lru, err := simplelru.NewLRU[key, cacheUse](math.MaxInt, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return passCache{lru: lru, limit: limit}
}

// get returns what is kept for p.
func (s *passCache) get(p *pass) (passResult, bool) {
	k, ok := s.lru.Get(p.key)
	if ok && k.user != p.user {
		s.lru.Add(p.key, cacheUse{passResult: k.passResult, user: p.user})
	}
	return k.passResult, ok
}

// entryBytes is what an entry costs beside its contents: key, list element, map slot, slice header.
const entryBytes = 256

func (e passResult) bytes() int {
	n := entryBytes + 4*len(e.nll)
	if e.state != nil {
		n += e.state.bytes()
	}
	return n
}

// add keeps what p left, if there is room or earlier requests leave some.
func (s *passCache) add(p *pass) {
	size := p.bytes()
	if size > s.limit || s.lru.Contains(p.key) {
		return
	}
	for s.bytes+size > s.limit {
		k, oldest, _ := s.lru.GetOldest()
		if oldest.user == p.user {
			return
		}
		s.lru.Remove(k)
		s.bytes -= oldest.bytes()
		oldest.drop()
	}
	p.hold()
	s.lru.Add(p.key, cacheUse{passResult: p.passResult, user: p.user})
	s.bytes += size
}

// clear lets go of everything.
func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range []*passCache{&m.losses, &m.states} {
		for _, e := range s.lru.Values() {
			e.drop()
		}
		s.lru.Purge()
		s.bytes = 0
	}
}
