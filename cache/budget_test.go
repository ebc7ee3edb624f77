package cache

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"pith/internal/waits"
)

// A dialFunc stands in for the network of a client.
type dialFunc redis.DialHook

func (d dialFunc) DialHook(redis.DialHook) redis.DialHook { return redis.DialHook(d) }

func (d dialFunc) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (d dialFunc) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// No call takes longer than its budget, wherever Redis falls silent; on a clock of the test's own.
func TestBudgetIsTheLongestTime(t *testing.T) {
	for name, dial := range map[string]dialFunc{
		"no connection": func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"no answer": func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			return here, nil
		},
		"nobody reads": func(context.Context, string, string) (net.Conn, error) {
			here, _ := net.Pipe()
			return here, nil
		},
	} {
		for call, do := range map[string]func(*Redis){
			"Get":  func(r *Redis) { r.Get(t.Context(), "key") },
			"Add":  func(r *Redis) { r.Add(t.Context(), "key", []byte("value"), time.Hour) },
			"Keep": func(r *Redis) { r.Keep(t.Context(), "key", []byte("value"), time.Hour) },
		} {
			t.Run(name+"/"+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const budget = 50 * time.Millisecond
					r, err := NewRedis(RedisOptions{URL: "redis://redis.test:6379", Budget: budget})
					if err != nil {
						t.Fatal(err)
					}
					r.client.AddHook(dial)
					start := time.Now()
					do(r)
					if took := time.Since(start); took == 0 || took > budget {
						t.Errorf("took %v, the budget is %v", took, budget)
					}
					if s := r.Stats(); s.Calls != 1 || s.Failures != 1 {
						t.Errorf("%+v", s)
					}
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// A Redis that answers late, but in time, costs a request no more than the budget, whatever it
// asks.
func TestSlowAnswersCostOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 50 * time.Millisecond
		r, err := NewRedis(RedisOptions{URL: "redis://redis.test:6379", Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		r.client.AddHook(dialFunc(func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				for buf := make([]byte, 1<<10); ; {
					n, err := there.Read(buf)
					if err != nil {
						return
					}
					time.Sleep(budget / 10)
					answer := "+OK\r\n"
					if bytes.Contains(buf[:n], []byte("hello")) { // an old server
						answer = "-ERR unknown command\r\n"
					}
					_, _ = io.WriteString(there, answer)
				}
			}()
			return here, nil
		}))
		for range 3 {
			ctx, start, kept := waits.Counted(t.Context()), time.Now(), 0
			for range 40 {
				if r.Keep(ctx, "key", []byte("v"), time.Hour) {
					kept++
				}
			}
			if took := time.Since(start); kept < 3 || kept == 40 || took > budget {
				t.Errorf("%d of 40 values were kept in %v, the budget is %v", kept, took, budget)
			}
			time.Sleep(time.Minute)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
