package proxy_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every test leaves no goroutine behind. Those in which toxiproxy runs a toxic are not ours: it
// forgets one where a connection ends while a toxic is being added to it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}
