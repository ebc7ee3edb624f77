package cache_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a store or a connection outlives its test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
