package cache_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a store or a connection outlives its test. What toxiproxy leaves of
// a connection that was cut while it copied is not ours.
func TestMain(m *testing.M) {
	const toxiproxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction(toxiproxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).write"))
}
