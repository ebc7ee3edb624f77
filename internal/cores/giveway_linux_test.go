package cores_test

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pith/internal/cores"
)

// Heavy work and what it starts have longer slices than the rest, no other priority, and only until
// they end.
func TestGiveWay(t *testing.T) {
	before := attributes(t, 0)
	undo := cores.GiveWay()
	during, child := attributes(t, 0), exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	started := attributes(t, child.Process.Pid)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	undo()
	undo() // a second time is none
	after := attributes(t, 0)
	if during.Nice != before.Nice || during.Policy != before.Policy || after != before {
		t.Errorf("before %+v, during %+v, after %+v", before, during, after)
	}
	if started.Runtime != during.Runtime {
		t.Errorf("a process started with slices of %d ns, and not of %d", started.Runtime, during.Runtime)
	}
	if before.Runtime != 0 && during.Runtime <= before.Runtime {
		t.Errorf("slices of %d ns where others have %d, on Linux %s", during.Runtime, before.Runtime, release(t))
	}
}

// attributes are what the kernel says of a process; a kernel without slices says 0 for them.
func attributes(t *testing.T, process int) unix.SchedAttr {
	t.Helper()
	a, err := unix.SchedGetAttr(process, 0)
	if err != nil {
		t.Fatal(err)
	}
	return *a
}

func release(t *testing.T) string {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(name.Release[:]), "\x00")
}
