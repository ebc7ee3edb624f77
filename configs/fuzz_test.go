package configs

import (
	"strings"
	"testing"
)

// FuzzLoad: no file and no environment makes Load or Validate panic, and every error has a place.
func FuzzLoad(f *testing.F) {
	f.Add("server:\n  listen: x\n", "PITH_RATE=0.5")
	f.Add("a: &a [*a, {b: !!binary x}]\n--- |\n  x\n", "PITH_CACHE_TTL=1h\nPITH_")
	f.Add("? x\n: - y\n<<: *z\n", "=\n\x00")
	f.Add("upstreams:\n  - {models: [a, [b]], key_env: X}\nkeys: [{name: a}, 3]\n", "")
	f.Fuzz(func(t *testing.T, yaml, environ string) {
		c := Default()
		errs := append(c.loadYAML("f.yaml", []byte(yaml), nil), c.loadEnv(strings.Split(environ, "\n"))...)
		for _, err := range errs {
			if !strings.HasPrefix(err.Error(), "f.yaml:") && !strings.HasPrefix(err.Error(), "PITH_") {
				t.Errorf("an error without its place: %v", err)
			}
		}
		if err := c.Validate(); err != nil && err.Error() == "" {
			t.Error("an empty complaint")
		}
		c.Keys()
	})
}

// FuzzValues: what show prints, set reads back.
func FuzzValues(f *testing.F) {
	f.Add("64MiB")
	f.Add("1h30m")
	f.Add("0.25")
	f.Fuzz(func(t *testing.T, text string) {
		c := Default()
		for _, b := range c.bindings() {
			if _, secret := b.field.(*Secret); secret || set(b.field, text) != nil {
				continue
			}
			shown := show(b.field)
			if err := set(b.field, shown); err != nil || show(b.field) != shown {
				t.Errorf("%s: %q shows as %q and reads back as %q, %v", b.path, text, shown, show(b.field), err)
			}
		}
	})
}
