package cache

import (
	"bytes"
	"testing"
	"time"
)

func newTestEnvelope(t testing.TB, secret string) *envelope {
	t.Helper()
	e, err := newEnvelope([]byte(secret), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// FuzzEnvelope: a value comes back under its key and its secret, and any change to what was stored
// is noticed.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte("value"), "key", 7, byte(1))
	f.Add(bytes.Repeat([]byte("value"), 1000), "", 0, byte(0x80))
	plain, sealed, other := newTestEnvelope(f, ""), newTestEnvelope(f, "secret"), newTestEnvelope(f, "other")
	f.Fuzz(func(t *testing.T, value []byte, key string, at int, flip byte) {
		for _, e := range []*envelope{plain, sealed} {
			wrapped := e.wrap(key, value)
			if got, err := e.unwrap(key, wrapped); err != nil || !bytes.Equal(got, value) {
				t.Errorf("unwrap = %q, %v", got, err)
			}
			if _, err := e.unwrap(key+"x", wrapped); err == nil {
				t.Error("unwrapped under another key")
			}
			if _, err := other.unwrap(key, wrapped); err == nil {
				t.Error("unwrapped with another secret")
			}
			if flip == 0 {
				continue
			}
			wrapped[uint(at)%uint(len(wrapped))] ^= flip
			if got, err := e.unwrap(key, wrapped); err == nil {
				t.Errorf("a changed byte yields %q", got)
			}
		}
	})
}

// FuzzUnwrap: nothing that Redis may answer makes it panic or grow past the bound.
func FuzzUnwrap(f *testing.F) {
	e := newTestEnvelope(f, "")
	f.Add(e.wrap("key", []byte("value")))
	f.Add(e.wrap("key", make([]byte, 1<<20)))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, env := range []*envelope{e, newTestEnvelope(t, "secret")} {
			if value, err := env.unwrap("key", answer); err == nil && len(value) > env.max {
				t.Errorf("unwrapped %d bytes", len(value))
			}
		}
	})
}

func TestSameValueIsSealedAnew(t *testing.T) {
	e := newTestEnvelope(t, "secret")
	if bytes.Equal(e.wrap("key", []byte("value")), e.wrap("key", []byte("value"))) {
		t.Error("two seals share a nonce")
	}
}

func TestRemaining(t *testing.T) {
	tests := []struct{ pttl, want time.Duration }{
		{-1, 0}, // no end
		{-2, time.Millisecond},
		{0, time.Millisecond},
		{time.Millisecond, time.Millisecond},
		{time.Hour, time.Hour},
	}
	for _, tt := range tests {
		if got := remaining(tt.pttl); got != tt.want {
			t.Errorf("remaining(%d) = %v, want %v", tt.pttl, got, tt.want)
		}
	}
}
