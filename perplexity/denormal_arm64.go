package perplexity

// flushMode is flush-to-zero of FPCR.
const flushMode = 1 << 24

// floatControl returns the thread's FPCR.
func floatControl() uint32

// setFloatControl sets it.
func setFloatControl(mode uint32)
