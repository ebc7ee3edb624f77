package proxy_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every test leaves no goroutine behind. Those of a connection through toxiproxy are not ours: it
// forgets the toxic, and with it who reads for it, where a connection ends while a toxic is being
// added or where its other end stopped reading.
func TestMain(m *testing.M) {
	const toxiproxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction(toxiproxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).write"))
}
