package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// What a replica asks of Redis, in calls and in commands as Redis counts them, those of scripts
// among them: for a block that it did not see itself, in which form it went out and its result,
// each with how long it stays; for a block that nobody saw, its result is put there and read back;
// for a request, its key's requests and tokens are drawn, its tokens when it is sent on and again
// when they are known.
const (
	callsPerLookup, commandsPerLookup   = 2, 4
	callsPerNew, commandsPerNew         = 1, 2
	callsPerRequest, commandsPerRequest = 3, 6 + 4 + 4
)

// Prices of a managed Valkey that bills by use, in dollars, without the replicas that are part of
// it: ElastiCache Serverless in us-east-1, June 2026.
const (
	dollarsPerGBHour      = 0.084
	dollarsPerKBandSecond = 0.0023e-6 * 3600 // for an hour of it
)

// Model says what a Redis has to do for a fleet: counted for a run, computed for it, and
// computed for a larger one.
type Model struct {
	Replicas int `json:"replicas"`
	Requests int `json:"requests"`
	Blocks   int `json:"blocks"` // that requests carried, all together
	New      int `json:"new"`    // of those, seen by nobody before
	// Calls are those of the replicas, Unanswered those of them that Redis did not answer in time
	// and those that were not made for a second after.
	Calls         float64 `json:"calls"`
	ComputedCalls float64 `json:"computed_calls"`
	Off           float64 `json:"off"` // computed calls / calls - 1
	Unanswered    float64 `json:"unanswered_calls"`
	// Commands are what Redis counted of what it answered.
	Commands         float64 `json:"commands"`
	ComputedCommands float64 `json:"computed_commands"`
	// PerBlock is the memory that a new block takes in Redis, Value what of it is moved, and
	// PerCommand what a command moves besides in both directions, in bytes.
	PerBlock   float64 `json:"bytes_per_block"`
	Value      float64 `json:"bytes_per_value"`
	PerCommand float64 `json:"bytes_per_command"`
	// Busy is the processor time that Redis took for a command, in microseconds, its housekeeping
	// among it.
	Busy  float64      `json:"microseconds_per_command"`
	Large []Projection `json:"large"`
}

// Projection is a fleet on paper.
type Projection struct {
	Replicas       int     `json:"replicas"`
	RequestsPerSec int     `json:"requests_per_second"`
	Turns          int     `json:"turns"`
	Sticky         bool    `json:"sticky"` // a conversation stays with its replica
	CommandsPerSec float64 `json:"commands_per_second"`
	BytesPerSec    float64 `json:"bytes_per_second"`
	NewPerSec      float64 `json:"new_blocks_per_second"`
	MemoryBytes    float64 `json:"memory_bytes"` // with what is kept for Hours
	Hours          float64 `json:"hours"`
	// Servers is how many Redis servers are half busy with it.
	Servers int     `json:"servers"`
	PerHour float64 `json:"dollars_per_hour"`
}

// lookups is how many blocks a conversation of turns, each asked for repeats times, has looked up
// in Redis where each request goes to any of n replicas: those that this replica did not see
// before. blocks are all that its requests carry.
func lookups(n, turns, repeats int) (unseen, blocks float64) {
	for turn := range turns {
		for again := range repeats {
			for j := 0; j <= turn; j++ {
				before := repeats*(turn-j) + again // requests that carried block j
				unseen += math.Pow(1-1/float64(n), float64(before))
				blocks++
			}
		}
	}
	return unseen, blocks
}

// A tally is what a Redis has done.
type tally struct{ commands, bytes, memory, seconds float64 }

func tallyOf(ctx context.Context, client *redis.Client) (tally, error) {
	info, err := client.Info(ctx, "all").Result()
	value := func(name string) float64 { return figure(info, name+":", "\r") }
	return tally{
		commands: value("total_commands_processed"),
		bytes:    value("total_net_input_bytes") + value("total_net_output_bytes"),
		memory:   value("used_memory_dataset"),
		seconds:  value("used_cpu_user") + value("used_cpu_sys"),
	}, err
}

// calls adds up what the replicas say of their calls to Redis.
func (f *fleet) calls(ctx context.Context) (made, failed, skipped float64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.replicas {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Admin+"/metrics", nil)
		if err != nil {
			return 0, 0, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+adminToken)
		res, err := f.client.Do(req)
		if err != nil {
			return 0, 0, 0, err
		}
		text, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			return 0, 0, 0, err
		}
		value := func(name string) float64 { return figure(string(text), "pith_redis_"+name+"_total ", "\n") }
		made, failed, skipped = made+value("calls"), failed+value("failures"), skipped+value("skipped")
	}
	return made, failed, skipped, nil
}

// figure is what stands behind a name at the beginning of a line. One that is not there is 0: it
// shows as a model far off.
func figure(text, name, end string) float64 {
	_, after, _ := strings.Cut(text, "\n"+name)
	text, _, _ = strings.Cut(after, end)
	v, _ := strconv.ParseFloat(text, 64)
	return v
}

// measureModel counts what a Redis does for a load, and holds the model to it.
func (f *fleet) measureModel(ctx context.Context, report *Report) error {
	f.Progress("what Redis does for a request")
	r, stop, err := f.onRedis(ctx)
	if err != nil {
		return err
	}
	defer stop()
	client := r.client()
	defer func() { _ = client.Close() }() // it was only asked
	f.converse(ctx, "connections are made")
	before, err := tallyOf(ctx, client)
	if err != nil {
		return err
	}
	made, failed, skipped, err := f.calls(ctx)
	if err != nil {
		return err
	}
	const repeats, rounds = 2, 4
	var load outcome
	for round := range rounds {
		load.add(f.converse(ctx, fmt.Sprint("model ", round)))
	}
	if load.lost > 0 {
		return fmt.Errorf("%d requests without an answer: %w", load.lost, load.err)
	}
	after, err := tallyOf(ctx, client)
	if err != nil {
		return err
	}
	madeThen, failedThen, skippedThen, err := f.calls(ctx)
	if err != nil {
		return err
	}
	unseen, blocks := lookups(f.Replicas, f.Turns, repeats)
	conversations := float64(f.Clients * rounds)
	unseen, blocks = unseen*conversations, blocks*conversations
	m := Model{
		Replicas: f.Replicas, Requests: load.requests, Blocks: int(blocks), New: f.Clients * f.Turns * rounds,
		Calls: madeThen - made + skippedThen - skipped, Unanswered: failedThen - failed + skippedThen - skipped,
		Commands: after.commands - before.commands - 1, // the question itself
	}
	compute := func(lookup, new, request float64) float64 {
		return unseen*lookup + float64(m.New)*new + float64(m.Requests)*request
	}
	m.ComputedCalls = compute(callsPerLookup, callsPerNew, callsPerRequest)
	m.ComputedCommands = compute(commandsPerLookup, commandsPerNew, commandsPerRequest)
	m.Off = m.ComputedCalls/m.Calls - 1
	m.PerBlock, m.Busy = (after.memory-before.memory)/float64(m.New), (after.seconds-before.seconds)/m.Commands*1e6
	if m.Value, err = valueSize(ctx, client); err != nil {
		return err
	}
	// A value is put there and read back once, and read by each replica that did not see it.
	m.PerCommand = (after.bytes - before.bytes - m.Value*(float64(m.New)+unseen)) / m.Commands
	for _, sticky := range []bool{false, true} {
		m.Large = append(m.Large, m.paper(Projection{
			Replicas: 100, RequestsPerSec: 10_000, Turns: 20, Hours: 24, Sticky: sticky,
		}))
	}
	report.Model = m
	return nil
}

// valueSize is how long the results in a Redis are. Allowances are a few bytes.
func valueSize(ctx context.Context, client *redis.Client) (float64, error) {
	var sum, n float64
	for keys := client.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
		size, err := client.StrLen(ctx, keys.Val()).Result()
		if err != nil {
			return 0, err
		}
		if size > 100 {
			sum, n = sum+float64(size), n+1
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("no results in Redis: %w", ctx.Err())
	}
	return sum / n, nil
}

// paper computes a fleet whose conversations have turns, each with a new block, whose results are
// kept for hours.
func (m Model) paper(p Projection) Projection {
	n := p.Replicas
	if p.Sticky {
		n = 1
	}
	unseen, _ := lookups(n, p.Turns, 1)
	each := unseen / float64(p.Turns) // blocks of a request that are looked up
	p.NewPerSec = float64(p.RequestsPerSec)
	p.CommandsPerSec = p.NewPerSec * (each*commandsPerLookup + commandsPerNew + commandsPerRequest)
	p.BytesPerSec = p.CommandsPerSec*m.PerCommand + p.NewPerSec*m.Value*(1+each)
	p.MemoryBytes = p.NewPerSec * p.Hours * 3600 * m.PerBlock
	p.Servers = int(math.Ceil(2 * p.CommandsPerSec * m.Busy / 1e6))
	p.PerHour = p.MemoryBytes/1e9*dollarsPerGBHour + p.BytesPerSec/1e3*dollarsPerKBandSecond
	return p
}
