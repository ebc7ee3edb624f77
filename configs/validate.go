package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// minSecret is the shortest secret in bytes: 128 bits of a random one.
const minSecret = 16

// Validate reports all that is wrong at once, each with the key that mends it and the place where
// it, or what asks for it, was given: the file and line, the variable or the flag. It does not look
// at files, addresses or servers.
func (c Config) Validate() error {
	k := checks{places: c.places}
	k.address("server.listen", c.Server.Listen)
	k.upstream("server.upstream", c.Server.Upstream)
	k.oneOf("server.websocket", c.Server.WebSocket, "off", "responses", "any")
	k.that(c.Server.MaxBodyBytes > 0, "server.max_body_bytes", "must be positive")
	k.that(c.Server.DrainNotice >= 0, "server.drain_notice", "must not be negative")
	k.that(c.Server.DrainTimeout >= 0, "server.drain_timeout", "must not be negative")
	k.compress(c.Compress)

	index, isCUDA := strings.CutPrefix(c.Model.Device, "cuda:")
	if n, err := strconv.Atoi(index); !isCUDA || err != nil || n < 0 {
		k.oneOf("model.device", c.Model.Device, "auto", "cpu", "cuda", "cuda:0")
	}
	k.that(c.Model.Threads >= 0, "model.threads", "must not be negative")

	k.that(c.Model.StateBytes >= 0, "model.state_bytes", "must not be negative")

	k.scorer(c)

	k.that(c.Parsers.Workers > 0, "parsers.workers", "must be positive")
	k.that(c.Parsers.Timeout > 0, "parsers.timeout", "must be positive")
	k.that(c.Parsers.MaxBytes > 0, "parsers.max_bytes", "must be positive")

	k.cache(c.Cache)
	k.retrieval(c.Retrieval, c.Cache)
	k.that(c.Accounting.Holdout >= 0 && c.Accounting.Holdout <= 1, "accounting.holdout", "must be in [0, 1]")
	if c.Tracing.Endpoint != "" {
		u, err := url.Parse(c.Tracing.Endpoint)
		k.that(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil,
			"tracing.endpoint",
			"is not a URL: want one such as http://127.0.0.1:4318, and headers in OTEL_EXPORTER_OTLP_HEADERS")
	}
	k.that(c.Dashboard.Keep >= 0, "dashboard.keep", "must not be negative")
	k.that(c.Workspace.Root == "" || len(c.VirtualKeys) > 0 || isLoopback(c.Server.Listen), "workspace.root",
		"needs keys, as server.listen is open to others: add one with `pith key new`")
	k.gateway(c)
	k.oneOf("log.format", c.Log.Format, "text", "json")
	if c.Admin.Listen != "" {
		k.address("admin.listen", c.Admin.Listen)
		k.that(c.Admin.Listen != c.Server.Listen, "admin.listen", "must differ from server.listen")
		k.that(c.Admin.Token != "", "admin.token", "is needed with admin.listen (PITH_ADMIN_TOKEN)", "admin.listen")
	}
	return errors.Join(k.errs...)
}

// checks collects what is wrong.
type checks struct {
	places map[string]string
	// entry is the path of the entry of a list that is looked at, "keys[0].", and name what
	// complaints call it; else both are empty.
	entry, name string
	errs        []error
}

// that complains unless ok. Where key was not given, the first of because that was is the place.
func (k *checks) that(ok bool, key, complaint string, because ...string) {
	if ok {
		return
	}
	place := k.places[k.entry+key]
	for _, other := range append(because, "") { // the entry itself comes last
		if place == "" {
			place = k.places[k.entry+other]
		}
	}
	if place != "" {
		place += ": "
	}
	k.errs = append(k.errs, fmt.Errorf("%s%s%s %s", place, k.name, key, complaint))
}

// in makes further checks those of an entry of a list, called name.
func (k *checks) in(list string, index int, name string) {
	k.entry, k.name = fmt.Sprintf("%s[%d].", list, index), name
}

func (k *checks) scorer(c Config) {
	s := c.Scorer
	k.oneOf("scorer.protocol", s.Protocol, "kserve", "openai")
	k.that(s.Timeout > 0, "scorer.timeout", "must be positive")
	k.that(c.Compress.Deadline == 0 || s.Timeout <= c.Compress.Deadline || s.URL == "", "scorer.timeout",
		"must not be longer than compress.deadline, which would end the wait first", "compress.deadline", "scorer.url")
	k.that(s.Requests > 0, "scorer.requests", "must be positive")
	if s.URL == "" {
		return
	}
	k.upstream("scorer.url", s.URL)
	k.that(s.Model != "", "scorer.model", "is needed with scorer.url", "scorer.url")
}

func (k *checks) compress(c Compress) {
	k.oneOf("compress.mode", c.Mode, "off", "auto", "force")
	k.that(c.Coverage > 0 && c.Coverage <= 1, "compress.coverage", "must be in (0, 1]")
	k.that(c.Rate >= 0 && c.Rate <= 1, "compress.rate", "must be in (0, 1], or 0 for compress.coverage to decide")
	k.oneOf("compress.ranker", c.Ranker, "auto", "ami", "bm25", "words", "hybrid")
	k.oneOf("compress.speed", c.Speed, "exact", "balanced", "fast")
	k.that(c.Deadline >= 0, "compress.deadline", "must not be negative")
	k.that(c.Timeout > 0, "compress.timeout", "must be positive")
	k.that(c.Deadline <= c.Timeout, "compress.deadline",
		"must not be longer than compress.timeout, past which the result is of no use", "compress.timeout")
	k.that(c.MinBytes >= 0, "compress.min_bytes", "must not be negative")
	k.that(c.FineRatio > 0 && c.FineRatio <= 1, "compress.fine_ratio", "must be in (0, 1]")
	k.that(c.Beta >= 0 && c.Beta <= 1, "compress.beta", "must be in [0, 1]")
	k.oneOf("compress.compat", c.Compat, "", "longcodezip")
}

func (k *checks) cache(c Cache) {
	k.that(c.MemoryBytes >= 0, "cache.memory_bytes", "must not be negative")
	k.that(c.TTL >= 0, "cache.ttl", "must not be negative")
	k.that(c.Secret == "" || len(c.Secret) >= minSecret, "cache.secret", "must have 16 bytes or more")
	// Without one each process would draw its own, and none would find what another, or its own
	// last run, left in Redis.
	k.that(c.RedisURL == "" || c.Secret != "", "cache.secret",
		"is needed with cache.redis_url, the same for all replicas: set PITH_CACHE_SECRET to the output of `openssl "+
			"rand -hex 32`", "cache.redis_url")
}

func (k *checks) retrieval(r Retrieval, c Cache) {
	k.that(r.TTL > 0, "retrieval.ttl", "must be positive")
	k.that(r.MemoryBytes > 0, "retrieval.memory_bytes", "must be positive")
	k.that(!r.Tool || r.Enabled, "retrieval.tool", "needs retrieval.enabled")
	// Hashes are part of the prompt: another secret after a restart would change the bytes of old
	// turns.
	k.that(!r.Enabled || c.Secret != "", "cache.secret",
		"is needed with retrieval.enabled: set PITH_CACHE_SECRET to the output of `openssl rand -hex 32`",
		"retrieval.enabled")
}

// gateway checks who may come in and where requests go.
func (k *checks) gateway(c Config) {
	k.that((c.Server.TLSCert == "") == (c.Server.TLSKey == ""), "server.tls_key", "and server.tls_cert go together",
		"server.tls_cert")
	k.that(c.Limits.InFlightBytes > 0, "limits.in_flight_bytes", "must be positive")
	k.that(c.Limits.ResponseBytes >= 0, "limits.response_bytes", "must not be negative")
	k.that(c.Limits.Connections >= 0, "limits.connections", "must not be negative")
	k.that(c.Limits.Compressions > 0, "limits.compressions", "must be positive")
	k.that(c.Retry.Attempts >= 0 && c.Retry.Attempts <= 10, "retry.attempts", "must be between 0 and 10")
	k.that(c.Retry.MaxWait >= 0, "retry.max_wait", "must not be negative")
	k.that(c.Retry.Rest >= 0, "retry.rest", "must not be negative")
	k.upstreams(c)
	k.virtualKeys(c.VirtualKeys)
}

// isLoopback reports an address that only this machine reaches.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// upstreams also checks that only those can spend an upstream's key who have one of ours, or sit at
// this machine.
func (k *checks) upstreams(c Config) {
	closed := len(c.VirtualKeys) > 0 || isLoopback(c.Server.Listen)
	k.that(closed || c.Server.UpstreamKey == "", "server.upstream_key",
		"needs keys, as server.listen is open to others: add one with `pith key new`")
	names := make(map[string]bool)
	for i, u := range c.Upstreams {
		k.in("upstreams", i, "upstreams.")
		k.that(u.Name != "" && !names[u.Name], "name",
			fmt.Sprintf("is %q: want a name that no other entry has", u.Name))
		names[u.Name] = true
		k.in("upstreams", i, "upstreams "+u.Name+": ")
		k.upstream("url", u.URL)
		k.oneOf("auth", u.Auth, "", "bearer", "x-api-key", "api-key")
		k.oneOf("websocket", u.WebSocket, "off", "responses", "any")
		k.that(closed || u.Key == "", "key",
			"needs keys, as server.listen is open to others: add one with `pith key new`")
		k.that(len(u.Models)+len(u.Paths) > 0, "url",
			"would get every request: give the entry models or paths, or make it server.upstream")
		for _, m := range u.Models {
			_, err := path.Match(m, "")
			k.that(m != "" && err == nil, "models", fmt.Sprintf("has %q: want a name, or one with * and ?", m))
		}
		for _, p := range u.Paths {
			k.that(strings.HasPrefix(p, "/"), "paths", fmt.Sprintf("has %q: want one that begins with /", p))
		}
	}
	k.entry, k.name = "", ""
}

func (k *checks) virtualKeys(keys []VirtualKey) {
	names := make(map[string]bool)
	for i, v := range keys {
		k.in("keys", i, "keys.")
		k.that(v.Name != "" && !names[v.Name], "name",
			fmt.Sprintf("is %q: want a name that no other entry has", v.Name))
		names[v.Name] = true
		k.in("keys", i, "keys "+v.Name+": ")
		hash, ok := strings.CutPrefix(v.Hash, "sha256:")
		sum, err := hex.DecodeString(hash)
		k.that(ok && err == nil && len(sum) == sha256.Size, "hash",
			"is not what `pith key new` prints: want sha256: and 64 hex digits")
		k.that(v.RequestsPerMinute >= 0, "requests_per_minute", "must not be negative")
		k.that(v.TokensPerMinute >= 0, "tokens_per_minute", "must not be negative")
	}
	k.entry, k.name = "", ""
}

func (k *checks) oneOf(key, value string, allowed ...string) {
	var named []string
	for _, a := range allowed {
		if a == "" {
			a = "nothing"
		}
		named = append(named, a)
	}
	k.that(slices.Contains(allowed, value), key, fmt.Sprintf("is %q: want %s", value, strings.Join(named, ", ")))
}

func (k *checks) address(key, value string) {
	_, port, err := net.SplitHostPort(value)
	n, portErr := strconv.ParseUint(port, 10, 16)
	k.that(err == nil && portErr == nil && n <= 65535, key,
		fmt.Sprintf("is %q: want host:port, such as 127.0.0.1:8484", value))
}

// upstream does not quote the URL, for it may hold a password.
func (k *checks) upstream(key, value string) {
	u, err := url.Parse(value)
	ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	k.that(ok, key, "is not a base URL: want one such as https://api.openai.com")
	if ok {
		k.that(u.User == nil, key, "must not hold credentials: clients send their own")
		k.that(u.RawQuery == "" && u.Fragment == "", key, "must not have a query or a fragment")
	}
}
