// Package panics makes panics errors that may be logged.
package panics

import (
	"errors"
	"fmt"
	"runtime"
)

// Err is what an error that was a panic wraps.
var Err = errors.New("panic")

// Guard calls f. A panic in it becomes an error that wraps Err.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %s", Err, Text(v))
		}
	}()
	return f()
}

// Text describes the value of a panic: the runtime's own words, or else only the value's type, as
// any other value may quote a prompt.
func Text(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}
