package perplexity

// flushMode is flush-to-zero and denormals-are-zero of MXCSR.
const flushMode = 1<<15 | 1<<6

// floatControl returns the thread's MXCSR.
func floatControl() uint32

// setFloatControl sets it.
func setFloatControl(mode uint32)
