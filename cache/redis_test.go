package cache_test

import (
	"strings"
	"testing"
	"time"

	"pith/cache"
)

const source = "func (s *Server) Serve(l net.Listener) error {\n\treturn s.serve(l) // canary\n}\n"

// What lies in Redis under a secret shows neither text nor key, compressed or not.
func TestEncryptedValuesShowNothing(t *testing.T) {
	s := startServer(t)
	r := open(t, s.addr, cache.RedisOptions{Secret: []byte("a secret")})
	r.Add(t.Context(), "key of canary", []byte(source), time.Hour)
	r.Add(t.Context(), "key of canary, long", []byte(strings.Repeat(source, 100)), time.Hour)
	all := s.dump(t)
	if len(all) != 2 {
		t.Fatalf("Redis holds %d keys, want 2", len(all))
	}
	for name, value := range all {
		for _, part := range []string{"canary", "Serve", "return"} {
			if strings.Contains(name+value, part) {
				t.Errorf("%q shows in Redis", part)
			}
		}
	}
}

// Replicas share values; a replica with another secret, or with none, finds nothing and disturbs
// nobody.
func TestReplicas(t *testing.T) {
	s := startServer(t)
	secrets := []string{"", "one", "two"}
	for _, secret := range secrets {
		r := open(t, s.addr, cache.RedisOptions{Secret: []byte(secret)})
		if now := r.Add(t.Context(), "key", []byte("of "+secret), time.Hour); string(now) != "of "+secret {
			t.Errorf("secret %q: Add = %q", secret, now)
		}
	}
	for _, secret := range secrets {
		replica := open(t, s.addr, cache.RedisOptions{Secret: []byte(secret)})
		if got, ok := replica.Get(t.Context(), "key"); !ok || string(got) != "of "+secret {
			t.Errorf("secret %q: Get = %q, %t", secret, got, ok)
		}
	}
}

// No damage to a byte in Redis yields a value that was not added, and the next Add mends it.
func TestDamagedValuesAreMisses(t *testing.T) {
	for name, secret := range map[string][]byte{"plain": nil, "encrypted": []byte("secret")} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			r := open(t, s.addr, cache.RedisOptions{Secret: secret})
			r.Add(t.Context(), "key", []byte(source), time.Hour)
			stored := storedUnder(t, s)
			damages := []string{
				"", "\x01", "OK", stored[:len(stored)-1], stored + "\x00", stored[:6],
				strings.Repeat("\xff", 100),
			}
			for i := range len(stored) {
				damages = append(damages, stored[:i]+string(stored[i]^0x10)+stored[i+1:])
			}
			for i, damaged := range damages {
				s.client.Set(t.Context(), nameIn(t, s), damaged, time.Hour)
				if got, ok := r.Get(t.Context(), "key"); ok {
					t.Errorf("damage %d: Get = %q", i, got)
				}
			}
			if got, want := r.Stats().Unreadable, uint64(len(damages)); got != want {
				t.Errorf("Unreadable = %d, want %d", got, want)
			}
			if now := r.Add(t.Context(), "key", []byte(source), time.Hour); string(now) != source {
				t.Errorf("Add over a damaged value = %q", now)
			}
			if got, ok := r.Get(t.Context(), "key"); !ok || string(got) != source {
				t.Errorf("Get after Add = %q, %t", got, ok)
			}
			if ttl := s.client.TTL(t.Context(), nameIn(t, s)).Val(); ttl <= 0 || ttl > time.Hour {
				t.Errorf("the mended value stays for %v, want an hour", ttl)
			}
		})
	}
}

// A value moved to another key is a miss there, so a reply that belongs to another request is one
// too.
func TestSwappedValuesAreMisses(t *testing.T) {
	for name, secret := range map[string][]byte{"plain": nil, "encrypted": []byte("secret")} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			r := open(t, s.addr, cache.RedisOptions{Secret: secret})
			keyer := cache.NewKeyer([]byte("secret"))
			one, two := keyer.Key("tenant 1", source), keyer.Key("tenant 2", source)
			r.Add(t.Context(), one, []byte("text of tenant 1"), time.Hour)
			ofOne := nameIn(t, s)
			if _, ok := r.Get(t.Context(), two); ok {
				t.Error("tenant 2 sees tenant 1's value")
			}
			r.Add(t.Context(), two, []byte("text of tenant 2"), time.Hour)
			for name := range s.dump(t) {
				if name != ofOne {
					s.client.Copy(t.Context(), ofOne, name, 0, true)
				}
			}
			if got, ok := r.Get(t.Context(), two); ok {
				t.Errorf("tenant 2 is handed %q", got)
			}
			if got, ok := r.Get(t.Context(), one); !ok || string(got) != "text of tenant 1" {
				t.Errorf("tenant 1: Get = %q, %t", got, ok)
			}
		})
	}
}

// Two replicas that find damage at once agree on what replaces it.
func TestReplacementIsAgreedOn(t *testing.T) {
	s := startServer(t)
	r := open(t, s.addr, cache.RedisOptions{})
	r.Add(t.Context(), "key", []byte("lost"), 0)
	s.client.Set(t.Context(), nameIn(t, s), "damage", 0)
	answers := make(chan string)
	for _, value := range []string{"a", "b", "c", "d"} {
		replica := open(t, s.addr, cache.RedisOptions{})
		go func() { answers <- string(replica.Add(t.Context(), "key", []byte(value), 0)) }()
	}
	first := <-answers
	for range 3 {
		if next := <-answers; next != first {
			t.Errorf("replicas hold %q and %q", first, next)
		}
	}
	if got, ok := r.Get(t.Context(), "key"); !ok || string(got) != first {
		t.Errorf("Get = %q, %t, want %q", got, ok, first)
	}
}

func TestRedisKeepsNothingTooLarge(t *testing.T) {
	s := startServer(t)
	small := open(t, s.addr, cache.RedisOptions{MaxBytes: 4096})
	if now := small.Add(t.Context(), "key", make([]byte, 4097), 0); len(now) != 4097 {
		t.Errorf("Add returned %d bytes", len(now))
	}
	if all := s.dump(t); len(all) != 0 {
		t.Errorf("Redis holds %d keys", len(all))
	}
	// One that a replica with a higher bound has kept is not unpacked: 4 MB of zeros are a few
	// bytes in Redis.
	open(t, s.addr, cache.RedisOptions{}).Add(t.Context(), "bomb", make([]byte, 4<<20), 0)
	if got, ok := small.Get(t.Context(), "bomb"); ok {
		t.Errorf("Get returned %d bytes", len(got))
	}
}

func TestTieredKeepsWhatRedisKnows(t *testing.T) {
	s := startServer(t)
	r := open(t, s.addr, cache.RedisOptions{})
	r.Add(t.Context(), "key", []byte("value"), time.Hour)
	l := cache.NewLayered(cache.NewMemory(1<<20), r)
	for range 3 {
		if got, ok := l.Get(t.Context(), "key"); !ok || string(got) != "value" {
			t.Errorf("Get = %q, %t", got, ok)
		}
	}
	if got := l.Stats().Calls; got != 2 { // Add and the first Get
		t.Errorf("Redis was called %d times, want 2", got)
	}
}

// storedUnder returns the only value of the server, nameIn the name of its only key.
func storedUnder(t *testing.T, s *redisServer) string {
	t.Helper()
	return s.dump(t)[nameIn(t, s)]
}

func nameIn(t *testing.T, s *redisServer) string {
	t.Helper()
	for name := range s.dump(t) {
		return name
	}
	t.Fatal("Redis is empty")
	return ""
}

func TestURLErrorsHelpAndTellNoSecrets(t *testing.T) {
	urls := []string{
		"redis://user:hunter2@host:port",
		"redis://user:hunter2#x@host:6379",
		"redis://user:hunter2%@host:6379",
		"redis://:hun/ter2@host:6379",
		"redis://user:hunter2@host:6379/hunter2",
		"redis://user:hunter2@host:6379?hunter2=1",
		"http://user:hunter2@host",
		"user:hunter2@host:6379",
		"hunter2",
		"redis://",
		"",
	}
	for _, url := range urls {
		r, err := cache.NewRedis(cache.RedisOptions{URL: url})
		if err == nil {
			r.Close()
			t.Errorf("%q is taken", url)
			continue
		}
		if !strings.Contains(err.Error(), "PITH_REDIS_URL") {
			t.Errorf("%q: the error does not say where to mend it: %v", url, err)
		}
		if strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%q: the error shows the password: %v", url, err)
		}
	}
}

func TestURLs(t *testing.T) {
	urls := []string{
		"redis://127.0.0.1:6379", "redis://localhost", "redis://user:p%23ss@[::1]:6379/2",
		"rediss://cache.example:6380", "unix:///run/redis.sock", "unix://user:pass@/run/redis.sock?db=1",
		"redis://localhost?pool_size=5",
	}
	for _, url := range urls {
		r, err := cache.NewRedis(cache.RedisOptions{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := r.State(); got != "closed" {
			t.Errorf("%s: State = %s, want closed", url, got)
		}
		r.Close()
	}
}

// Ping is what an operator sees: it names the server and what is wrong, not the password.
func TestPingTellsWhatIsWrong(t *testing.T) {
	s := startServer(t)
	s.client.ConfigSet(t.Context(), "requirepass", "opensesame")
	addr := freeAddr(t)
	tests := []struct{ name, url, want string }{
		{"wrong password", "redis://:hunter2@" + s.addr, "WRONGPASS"},
		{"no password", "redis://" + s.addr, "NOAUTH"},
		{"nobody there", "redis://:hunter2@" + addr, addr},
	}
	for _, tt := range tests {
		r, err := cache.NewRedis(cache.RedisOptions{URL: tt.url})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Ping(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: Ping = %v, want one that names %s", tt.name, err, tt.want)
		}
		if got, ok := r.Get(t.Context(), "key"); ok {
			t.Errorf("%s: Get = %q", tt.name, got)
		}
		r.Close()
	}
	ok, err := cache.NewRedis(cache.RedisOptions{URL: "redis://:opensesame@" + s.addr, Budget: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer ok.Close()
	if err := ok.Ping(t.Context()); err != nil {
		t.Errorf("right password: %v", err)
	}
}
