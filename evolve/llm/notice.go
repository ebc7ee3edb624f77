package llm

import "sync"

// A Notice tells the user why a run waits, once for each reason, whichever of many requests found
// it out. It is safe for concurrent use; the zero value tells nobody.
type Notice struct {
	// Tell is called one call at a time, with "" when things move again. It is set before first
	// use.
	Tell func(reason string)

	mu   sync.Mutex
	told string
}

// Set takes in the reason of the moment, "" for none.
func (n *Notice) Set(reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Tell != nil && n.told != reason {
		n.told = reason
		n.Tell(reason)
	}
}
