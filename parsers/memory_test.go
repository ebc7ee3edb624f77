package parsers_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pith/parsers/processes"
)

// parses is how many times TestWorkerMemory parses; PITH_PARSES asks for more.
const parses = 1_500

// TestWorkerMemory parses all samples over and over in one worker: what it holds must not grow with
// the number of parses. A tree that is not closed would cost about 20 bytes per byte of source, 60
// KB for each parse here.
func TestWorkerMemory(t *testing.T) {
	n := parses
	if more := os.Getenv("PITH_PARSES"); more != "" {
		var err error
		if n, err = strconv.Atoi(more); err != nil {
			t.Fatal(err)
		}
	}
	p := newPool(t, processes.Options{Workers: 1})
	type sample struct {
		path string
		src  []byte
	}
	var samples []sample
	for _, path := range glob(t, "testdata/sample*") {
		samples = append(samples, sample{path, readFile(t, path)})
	}
	run := func(count int) {
		for i := range count {
			s := samples[i%len(samples)]
			if _, err := p.Parse(t.Context(), s.path, s.src); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(n / 4) // grammars are loaded and the heap has its size
	pid := children(t)[0].Pid
	before := resident(t, pid)
	run(n)
	after := resident(t, pid)
	t.Logf("%d parses: worker %d KiB before, %d KiB after; %+v", n, before, after, p.Stats())
	if after > before+32<<10 {
		t.Errorf("worker grew from %d to %d KiB in %d parses", before, after, n)
	}
}

// resident is the memory of a process in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status := readFile(t, filepath.Join("/proc", strconv.Itoa(pid), "status"))
	_, rest, found := bytes.Cut(status, []byte("VmRSS:"))
	var kib int
	if _, err := fmt.Sscan(string(rest), &kib); !found || err != nil {
		t.Fatalf("no VmRSS in the status of process %d", pid)
	}
	return kib
}
