//go:build !linux

package cores

// GiveWay does nothing here: the kernel offers no such choice.
func GiveWay() (undo func()) { return func() {} }
