package perplexity

import (
	"sync/atomic"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// A timedSession sums up the processor time of a session's runs. A run has one thread, which is the
// caller's (newSession says so), so that the thread's clock before and after is all of it.
type timedSession struct {
	session
	spent atomic.Int64 // nanoseconds
}

func (s *timedSession) RunWithOptions(inputs, outputs []ort.Value, opts *ort.RunOptions) error {
	stop := threadClock()
	defer func() { s.spent.Add(int64(stop())) }()
	defer flushDenormals()()
	return s.session.RunWithOptions(inputs, outputs, opts)
}

// RuntimeTime returns the processor time that the model's runs have spent inside ONNX Runtime;
// where the system does not tell, their time on the clock.
func (m *Model) RuntimeTime() time.Duration {
	if s, ok := m.engine.session.(*timedSession); ok {
		return time.Duration(s.spent.Load())
	}
	return 0
}
