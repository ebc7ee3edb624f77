package cache_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pith/cache"
)

// Two replicas draw on one allowance.
func TestDrawIsShared(t *testing.T) {
	server := startServer(t)
	replicas := []*cache.Redis{
		open(t, server.addr, cache.RedisOptions{Secret: []byte("a secret of replicas")}),
		open(t, server.addr, cache.RedisOptions{Secret: []byte("a secret of replicas")}),
	}
	draw := func(i int, owe bool, draws ...cache.Draw) (int, time.Duration) {
		t.Helper()
		drawn, err := replicas[i%2].Draw(t.Context(), draws, owe)
		if err != nil {
			t.Fatal(err)
		}
		if drawn.Refused < 0 && len(drawn.Full) != len(draws) || drawn.Refused >= 0 && drawn.Full != nil {
			t.Fatalf("%d draws came out as %+v", len(draws), drawn)
		}
		return drawn.Refused, drawn.Wait
	}
	drawn, err := replicas[0].Draw(t.Context(), []cache.Draw{
		{Key: "half", PerMinute: 10, N: 5}, {Key: "owed", PerMinute: 10, N: 600},
	}, true)
	if err != nil || !slices.Equal(drawn.Full, []time.Duration{30 * time.Second, time.Hour}) {
		t.Errorf("drawn %+v, %v; want half a minute and an hour", drawn, err)
	}
	const perMinute = 7 // does not divide a minute
	for i := range perMinute {
		if refused, _ := draw(i, false, cache.Draw{Key: "a", PerMinute: perMinute, N: 1}); refused >= 0 {
			t.Fatalf("draw %d of %d is refused", i+1, perMinute)
		}
	}
	refused, wait := draw(0, false, cache.Draw{Key: "a", PerMinute: perMinute, N: 1})
	if refused != 0 || wait <= 0 || wait > time.Minute/perMinute+time.Millisecond {
		t.Errorf("the draw after the last: refused %d, wait %v", refused, wait)
	}
	if refused, _ := draw(1, false, cache.Draw{Key: "b", PerMinute: perMinute, N: 1},
		cache.Draw{Key: "a", PerMinute: perMinute, N: 1}); refused != 1 {
		t.Errorf("refused %d, want the second of two", refused)
	}
	if refused, _ := draw(0, false, cache.Draw{Key: "b", PerMinute: perMinute, N: perMinute}); refused >= 0 {
		t.Error("a refused draw took from the allowance beside it")
	}
	if refused, _ := draw(1, true, cache.Draw{Key: "a", PerMinute: perMinute, N: 70}); refused >= 0 {
		t.Error("a debt was refused")
	}
	if _, wait := draw(0, false, cache.Draw{Key: "a", PerMinute: perMinute, N: 1}); wait < 9*time.Minute {
		t.Errorf("wait %v behind a debt of ten minutes", wait)
	}
	draw(1, true, cache.Draw{Key: "a", PerMinute: perMinute, N: -71})
	if refused, _ := draw(0, false, cache.Draw{Key: "a", PerMinute: perMinute, N: 1}); refused >= 0 {
		t.Error("what was given back is not there")
	}
	for _, tt := range []struct {
		repaid, owed int64 // in draws; what stands before the next one then
	}{{1, 1}, {perMinute, perMinute}, {100 * perMinute, perMinute}} {
		key := fmt.Sprint("late ", tt.repaid)
		draw(0, false, cache.Draw{Key: key, PerMinute: perMinute, N: perMinute})
		late := []cache.Draw{{Key: key, PerMinute: perMinute, N: tt.repaid}}
		if err := replicas[1].Repay(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		refused, wait := draw(0, false, cache.Draw{Key: key, PerMinute: perMinute, N: 1})
		least, most := time.Duration(tt.owed)*time.Minute/perMinute, time.Duration(tt.owed+1)*time.Minute/perMinute
		if refused != 0 || wait < least || wait > most {
			t.Errorf("after %d were repaid: refused %d, wait %v, want %v to %v", tt.repaid, refused, wait, least, most)
		}
	}
	for name, value := range server.dump(t) {
		if ttl := server.client.PTTL(t.Context(), name).Val(); ttl <= 0 {
			t.Errorf("%s = %s stays for ever", name, value)
		}
	}
}

func TestDrawSaysThatRedisIsGone(t *testing.T) {
	r := open(t, freeAddr(t), cache.RedisOptions{})
	for range 2 { // the second one by the breaker
		if _, err := r.Draw(t.Context(), []cache.Draw{{Key: "a", PerMinute: 1, N: 1}}, false); err == nil {
			t.Error("a draw without Redis")
		}
	}
	if err := r.Repay(t.Context(), []cache.Draw{{Key: "a", PerMinute: 1, N: 1}}); err == nil {
		t.Error("repaid without Redis")
	}
}
