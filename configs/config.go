// Package configs holds Pith's settings: their types, defaults, names in files and in the
// environment, and checks.
//
// It knows nothing of the packages that the settings are for; main copies fields into each
// package's Options. The example files beside the code are complete: each loads, and a test
// compares the defaults that their comments name.
package configs

import (
	"log/slog"
	"time"
)

// Config is every setting. What a field means stands in the table of keys, which files, the
// environment, documentation and `pith doctor` share.
type Config struct {
	Server     Server
	Compress   Compress
	Model      Model
	Scorer     Scorer
	Parsers    Parsers
	Cache      Cache
	Retrieval  Retrieval
	Prompts    Prompts
	Accounting Accounting
	Tracing    Tracing
	Limits     Limits
	Retry      Retry
	Log        Log
	Admin      Admin
	Dashboard  Dashboard
	Workspace  Workspace
	// Upstreams are tried in order before Server.Upstream.
	Upstreams []Upstream
	// VirtualKeys are who may use Pith. None: everybody, each with the credentials of the upstream.
	VirtualKeys []VirtualKey

	// places says where settings were given: by path, "pith.yaml:3", "PITH_RATE" or "--listen".
	// Entries of lists have paths such as "keys[0].hash".
	places map[string]string
}

// Server is where clients and the upstream are.
type Server struct {
	Listen       string
	TLSCert      string
	TLSKey       string
	H2C          bool
	Upstream     string
	UpstreamKey  Secret
	WebSocket    string
	MaxBodyBytes Size
	DrainNotice  time.Duration
	DrainTimeout time.Duration
}

// Limits bound what clients and upstreams can take.
type Limits struct {
	InFlightBytes Size
	ResponseBytes Size
	Connections   int
	Compressions  int
}

// Retry is when a request goes to its upstream again.
type Retry struct {
	Attempts int
	Busy     bool
	MaxWait  time.Duration
	Rest     time.Duration
}

// An Upstream is an LLM API for the requests that name one of its models or come on one of its
// paths.
type Upstream struct {
	Name      string
	URL       string
	Key       Secret
	Auth      string
	Models    []string
	Paths     []string
	StripPath bool
	WebSocket string
}

// A VirtualKey is a client. Hash is what `pith key new` prints; the key itself stands nowhere.
type VirtualKey struct {
	Name              string
	Hash              string
	RequestsPerMinute int
	TokensPerMinute   int
}

// Compress is what is compressed, how far, and how long that may take.
type Compress struct {
	Mode string
	// Coverage is the share of the needed code that is to stay where neither a request nor Rate
	// says how much; Rate 0 leaves it to Coverage.
	Coverage  float64
	Rate      float64
	Ranker    string
	Speed     string
	Deadline  time.Duration
	Timeout   time.Duration
	MinBytes  Size
	FineRatio float64
	Beta      float64
	Compat    string
}

// Model is the language model that ranks.
type Model struct {
	Dir     string
	Folder  string
	Device  string
	Threads int
	Runtime string
	// StateBytes is 0 for keeping none.
	StateBytes Size
}

// Scorer is an inference server that scores in the place of the model in this process.
type Scorer struct {
	URL      string
	Protocol string
	Model    string
	Version  string
	Key      Secret
	Timeout  time.Duration
	Requests int
}

// Parsers is how source files are parsed.
type Parsers struct {
	Workers   int
	Timeout   time.Duration
	MaxBytes  Size
	InProcess bool
}

// Cache is where results are kept.
type Cache struct {
	MemoryBytes Size
	TTL         time.Duration
	RedisURL    Secret // it may hold a password
	Secret      Secret
}

// Prompts is where pruned few-shot prompts are.
type Prompts struct {
	Dir      string
	AnyModel bool
}

// Retrieval is how omitted lines are had back.
type Retrieval struct {
	Enabled     bool
	TTL         time.Duration
	MemoryBytes Size
	Tool        bool
}

// Accounting is what tokens cost and who is compared.
type Accounting struct {
	Holdout float64
	Prices  string
}

// Tracing is where spans go.
type Tracing struct {
	Endpoint string
}

// Log is what is logged and how.
type Log struct {
	Level  slog.Level
	Format string
}

// Admin is the listener for metrics.
type Admin struct {
	Listen string
	Token  Secret
}

// Dashboard is what the window on requests shows.
type Dashboard struct {
	// Keep is the number of requests whose texts are kept for it.
	Keep int
}

// Workspace is the code that editors and agents may ask about.
type Workspace struct {
	// Root is its folder; empty for none.
	Root string
}

// Default returns the settings of a Pith that nobody configured.
func Default() Config {
	return Config{
		Server: Server{
			Listen:       "127.0.0.1:8484",
			Upstream:     "https://api.openai.com",
			WebSocket:    "responses",
			MaxBodyBytes: 32 << 20,
			DrainTimeout: 30 * time.Second,
		},
		Compress: Compress{
			Mode:      "auto",
			Coverage:  0.95,
			Ranker:    "auto",
			Speed:     "balanced",
			Deadline:  3 * time.Second,
			Timeout:   10 * time.Second,
			MinBytes:  2 << 10,
			FineRatio: 0.8,
			Beta:      0.5,
		},
		Model:     Model{Device: "auto", StateBytes: 48 << 20},
		Scorer:    Scorer{Protocol: "kserve", Model: "pith-code-lm", Timeout: 2 * time.Second, Requests: 32},
		Parsers:   Parsers{Workers: 2, Timeout: 2 * time.Second, MaxBytes: 1 << 20},
		Cache:     Cache{MemoryBytes: 16 << 20, TTL: 24 * time.Hour},
		Retrieval: Retrieval{TTL: time.Hour, MemoryBytes: 64 << 20},
		Limits:    Limits{InFlightBytes: 512 << 20, Compressions: 64},
		Retry:     Retry{Attempts: 2, MaxWait: 10 * time.Second, Rest: 5 * time.Second},
		Log:       Log{Level: slog.LevelInfo, Format: "text"},
	}
}
