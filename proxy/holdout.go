package proxy

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
)

// An arm is the group of a request in the comparison of compressed and uncompressed traffic.
type arm string

const (
	armTreated arm = "treated"
	armHoldout arm = "holdout"
)

// heldOut decides whether a conversation passes uncompressed. The decision falls with the tenant and the first thing the user
// said, and with nothing else: so all turns of a conversation are in one arm, on every replica, and the provider's prompt cache
// keeps hitting. A larger share keeps those in that a smaller one had.
func heldOut(share float64, tenant string, body []byte, c conversation) bool {
	if share <= 0 {
		return false
	}
	h := sha256.New()
	said := false
	for _, m := range c.messages {
		if m.role != roleUser {
			continue
		}
		_, _ = io.WriteString(h, tenant+"\x00") // a hash takes everything
		for _, p := range m.parts {
			if p.kind == partText || p.kind == partPrompt {
				said = true
				_, _ = io.WriteString(h, readText(body, p.start, p.end).all)
			}
		}
		break
	}
	return said && float64(binary.BigEndian.Uint64(h.Sum(nil))) < share*math.MaxUint64
}
