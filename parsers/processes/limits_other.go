//go:build !linux

package processes

import (
	"os/exec"
	"time"
)

// Elsewhere than on Linux a parse process has no limits of its own: the parent's deadline and the
// caps on size hold.

func limitMemory() error { return nil }

func limitProcessor(time.Duration) error { return nil }

func goFirst() {}

func watchProcessor() {}

func isolate(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
