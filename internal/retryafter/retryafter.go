// Package retryafter reads the header Retry-After (RFC 9110, section 10.2.3).
package retryafter

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Parse returns how long after now a server wants to be asked again: value is a number of seconds,
// which may be broken, or a date. A wait that is over is zero; ok is false where value is neither.
func Parse(value string, now time.Time) (wait time.Duration, ok bool) {
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 0 && !math.IsInf(n, 0) {
		return time.Duration(min(n, 1e6) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}
