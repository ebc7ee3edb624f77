package accounting

import (
	"bytes"
	"cmp"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/tidwall/gjson"

	"pith/internal/panics"
)

// A calibrator learns how many tokens a provider sees where our counter sees one. It counts a
// sample of the requests, beside their way and never more than one at a time, and compares with
// what the provider reports for them.
type calibrator struct {
	count  func(model, text string) (tokens int, exact bool)
	every  time.Duration
	ratios *lru.Cache[string, *ratio]

	// counting is held while a request is counted.
	counting sync.Mutex

	mu   sync.Mutex
	last time.Time
}

const (
	// calibratedModels bounds the ratios: names of models come from clients.
	calibratedModels = 256
	// maxCounted is the longest request that is counted, in bytes, for about 30 ms of a core.
	maxCounted = 256 << 10
	// minCounted is the fewest tokens that tell something: below, what a provider writes around
	// each message weighs too much.
	minCounted = 1000
	// minSamples come before a ratio is used.
	minSamples = 5
	// A sample farther off than this is of something that was not text.
	minRatio, maxRatio = 0.5, 2
	// fading is the weight that older samples keep with each new one.
	fading = 0.98
)

func newCalibrator(o Options) (*calibrator, error) {
	ratios, err := lru.New[string, *ratio](calibratedModels)
	return &calibrator{count: o.Count, every: cmp.Or(o.CalibrateEvery, time.Second), ratios: ratios}, err
}

// A sample is one request's count beside the provider's. The two come in either order.
type sample struct {
	mu                sync.Mutex
	counted, reported int64
	ratio             *ratio
}

// begin starts to count a request's body where it is its turn, or returns nil.
func (c *calibrator) begin(model string, body []byte) *sample {
	if c.count == nil || len(model) > maxModelName || len(body) > maxCounted || !c.due() || !onlyText(body) {
		return nil
	}
	if !c.counting.TryLock() {
		return nil
	}
	s := &sample{ratio: c.of(model)}
	go func() {
		defer c.counting.Unlock()
		_ = panics.Guard(func() error { // a counter that panics costs its sample
			n, _ := c.count(model, requestTexts(body))
			s.set(&s.counted, int64(n))
			return nil
		})
	}()
	return s
}

// due lets one request through in each interval.
func (c *calibrator) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.last) < c.every {
		return false
	}
	c.last = now
	return true
}

func (c *calibrator) of(model string) *ratio {
	if r, ok := c.ratios.Get(model); ok {
		return r
	}
	r := new(ratio)
	if old, ok, _ := c.ratios.PeekOrAdd(model, r); ok {
		return old
	}
	return r
}

// set puts one of the two figures in and passes the sample on with the second.
func (s *sample) set(figure *int64, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*figure = n
	if s.counted >= minCounted && s.reported > 0 {
		s.ratio.add(s.reported, s.counted)
	}
}

// A ratio is reported / counted tokens, over a fading sum.
type ratio struct {
	mu                sync.Mutex
	reported, counted float64
	samples           int
}

func (r *ratio) add(reported, counted int64) {
	if q := float64(reported) / float64(counted); q < minRatio || q > maxRatio {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reported = r.reported*fading + float64(reported)
	r.counted = r.counted*fading + float64(counted)
	r.samples++
}

// value returns 1 and false until there are enough samples.
func (r *ratio) value() (float64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.samples < minSamples {
		return 1, false
	}
	return r.reported / r.counted, true
}

// otherContent are the marks of what is not text, and of what the request does not hold itself.
var otherContent = [...]string{
	"base64", "image_url", "file_id", "input_file", "previous_response_id", `"conversation"`,
}

// onlyText reports that a request holds all that the provider will count, and nothing that is
// counted otherwise than as text. The marks also occur in texts; that costs a sample and nothing
// else.
func onlyText(body []byte) bool {
	for _, mark := range otherContent {
		if bytes.Contains(body, []byte(mark)) {
			return false
		}
	}
	return true
}

// requestTexts collects the names and strings of a request's JSON. A provider counts fewer of the
// names, so that the ratio, and with it what compression is said to have saved, comes out rather
// too small.
func requestTexts(body []byte) string {
	var b bytes.Buffer
	collectTexts(&b, gjson.ParseBytes(body), 0)
	return b.String()
}

// maxTextDepth is deeper than texts and schemas lie.
const maxTextDepth = 64

func collectTexts(b *bytes.Buffer, v gjson.Result, depth int) {
	switch {
	case v.Type == gjson.String:
		b.WriteString(v.Str)
		b.WriteByte('\n')
	case v.IsObject() || v.IsArray():
		if depth == maxTextDepth {
			return
		}
		v.ForEach(func(key, value gjson.Result) bool {
			b.WriteString(key.Str)
			b.WriteByte(' ')
			collectTexts(b, value, depth+1)
			return true
		})
	}
}
