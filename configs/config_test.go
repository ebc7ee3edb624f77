package configs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pith/configs"
)

func TestDefaultIsValid(t *testing.T) {
	if err := configs.Default().Validate(); err != nil {
		t.Error(err)
	}
	c, err := configs.Load("", nil)
	if err != nil || !reflect.DeepEqual(c, configs.Default()) {
		t.Errorf("Load of nothing = %+v, %v", c, err)
	}
}

// load writes text as a file and loads it.
func load(t testing.TB, text string, environ ...string) (configs.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pith.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return configs.Load(path, environ)
}

func TestFileThenEnvironment(t *testing.T) {
	c, err := load(t, `
# a comment
server:
  listen: ":1"     # overridden
  upstream: http://from-file
  max_body_bytes: 1MiB
compress: {mode: force, rate: 0.5, deadline: 800ms, min_bytes: 4096}
model:
  threads: 3
parsers:
  in_process: true
cache:
  ttl: 48h
log:
  level: debug
`, "PITH_LISTEN=:2", "PITH_RATE=0.1", "PITH_UPSTREAM=", "PITH_SERVICE_HOST=10.0.0.1", "HOME=/home/me",
		"PITH_CACHE_BYTES=1GiB")
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Default()
	want.Server.Listen = ":2"
	want.Server.Upstream = "http://from-file"
	want.Server.MaxBodyBytes = 1 << 20
	want.Compress.Mode = "force"
	want.Compress.Rate = 0.1
	want.Compress.Deadline = 800 * time.Millisecond
	want.Compress.MinBytes = 4096
	want.Model.Threads = 3
	want.Parsers.InProcess = true
	want.Cache.TTL = 48 * time.Hour
	want.Cache.MemoryBytes = 1 << 30
	want.Log.Level = slog.LevelDebug
	if !reflect.DeepEqual(c.Keys(), want.Keys()) {
		t.Errorf("Load = %+v\nwant   %+v", c, want)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"unknown key", "server:\n  listn: x\n", "pith.yaml:2: unknown key server.listn (did you mean server.listen?)"},
		{"unknown section", "\nsever:\n  listen: x\n", "pith.yaml:2: unknown section sever (did you mean server?)"},
		{
			"key in another section", "server:\n  redis_url: x\n",
			"pith.yaml:2: unknown key server.redis_url (did you mean cache.redis_url?)",
		},
		{
			"nothing near", "server:\n  zzzzzzzzzzzzzzzzzzzzzzzzzzz: x\n",
			"pith.yaml:2: unknown key server.zzzzzzzzzzzzzzzzzzzzzzzzzzz",
		},
		{"key without a section", "listen: x\n", "pith.yaml:1: unknown section listen"},
		{"duration", "cache:\n  ttl: 5\n", "pith.yaml:2: cache.ttl: want a duration such as 800ms, 2s or 24h"},
		{"size", "cache:\n  memory_bytes: 64MB\n", "pith.yaml:2: cache.memory_bytes: want a size such as 64MiB"},
		{"huge size", "cache:\n  memory_bytes: 9999999999GiB\n", "pith.yaml:2: cache.memory_bytes: want a size"},
		{"number", "compress:\n  rate: half\n", "pith.yaml:2: compress.rate: want a number such as 0.25"},
		{"not a number", "compress:\n  rate: .nan\n", "pith.yaml:2: compress.rate: want"},
		{"whole number", "model:\n  threads: 1.5\n", "pith.yaml:2: model.threads: want a whole number"},
		{"bool", "parsers:\n  in_process: maybe\n", "pith.yaml:2: parsers.in_process: want true or false"},
		{"level", "log:\n  level: loud\n", "pith.yaml:2: log.level: want debug, info, warn or error"},
		{"list", "server:\n  listen: [a, b]\n", "pith.yaml:2: server.listen: want one plain value"},
		{"no value", "server:\n  listen:\n", "pith.yaml:2: server.listen: want one plain value"},
		{"alias", "server:\n  listen: &a x\n  upstream: *a\n", "pith.yaml:3: an alias: write out"},
		{"section is a value", "server: 5\n", "pith.yaml:1: want keys of server"},
		{"top is a list", "- server\n", "pith.yaml:1: want sections such as server:"},
		{"given twice", "server:\n  listen: a\n  listen: b\n", "pith.yaml:3: "},
		{"section given twice", "server:\n  listen: a\nserver:\n  listen: b\n", "pith.yaml:3: "},
		{"a secret twice", "cache:\n  secret: a\n  secret_file: b\n", "pith.yaml:3: cache.secret is given twice"},
		{
			"not a secret", "server:\n  listen_file: a\n",
			"pith.yaml:2: unknown key server.listen_file: only secrets are read from files",
		},
		{"two documents", "server:\n  listen: a\n---\nserver:\n  listen: b\n", "a second document"},
		{
			"tabs", "server:\n\tlisten: 127.0.0.1:1\n",
			"pith.yaml:2: a tab before the first word: YAML wants spaces there",
		},
		{"not YAML", "server:\n\t- x: {\n", "pith.yaml:"},
	}
	for _, tt := range tests {
		_, err := load(t, tt.yaml)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Load = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := load(t, "server:\n  listn: x\ncompress:\n  rate: half\n", "PITH_CACHE_TTL=long")
	for _, want := range []string{"pith.yaml:2:", "pith.yaml:4:", "PITH_CACHE_TTL: want a duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load = %v, want also %s", err, want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := configs.Load("no-such-file.yaml", nil); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "no-such-file.yaml") {
		t.Errorf("Load = %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from the file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, "cache:\n  secret_file: "+file+"\n")
	if err != nil || string(c.Cache.Secret) != "from the file" {
		t.Errorf("secret_file: %v", err)
	}
	c, err = configs.Load("", []string{"PITH_ADMIN_TOKEN_FILE=" + file})
	if err != nil || string(c.Admin.Token) != "from the file" {
		t.Errorf("PITH_ADMIN_TOKEN_FILE: %v", err)
	}
	for _, environ := range [][]string{
		{"PITH_CACHE_SECRET_FILE=gone"},
		{"PITH_CACHE_SECRET=a", "PITH_CACHE_SECRET_FILE=" + file},
	} {
		if _, err := configs.Load("", environ); err == nil || !strings.Contains(err.Error(), "PITH_CACHE_SECRET_FILE") {
			t.Errorf("%q: Load = %v", environ, err)
		}
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	c, err := load(t, "cache:\n  secret: hunter2hunter2hunter2\n  redis_url: redis://:hunter2@h:1\n",
		"PITH_ADMIN_TOKEN=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, c)
		fmt.Fprintf(&out, verb, c.Cache.Secret)
		fmt.Fprintf(&out, verb, &c.Cache)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "config", c, "secret", c.Cache.Secret)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "config", c, "secret", c.Cache.Secret)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Error(err)
	}
	fmt.Fprint(&out, c.Keys(), c.Validate())
	for _, bad := range []string{
		"cache:\n  secret: hunter2\n bad", "cache:\n  secret: [hunter2]\n",
		"cache:\n  secret: 'hunter2\n", "cache:\n  secret: {hunter2\n",
	} {
		_, err := load(t, bad)
		if err == nil {
			t.Errorf("%q loads", bad)
		}
		fmt.Fprint(&out, err)
	}
	for _, shown := range []string{"hunter2", "68756e74657232", "104 117 110 116 101 114 50"} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("a secret shows as %q", shown)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		key   string
		spoil func(*configs.Config)
	}{
		{"server.listen", func(c *configs.Config) { c.Server.Listen = "localhost" }},
		{"server.listen", func(c *configs.Config) { c.Server.Listen = "localhost:99999" }},
		{"server.upstream", func(c *configs.Config) { c.Server.Upstream = "api.openai.com" }},
		{"server.upstream", func(c *configs.Config) { c.Server.Upstream = "ftp://api.openai.com" }},
		{"server.upstream", func(c *configs.Config) { c.Server.Upstream = "https://user:key@host" }},
		{"server.upstream", func(c *configs.Config) { c.Server.Upstream = "https://host/v1?key=1" }},
		{"server.max_body_bytes", func(c *configs.Config) { c.Server.MaxBodyBytes = 0 }},
		{"server.drain_timeout", func(c *configs.Config) { c.Server.DrainTimeout = -1 }},
		{"compress.mode", func(c *configs.Config) { c.Compress.Mode = "on" }},
		{"compress.rate", func(c *configs.Config) { c.Compress.Rate = -0.1 }},
		{"compress.coverage", func(c *configs.Config) { c.Compress.Coverage = 0 }},
		{"compress.rate", func(c *configs.Config) { c.Compress.Rate = 1.01 }},
		{"compress.ranker", func(c *configs.Config) { c.Compress.Ranker = "bm26" }},
		{"compress.deadline", func(c *configs.Config) { c.Compress.Deadline = -1 }},
		{"compress.deadline", func(c *configs.Config) { c.Compress.Deadline = c.Compress.Timeout + 1 }},
		{"compress.timeout", func(c *configs.Config) { c.Compress.Timeout = 0 }},
		{"compress.min_bytes", func(c *configs.Config) { c.Compress.MinBytes = -1 }},
		{"compress.fine_ratio", func(c *configs.Config) { c.Compress.FineRatio = 0 }},
		{"compress.beta", func(c *configs.Config) { c.Compress.Beta = -0.1 }},
		{"compress.compat", func(c *configs.Config) { c.Compress.Compat = "llmlingua" }},
		{"model.device", func(c *configs.Config) { c.Model.Device = "gpu" }},
		{"model.device", func(c *configs.Config) { c.Model.Device = "cuda:x" }},
		{"model.threads", func(c *configs.Config) { c.Model.Threads = -1 }},
		{"model.state_bytes", func(c *configs.Config) { c.Model.StateBytes = -1 }},
		{"parsers.workers", func(c *configs.Config) { c.Parsers.Workers = 0 }},
		{"parsers.timeout", func(c *configs.Config) { c.Parsers.Timeout = 0 }},
		{"parsers.max_bytes", func(c *configs.Config) { c.Parsers.MaxBytes = 0 }},
		{"cache.memory_bytes", func(c *configs.Config) { c.Cache.MemoryBytes = -1 }},
		{"cache.ttl", func(c *configs.Config) { c.Cache.TTL = -1 }},
		{"cache.secret", func(c *configs.Config) { c.Cache.Secret = "short" }},
		{"PITH_CACHE_SECRET", func(c *configs.Config) { c.Cache.RedisURL = "redis://h" }},
		{"server.tls_key", func(c *configs.Config) { c.Server.TLSCert = "cert.pem" }},
		{"server.websocket", func(c *configs.Config) { c.Server.WebSocket = "on" }},
		{
			"server.upstream_key",
			func(c *configs.Config) { c.Server.Listen, c.Server.UpstreamKey = "0.0.0.0:8484", "sk-1" },
		},
		{"limits.in_flight_bytes", func(c *configs.Config) { c.Limits.InFlightBytes = 0 }},
		{"limits.response_bytes", func(c *configs.Config) { c.Limits.ResponseBytes = -1 }},
		{"limits.connections", func(c *configs.Config) { c.Limits.Connections = -1 }},
		{"limits.compressions", func(c *configs.Config) { c.Limits.Compressions = 0 }},
		{"retry.attempts", func(c *configs.Config) { c.Retry.Attempts = 11 }},
		{"retry.max_wait", func(c *configs.Config) { c.Retry.MaxWait = -1 }},
		{"retry.rest", func(c *configs.Config) { c.Retry.Rest = -1 }},
		{"server.drain_notice", func(c *configs.Config) { c.Server.DrainNotice = -1 }},
		{"log.format", func(c *configs.Config) { c.Log.Format = "xml" }},
		{"accounting.holdout", func(c *configs.Config) { c.Accounting.Holdout = 1.5 }},
		{"tracing.endpoint", func(c *configs.Config) { c.Tracing.Endpoint = "127.0.0.1:4318" }},
		{"tracing.endpoint", func(c *configs.Config) { c.Tracing.Endpoint = "http://user:key@host:4318" }},
		{"admin.listen", func(c *configs.Config) { c.Admin.Listen, c.Admin.Token = "9484", "t" }},
		{"admin.listen", func(c *configs.Config) { c.Admin.Listen, c.Admin.Token = c.Server.Listen, "t" }},
		{"admin.token", func(c *configs.Config) { c.Admin.Listen = ":9484" }},
	}
	all := configs.Default()
	for _, tt := range tests {
		c := configs.Default()
		tt.spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tt.key) {
			t.Errorf("%s: Validate = %v", tt.key, err)
		}
		tt.spoil(&all)
	}
	err := all.Validate()
	for _, want := range []string{"server.listen", "compress.mode", "model.device", "cache.secret", "log.format"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate reports %v, want also %s", err, want)
		}
	}
	for _, device := range []string{"auto", "cpu", "cuda", "cuda:0", "cuda:7"} {
		c := configs.Default()
		c.Model.Device = device
		if err := c.Validate(); err != nil {
			t.Errorf("device %s: %v", device, err)
		}
	}
}

func TestReload(t *testing.T) {
	old := configs.Default()
	next, err := load(t, "server: {listen: ':1', upstream: http://b}\ncache: {secret: 0123456789abcdef}\ncompress: "+
		"{rate: 0.5}\n"+lists)
	if err != nil {
		t.Fatal(err)
	}
	merged, changed, waiting := old.Reload(next)
	if want := []string{"server.upstream", "compress.rate", "upstreams", "keys"}; !reflect.DeepEqual(changed, want) {
		t.Errorf("changed = %q, want %q", changed, want)
	}
	if want := []string{"server.listen", "cache.secret"}; !reflect.DeepEqual(waiting, want) {
		t.Errorf("waiting = %q, want %q", waiting, want)
	}
	if merged.Server.Listen != old.Server.Listen || merged.Cache.Secret != "" || merged.Server.Upstream != "http://b" ||
		len(merged.VirtualKeys) != 1 {
		t.Errorf("merged = %+v", merged)
	}
	if _, changed, waiting := old.Reload(configs.Default()); changed != nil || waiting != nil {
		t.Errorf("nothing changed, and Reload speaks of %q and %q", changed, waiting)
	}
}
