package panics_test

import (
	"errors"
	"strings"
	"testing"

	"pith/internal/panics"
)

func TestGuard(t *testing.T) {
	own := errors.New("own")
	if err := panics.Guard(func() error { return own }); !errors.Is(err, own) || errors.Is(err, panics.Err) {
		t.Errorf("an error became %v", err)
	}
	if err := panics.Guard(
		func() error { panic("the prompt") },
	); !errors.Is(err, panics.Err) ||
		strings.Contains(err.Error(), "prompt") {
		t.Errorf("a panic became %v", err)
	}
	var none []int
	if err := panics.Guard(
		func() error { none[3] = 1; return nil },
	); !errors.Is(err, panics.Err) ||
		!strings.Contains(err.Error(), "out of range") {
		t.Errorf("a panic of the runtime became %v", err)
	}
}
