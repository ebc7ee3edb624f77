package perplexity

// flushDenormals has the calling thread, to which its goroutine must be locked, take floats of less
// than 1e-38 for zero until the returned function is called. Softmax over a long text is full of
// them, and an Intel core takes a hundred cycles for each: three quarters of the time of attention
// over 256 tokens. (The runtime has an option for it, session.set_denormal_as_zero, but that sets
// the runtime's own threads and the one that opened the first session; runs of one thread are on
// the caller's.)
func flushDenormals() (restore func()) {
	mode := floatControl()
	setFloatControl(mode | flushMode)
	return func() { setFloatControl(mode) }
}
