//go:build !amd64 && !arm64

package perplexity

const flushMode = 0

func floatControl() uint32 { return 0 }

func setFloatControl(uint32) {}
