//go:build !race

package dialects_test

// madePerByte is how much memory may be made for a byte of a body and of what is held for it.
const madePerByte = 16
