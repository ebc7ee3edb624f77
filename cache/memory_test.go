package cache_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pith/cache"
)

func TestMemoryDropsTheLeastRecentlyUsed(t *testing.T) {
	m := cache.NewMemory(3 * 1300) // room for three values of 1000 with their keys and overhead
	for _, key := range []string{"a", "b", "c"} {
		m.Add(t.Context(), key, make([]byte, 1000), 0)
	}
	m.Get(t.Context(), "a")
	m.Add(t.Context(), "d", make([]byte, 1000), 0)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := m.Get(t.Context(), key); ok != want {
			t.Errorf("Get(%s) found: %t, want %t", key, ok, want)
		}
	}
}

// However many values come, small ones too, the heap stays near the bound.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 8 << 20
	m := cache.NewMemory(bound)
	before := heap()
	for i := range 200_000 {
		m.Add(t.Context(), strconv.Itoa(i), make([]byte, i%64), 0)
	}
	for i := range 200 {
		m.Add(t.Context(), "large"+strconv.Itoa(i), make([]byte, 1<<20), 0)
	}
	for i := range 100_000 {
		m.Add(t.Context(), "again"+strconv.Itoa(i), make([]byte, i%64), 0)
	}
	if grown := heap() - before; grown > bound*3/2 {
		t.Errorf("the heap grew by %d bytes, the bound is %d", grown, bound)
	}
	runtime.KeepAlive(m)
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestMemoryKeepsNothingTooLarge(t *testing.T) {
	m := cache.NewMemory(1 << 10)
	m.Add(t.Context(), "small", []byte("kept"), 0)
	if now := m.Add(t.Context(), "large", make([]byte, 1<<10), 0); len(now) != 1<<10 {
		t.Errorf("Add returned %d bytes", len(now))
	}
	if _, ok := m.Get(t.Context(), "large"); ok {
		t.Error("a value beyond the bound was kept")
	}
	if _, ok := m.Get(t.Context(), "small"); !ok {
		t.Error("a value beyond the bound drove out another")
	}
	off := cache.NewMemory(0)
	off.Add(t.Context(), "any", nil, 0)
	if _, ok := off.Get(t.Context(), "any"); ok {
		t.Error("a Memory of 0 bytes kept a value")
	}
}

func TestMemoryTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory(1 << 20)
		m.Add(t.Context(), "minute", []byte("v"), time.Minute)
		m.Add(t.Context(), "ever", []byte("v"), 0)
		time.Sleep(time.Minute - time.Nanosecond)
		if _, ok := m.Get(t.Context(), "minute"); !ok {
			t.Error("gone before its time")
		}
		time.Sleep(time.Nanosecond)
		if _, ok := m.Get(t.Context(), "minute"); ok {
			t.Error("there after its time")
		}
		time.Sleep(1000 * time.Hour)
		if _, ok := m.Get(t.Context(), "ever"); !ok {
			t.Error("gone without a ttl")
		}
	})
}

func BenchmarkMemoryGet(b *testing.B) {
	m := cache.NewMemory(64 << 20)
	m.Add(b.Context(), "key", make([]byte, 4<<10), time.Hour)
	for b.Loop() {
		m.Get(b.Context(), "key")
	}
}

// BenchmarkMemoryOverhead reports what an entry costs beside key and value, the figure behind
// entryOverhead.
func BenchmarkMemoryOverhead(b *testing.B) {
	const entries = 100_000
	for b.Loop() {
		before := heap()
		m := cache.NewMemory(1 << 40)
		for i := range entries {
			m.Add(b.Context(), fmt.Sprintf("%064d", i), make([]byte, 64), time.Hour)
		}
		b.ReportMetric(float64(heap()-before)/entries-128, "overhead-B/entry")
		runtime.KeepAlive(m)
	}
}
