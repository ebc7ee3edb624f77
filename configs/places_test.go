package configs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pith/configs"
)

// A value out of range is named with the place where it was given, as an unknown key is.
func TestValuesOutOfRangeNameTheirPlace(t *testing.T) {
	tests := []struct {
		yaml, environ string
		want          string
	}{
		{"compress:\n  rate: 3\n", "", "pith.yaml:2: compress.rate must be in (0, 1]"},
		{"server:\n  # here\n  upstream: api.openai.com\n", "", "pith.yaml:3: server.upstream is not a base URL"},
		{"server:\n  listen: localhost\n", "", "pith.yaml:2: server.listen is"},
		{"server:\n  listen: localhost\n", "PITH_LISTEN=here", "PITH_LISTEN: server.listen is"},
		{"", "PITH_RATE=3", "PITH_RATE: compress.rate must be"},
		{"", "PITH_CACHE_SECRET=short", "PITH_CACHE_SECRET: cache.secret must"},
		{"compress:\n  timeout: 100ms\n", "", "pith.yaml:2: compress.deadline must not be longer"},
		{"admin:\n  listen: :9484\n", "", "pith.yaml:2: admin.token is needed"},
		{"", "PITH_RETRIEVAL=true", "PITH_RETRIEVAL: cache.secret is needed"},
		{strings.Replace(lists, "sha256:01", "01", 1), "", "pith.yaml:7: keys alice: hash is not"},
		{strings.Replace(lists, "https://", "", 1), "", "pith.yaml:3: upstreams a: url is not"},
		{strings.Replace(lists, "name: alice", "tokens_per_minute: 1", 1), "", "pith.yaml:6: keys.name is"},
	}
	for _, tt := range tests {
		c, err := load(t, tt.yaml, tt.environ)
		if err == nil {
			err = c.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q, %q: %v, want %s", tt.yaml, tt.environ, err, tt.want)
		}
	}
	c, err := load(t, "server:\n  listen: localhost\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("server.listen", "nowhere", "--listen"); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "--listen: server.listen") ||
		c.Place("server.listen") != "--listen" {
		t.Errorf("a flag: %v", err)
	}
	if err := c.Set("compress.rate", "half", "--rate"); err == nil ||
		!strings.Contains(err.Error(), "--rate: want a number") {
		t.Errorf("Set = %v", err)
	}
	if err := c.Set("compress.ratio", "1", "--ratio"); err == nil {
		t.Error("a setting that there is not is set")
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	got := configs.Unknown([]string{
		"PITH_RAT=0.5", "PITH_RATE=0.5", "PITH_CACHE_SECRET_FILE=x", "PITH_RATE_FILE=x", "PITH_EVOLVE_KEY=x",
		"HOME=/", "PITHY=1", "PITH_SERVICE_HOST=10.0.0.1", "PITH_PORT=tcp://10.0.0.1:80",
		"PITH_PORT_80_TCP_ADDR=10.0.0.1", "PITH_REDIS=x",
	})
	want := []string{
		"the variable PITH_RAT is no setting (did you mean PITH_RATE?)",
		"the variable PITH_RATE_FILE is no setting (did you mean PITH_RATE?)",
		"the variable PITH_REDIS is no setting (did you mean PITH_REDIS_URL?)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Unknown = %q, want %q", got, want)
	}
}

// What a person loads is a regular file of bounded size and depth: a pipe would hold a reload up
// for ever.
func TestFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := configs.Load(pipe, nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := configs.LoadPrices(pipe); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe of prices: %v", err)
	}
	if _, err := configs.Load("", []string{"PITH_CACHE_SECRET_FILE=" + pipe}); err == nil ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a secret in a pipe: %v", err)
	}
	for _, text := range []string{
		strings.Repeat("[", 200_000), "server: " + strings.Repeat("{a: ", 100),
		strings.Repeat("#", 2<<20),
	} {
		if _, err := load(t, text); err == nil {
			t.Errorf("%.10s loads", text)
		}
	}
}
