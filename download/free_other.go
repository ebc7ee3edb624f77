//go:build !(linux || darwin)

package download

// Free returns the bytes that may still be written beside path, and whether the system tells. Here
// it does not.
func Free(string) (bytes int64, known bool) { return 0, false }
