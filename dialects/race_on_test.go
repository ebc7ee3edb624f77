//go:build race

package dialects_test

// madePerByte is how much memory may be made for a byte of a body and of what is held for it. The
// race detector empties pools at random (sync.Pool), so that what is made says nothing under it.
const madePerByte = 1 << 20
