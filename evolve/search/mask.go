package search

import "fmt"

// A Mask has one keep-bit per unit of a template: true keeps the unit.
type Mask []bool

// FullMask keeps all n units.
func FullMask(n int) Mask {
	m := make(Mask, n)
	for i := range m {
		m[i] = true
	}
	return m
}

// Kept returns the number of kept units.
func (m Mask) Kept() int {
	n := 0
	for _, keep := range m {
		if keep {
			n++
		}
	}
	return n
}

// Flip returns a copy of m with the bits at the given positions turned over.
func (m Mask) Flip(positions ...int) Mask {
	out := append(Mask(nil), m...)
	for _, i := range positions {
		out[i] = !out[i]
	}
	return out
}

// String writes the mask as ones and zeros, first unit first.
func (m Mask) String() string {
	b := make([]byte, len(m))
	for i, keep := range m {
		b[i] = '0'
		if keep {
			b[i] = '1'
		}
	}
	return string(b)
}

// MarshalText is String: a mask in JSON stays readable.
func (m Mask) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Mask) UnmarshalText(text []byte) error {
	out := make(Mask, len(text))
	for i, c := range text {
		if c != '0' && c != '1' {
			return fmt.Errorf("mask: character %d is %q, want 0 or 1", i+1, c)
		}
		out[i] = c == '1'
	}
	*m = out
	return nil
}
