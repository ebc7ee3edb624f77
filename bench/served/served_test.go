package served_test

import (
	"strings"
	"testing"

	"pith/bench/served"
)

const serves = `echo 'time=now msg=serving addr=127.0.0.1:4321' >&2; `

func TestStart(t *testing.T) {
	for _, row := range []struct{ name, script, fails, ends string }{
		{"it serves and drains", `trap 'exit 0' TERM; ` + serves + `while :; do sleep 0.01; done`, "", ""},
		{"it ends badly", `trap 'exit 3' TERM; ` + serves + `while :; do sleep 0.01; done`, "", "status 3"},
		{"it does not come up", `echo 'no such file' >&2; exit 1`, "no such file", ""},
	} {
		p, err := served.Start(t.Context(), "sh", []string{"-c", row.script}, nil)
		if row.fails != "" {
			if err == nil || !strings.Contains(err.Error(), row.fails) {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if p.URL != "http://127.0.0.1:4321" {
			t.Errorf("%s: it serves at %s", row.name, p.URL)
		}
		err = p.Terminate()
		if row.ends == "" && err != nil || row.ends != "" && (err == nil || !strings.Contains(err.Error(), row.ends)) {
			t.Errorf("%s: Terminate: %v, want %q", row.name, err, row.ends)
		}
		p.Kill() // nothing is left of it
	}
	if _, err := served.Start(t.Context(), "/no/such/program", nil, nil); err == nil {
		t.Error("a program that is not there was started")
	}
}
