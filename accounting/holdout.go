package accounting

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// An arm is the group of a request in the comparison of compressed and uncompressed traffic.
type arm string

const (
	armTreated arm = "treated"
	armHoldout arm = "holdout"
)

// HeldOut decides whether a tenant's conversation passes uncompressed. The decision falls with the
// tenant and with opening, the first thing the user said, and with nothing else: so all turns of a
// conversation are in one arm, on every replica, and the provider's prompt cache keeps hitting. A
// larger share keeps those in that a smaller one had.
func (b *Books) HeldOut(tenant, opening string) bool {
	if b.holdout <= 0 {
		return false
	}
	h := sha256.Sum256([]byte(tenant + "\x00" + opening))
	return float64(binary.BigEndian.Uint64(h[:])) < b.holdout*math.MaxUint64
}
