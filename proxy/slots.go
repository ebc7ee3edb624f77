package proxy

// slots admits a bounded number of requests and turns the next one away.
type slots struct{ free chan struct{} }

func newSlots(n int) slots { return slots{free: make(chan struct{}, n)} }

// take returns the function that gives the slot back.
func (s slots) take() (release func(), ok bool) {
	select {
	case s.free <- struct{}{}:
		return func() { <-s.free }, true
	default:
		return nil, false
	}
}
