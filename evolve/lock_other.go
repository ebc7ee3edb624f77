//go:build !unix

package evolve

import "os"

// lock does nothing where the system has no advisory locks: two runs in one directory are then the
// user's to avoid.
func lock(*os.File) error { return nil }
