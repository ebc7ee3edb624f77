package configs

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Secret is a string that does not show itself: printed, logged or marshalled it is "[redacted]".
// string(s) is the value.
type Secret string

// String returns "[redacted]", or nothing for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// Format writes String whatever the verb: with String alone, a wrong verb such as %d would print
// the value.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue keeps the value out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the value out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Size is a number of bytes, written as "64MiB".
type Size int64

var units = []struct {
	name string
	size Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String returns the size in the largest unit that needs no fraction.
func (s Size) String() string {
	for _, u := range units {
		if s%u.size == 0 && s >= u.size {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Set and Type make a Size a flag (pflag.Value).
func (s *Size) Set(text string) (err error) {
	*s, err = parseSize(text)
	return err
}

// Type is what a flag's help calls a Size.
func (*Size) Type() string { return "size" }

var errSize = errors.New(`want a size such as 64MiB (B, KiB, MiB or GiB) or a number of bytes`)

func parseSize(text string) (Size, error) {
	unit := Size(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = strings.TrimSpace(number), u.size
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
		return 0, errSize
	}
	return Size(n) * unit, nil
}

// set parses text into a field of a Config. The error says what was wanted and not what was given,
// for that may be secret.
func set(field any, text string) (err error) {
	switch f := field.(type) {
	case *string:
		*f = text
	case *Secret:
		*f = Secret(text)
	case *Size:
		*f, err = assign(*f, errSize, text, parseSize)
	case *int:
		*f, err = assign(*f, errors.New("want a whole number"), text, strconv.Atoi)
	case *float64:
		*f, err = assign(*f, errors.New("want a number such as 0.25"), text, parseFloat)
	case *bool:
		*f, err = assign(*f, errors.New("want true or false"), text, strconv.ParseBool)
	case *time.Duration:
		*f, err = assign(*f, errors.New("want a duration such as 800ms, 2s or 24h"), text, time.ParseDuration)
	case *slog.Level:
		if f.UnmarshalText([]byte(text)) != nil {
			err = errors.New("want debug, info, warn or error")
		}
	default:
		panic(fmt.Sprintf("configs: no parser for %T", field)) // a type new to the table
	}
	return err
}

// assign returns what parse makes of text, or the old value and wanted.
func assign[T any](old T, wanted error, text string, parse func(string) (T, error)) (T, error) {
	value, err := parse(text)
	if err != nil {
		return old, wanted
	}
	return value, nil
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}

// show is the text that set would parse, redacted for secrets.
func show(field any) string {
	switch f := field.(type) {
	case *time.Duration:
		return showDuration(*f)
	case *string:
		return *f
	case *int:
		return strconv.Itoa(*f)
	case *float64:
		return strconv.FormatFloat(*f, 'g', -1, 64)
	case *bool:
		return strconv.FormatBool(*f)
	case *slog.Level:
		return strings.ToLower(f.String())
	case *[]string:
		return strings.Join(*f, ", ")
	case fmt.Stringer: // *Secret, *Size
		return f.String()
	}
	panic(fmt.Sprintf("configs: no text for %T", field))
}

// showDuration drops the zeros of "24h0m0s".
func showDuration(d time.Duration) string {
	text := d.String()
	if cut, ok := strings.CutSuffix(text, "m0s"); ok {
		text = cut + "m"
	}
	if cut, ok := strings.CutSuffix(text, "h0m"); ok {
		text = cut + "h"
	}
	return text
}
