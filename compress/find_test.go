package compress

import (
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	const src = `import os


class Pool:
    size = 1

    def get(self):
        return 1

    def put(self, x):
        self.x = x


def get():
    return 2


def last():
    return 3
`
	// The blank lines behind a declaration are part of it, as chunks tile the file.
	tests := []struct {
		name string
		want [][2]int
	}{
		{"Pool", [][2]int{{4, 13}}},
		{"Pool.put", [][2]int{{10, 13}}},
		{"put", [][2]int{{10, 13}}},
		{"get", [][2]int{{14, 17}}}, // the function's own name before the method's last part
		{"last", [][2]int{{18, 19}}},
		{"nobody", nil},
		{"", nil},
	}
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	for _, tt := range tests {
		got, err := e.Find(t.Context(), File{Path: "pool.py", Content: src}, tt.name)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}
