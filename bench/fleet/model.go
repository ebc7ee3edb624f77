package fleet

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// What a replica asks of Redis, in commands, as the code has it: for a block that it did not see
// itself, in which form it went out and its result, each with how long it stays; for a block that
// nobody saw, its result is put there and read back.
const (
	commandsPerLookup = 4
	commandsPerNew    = 2
)

// Model says what a Redis has to do for a fleet: counted for a run, computed for it, and
// computed for a larger one.
type Model struct {
	Replicas int     `json:"replicas"`
	Requests int     `json:"requests"`
	Blocks   int     `json:"blocks"` // that requests carried, all together
	New      int     `json:"new"`    // of those, seen by nobody before
	Counted  float64 `json:"counted_commands"`
	Computed float64 `json:"computed_commands"`
	Off      float64 `json:"off"` // computed / counted - 1
	// PerBlock is the memory that a new block takes in Redis, PerCommand what a command moves in
	// both directions, in bytes.
	PerBlock   float64    `json:"bytes_per_block"`
	PerCommand float64    `json:"bytes_per_command"`
	Large      Projection `json:"large"`
}

// Projection is a fleet on paper.
type Projection struct {
	Replicas       int     `json:"replicas"`
	RequestsPerSec int     `json:"requests_per_second"`
	Turns          int     `json:"turns"`
	CommandsPerSec float64 `json:"commands_per_second"`
	BytesPerSec    float64 `json:"bytes_per_second"`
	NewPerSec      float64 `json:"new_blocks_per_second"`
	MemoryBytes    float64 `json:"memory_bytes"` // with what is kept for Hours
	Hours          float64 `json:"hours"`
	// Shards is how many Redis servers of CommandsPerShard commands a second are half busy with it.
	Shards           int     `json:"shards"`
	CommandsPerShard float64 `json:"commands_per_shard"`
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
	figures := func() (commands, bytes, memory float64, err error) {
		info, err := client.Info(ctx, "all").Result()
		if err != nil {
			return 0, 0, 0, err
		}
		value := func(name string) float64 {
			_, after, _ := strings.Cut(info, "\n"+name+":")
			text, _, _ := strings.Cut(after, "\r")
			v, _ := strconv.ParseFloat(text, 64) // a figure that is not there shows as a model far off
			return v
		}
		return value("total_commands_processed"), value("total_net_input_bytes") +
			value("total_net_output_bytes"), value("used_memory_dataset"), nil
	}
	commands, bytes, memory, err := figures()
	if err != nil {
		return err
	}
	load := f.converse(ctx, "model")
	if load.lost > 0 {
		return fmt.Errorf("%d requests without an answer: %w", load.lost, load.err)
	}
	commandsAfter, bytesAfter, memoryAfter, err := figures()
	if err != nil {
		return err
	}
	const repeats = 2
	unseen, blocks := lookups(f.Replicas, f.Turns, repeats)
	m := Model{
		Replicas: f.Replicas, Requests: load.requests, Blocks: int(blocks) * f.Clients, New: f.Clients * f.Turns,
		Counted: commandsAfter - commands - 1, // the question itself
	}
	m.Computed = unseen*float64(f.Clients)*commandsPerLookup + float64(m.New)*commandsPerNew
	m.Off = m.Computed/m.Counted - 1
	m.PerBlock, m.PerCommand = (memoryAfter-memory)/float64(m.New), (bytesAfter-bytes)/m.Counted
	m.Large = m.paper(100, 10_000, 20, 24)
	report.Model = m
	return nil
}

// paper computes a fleet whose conversations have turns, each with a new block, at so many requests
// a second, whose results are kept for hours. Each request is counted against a key's requests and
// tokens: three scripts.
func (m Model) paper(replicas, perSecond, turns int, hours float64) Projection {
	const scripts, commandsPerShard = 3, 100_000
	unseen, _ := lookups(replicas, turns, 1)
	p := Projection{
		Replicas: replicas, RequestsPerSec: perSecond, Turns: turns, Hours: hours,
		CommandsPerShard: commandsPerShard,
	}
	p.NewPerSec = float64(perSecond) // one a turn
	p.CommandsPerSec = float64(perSecond) * (unseen/float64(turns)*commandsPerLookup + commandsPerNew + scripts)
	p.BytesPerSec = p.CommandsPerSec * m.PerCommand
	p.MemoryBytes = p.NewPerSec * hours * 3600 * m.PerBlock
	p.Shards = int(math.Ceil(p.CommandsPerSec / (commandsPerShard / 2)))
	return p
}
