package configs

// A Key is one setting as users see it.
type Key struct {
	Path  string // in a file, "server.listen"
	Env   string // environment variable
	Value string // as a file would give it; secrets are redacted
	Help  string
}

// Keys lists every setting with its value in c, in the order of the documentation.
func (c Config) Keys() []Key {
	var keys []Key
	for _, b := range c.bindings() {
		keys = append(keys, Key{Path: b.path, Env: b.env, Value: show(b.field), Help: b.help})
	}
	return keys
}

// A binding ties the names of a setting to its field, a pointer into a Config.
type binding struct {
	path, env string
	field     any
	help      string
}

// bindings is the one table of settings.
func (c *Config) bindings() []binding {
	return []binding{
		{"server.listen", "PITH_LISTEN", &c.Server.Listen, "address to serve on, host:port"},
		{
			"server.tls_cert", "PITH_TLS_CERT", &c.Server.TLSCert,
			"certificate file (PEM) to serve HTTPS and HTTP/2; empty for plain HTTP",
		},
		{"server.tls_key", "PITH_TLS_KEY", &c.Server.TLSKey, "key file of tls_cert"},
		{"server.h2c", "PITH_H2C", &c.Server.H2C, "also serve HTTP/2 without TLS, to clients that begin with it"},
		{
			"server.upstream", "PITH_UPSTREAM", &c.Server.Upstream,
			"base URL of the LLM API behind Pith, for requests that no entry of upstreams takes",
		},
		{
			"server.upstream_key", "PITH_UPSTREAM_KEY", &c.Server.UpstreamKey,
			"key for server.upstream in place of the client's; needs keys, or a server.listen of this machine alone",
		},
		{
			"server.websocket", "PITH_WEBSOCKET", &c.Server.WebSocket,
			"WebSockets that may be opened to server.upstream: off, responses (those of /v1/responses, which are " +
				"compressed) or any; what may not is answered 426",
		},
		{
			"server.max_body_bytes", "PITH_MAX_BODY_BYTES", &c.Server.MaxBodyBytes,
			"largest request body that is read for compression; larger ones get 413",
		},
		{
			"server.drain_notice", "PITH_DRAIN_NOTICE", &c.Server.DrainNotice,
			"how long new requests are still taken after SIGTERM, while /readyz answers 503, for load " +
				"balancers to see it",
		},
		{
			"server.drain_timeout", "PITH_DRAIN_TIMEOUT", &c.Server.DrainTimeout,
			"how long running answers may take after SIGTERM",
		},

		{"compress.mode", "PITH_MODE", &c.Compress.Mode, "for requests that do not say: off, auto or force"},
		{
			"compress.coverage", "PITH_COVERAGE", &c.Compress.Coverage,
			"share of the needed code that is to stay, as far as can be told beforehand, in (0, 1]",
		},
		{
			"compress.rate", "PITH_RATE", &c.Compress.Rate,
			"compressed / original tokens where a request gives no budget, in (0, 1]; 0 leaves it to " +
				"compress.coverage",
		},
		{
			"compress.ranker", "PITH_RANKER", &c.Compress.Ranker,
			"auto, ami (language model), bm25 (words), words (all signals but the model) or hybrid",
		},
		{
			"compress.speed", "PITH_SPEED", &c.Compress.Speed,
			"how much the model reads: exact (everything), balanced or fast (what words rank first); pith " +
				"doctor suggests one",
		},
		{
			"compress.deadline", "PITH_DEADLINE", &c.Compress.Deadline,
			"time for scoring one request; past it what is not done goes out as it came; 0 for none",
		},
		{
			"compress.timeout", "PITH_TIMEOUT", &c.Compress.Timeout,
			"time that compression may add to a request; past it the original goes out",
		},
		{"compress.min_bytes", "PITH_MIN_BYTES", &c.Compress.MinBytes, "smallest block of code that is compressed"},
		{
			"compress.fine_ratio", "PITH_FINE_RATIO", &c.Compress.FineRatio,
			"share of the chosen functions that pruning inside them keeps, in (0, 1]",
		},
		{"compress.beta", "PITH_BETA", &c.Compress.Beta, "how far relevance bends the budget of a function, in [0, 1]"},
		{
			"compress.compat", "PITH_COMPAT", &c.Compress.Compat,
			"longcodezip to follow the published reference, defects included",
		},

		{
			"model.dir", "PITH_MODEL_DIR", &c.Model.Dir,
			"folder with model.onnx and tokenizer.json, or the name of an installed model; empty for the embedded one",
		},
		{
			"model.folder", "PITH_MODELS", &c.Model.Folder,
			"where models are installed; empty for pith/models in the user's data folder",
		},
		{"model.device", "PITH_DEVICE", &c.Model.Device, "auto, cpu, cuda or cuda:N"},
		{
			"model.threads", "PITH_THREADS", &c.Model.Threads,
			"model runs at once on the CPU, one core each; 0 for all cores",
		},
		{
			"model.state_bytes", "PITH_STATE_BYTES", &c.Model.StateBytes,
			"memory for what the model keeps of texts that it read, 5.5 KiB a token with the embedded one; the same " +
				"code with another question costs the question only; speed exact wants 8 KiB for each token of a " +
				"request; 0 for none",
		},
		{"model.runtime", "PITH_ONNXRUNTIME", &c.Model.Runtime, "ONNX Runtime library; empty to search"},

		{"scorer.url", "PITH_SCORER_URL", &c.Scorer.URL, "inference server that scores in the place of a model " +
			"in this process, such as http://triton:8000; empty for none; model.dir then says only how texts " +
			"become tokens (see docs/scaling.md)"},
		{
			"scorer.protocol", "PITH_SCORER_PROTOCOL", &c.Scorer.Protocol,
			"kserve (Triton, KServe, MLServer with what pith model export-triton writes) or openai (vLLM and " +
				"others whose /v1/completions gives the log-probabilities of prompts)",
		},
		{"scorer.model", "PITH_SCORER_MODEL", &c.Scorer.Model, "name of the model on that server"},
		{"scorer.version", "PITH_SCORER_VERSION", &c.Scorer.Version, "version of the model there; part of every " +
			"cache key: another one where an openai server's weights change"},
		{"scorer.key", "PITH_SCORER_KEY", &c.Scorer.Key, "bearer token for that server"},
		{"scorer.timeout", "PITH_SCORER_TIMEOUT", &c.Scorer.Timeout, "time for one answer of that server; past " +
			"it blocks go out as they came, and it is left alone until a probe finds it well"},
		{"scorer.requests", "PITH_SCORER_REQUESTS", &c.Scorer.Requests, "requests to that server at once"},

		{"parsers.workers", "PITH_PARSE_WORKERS", &c.Parsers.Workers, "parse processes"},
		{
			"parsers.timeout", "PITH_PARSE_TIMEOUT", &c.Parsers.Timeout,
			"time for one file's parse; past it the file is cut by lines",
		},
		{
			"parsers.max_bytes", "PITH_PARSE_MAX_BYTES", &c.Parsers.MaxBytes,
			"largest file that is parsed; larger ones are cut by lines",
		},
		{
			"parsers.in_process", "PITH_PARSE_IN_PROCESS", &c.Parsers.InProcess,
			"parse in the main process; for trusted files only, a hostile one can end it",
		},

		{"cache.memory_bytes", "PITH_CACHE_BYTES", &c.Cache.MemoryBytes, "memory for results; 0 for none"},
		{"cache.ttl", "PITH_CACHE_TTL", &c.Cache.TTL, "how long a result is kept; 0 until there is no room"},
		{
			"cache.redis_url", "PITH_REDIS_URL", &c.Cache.RedisURL,
			"Redis or Valkey that replicas share, redis://[user:password@]host:port[/db], " +
				"redis+cluster://host:port[,host:port...] " +
				"or redis+sentinel://host:port[,host:port...]/master; needs cache.secret",
		},
		{
			"cache.secret", "PITH_CACHE_SECRET", &c.Cache.Secret,
			"keys the cache and encrypts what Redis holds; the same for all replicas, 16 bytes or more",
		},

		{
			"retrieval.enabled", "PITH_RETRIEVAL", &c.Retrieval.Enabled,
			"keep originals, so that omitted lines can be had back by the hash in their marker; needs cache.secret",
		},
		{
			"retrieval.ttl", "PITH_RETRIEVAL_TTL", &c.Retrieval.TTL,
			"how long a hash resolves after the last request that carried it",
		},
		{
			"retrieval.memory_bytes", "PITH_RETRIEVAL_BYTES", &c.Retrieval.MemoryBytes,
			"memory for originals where there is no Redis; full, blocks go out whole",
		},
		{
			"retrieval.tool", "PITH_RETRIEVAL_TOOL", &c.Retrieval.Tool,
			"let the model ask for omitted lines by a tool that the client does not see; needs retrieval.enabled",
		},

		{
			"accounting.holdout", "PITH_HOLDOUT", &c.Accounting.Holdout,
			"share of conversations that pass uncompressed for comparison, in [0, 1]",
		},
		{
			"accounting.prices", "PITH_PRICES", &c.Accounting.Prices,
			"file with prices by model, see configs/prices/example.yaml; empty for none",
		},

		{
			"tracing.endpoint", "PITH_TRACING_ENDPOINT", &c.Tracing.Endpoint,
			"OTLP/HTTP collector, such as http://127.0.0.1:4318; empty for OTEL_EXPORTER_OTLP_ENDPOINT, and without " +
				"that no traces",
		},

		{
			"prompts.dir", "PITH_PROMPTS_DIR", &c.Prompts.Dir,
			"folder of artefacts from `pith evolve export`; messages that hold an original prompt are sent with the " +
				"pruned one; read again when it changes",
		},
		{
			"prompts.any_model", "PITH_PROMPTS_ANY_MODEL", &c.Prompts.AnyModel,
			"use artefacts for models and tokenizers that they were not measured on as well; needed for those " +
				"of a local model",
		},

		{
			"limits.in_flight_bytes", "PITH_IN_FLIGHT_BYTES", &c.Limits.InFlightBytes,
			"request bodies in memory at once, all together; beyond it 429; at the peak the process takes about " +
				"three times as much",
		},
		{
			"limits.response_bytes", "PITH_RESPONSE_BYTES", &c.Limits.ResponseBytes,
			"largest answer, streams included; longer ones are cut, or 502 where their length is announced; " +
				"0 for no limit",
		},
		{
			"limits.connections", "PITH_CONNECTIONS", &c.Limits.Connections,
			"connections of clients at once; further ones wait; 0 for no limit",
		},
		{
			"limits.compressions", "PITH_COMPRESSIONS", &c.Limits.Compressions,
			"requests in compression at once; further ones pass uncompressed",
		},

		{
			"retry.attempts", "PITH_RETRY_ATTEMPTS", &c.Retry.Attempts,
			"further attempts where no connection to the upstream could be had, so nothing was sent; 0 for none",
		},
		{
			"retry.busy", "PITH_RETRY_BUSY", &c.Retry.Busy,
			"also try again after the upstream's 429 and 503, in the same bounds; such requests are sent twice",
		},
		{
			"retry.max_wait", "PITH_RETRY_MAX_WAIT", &c.Retry.MaxWait,
			"longest wait before an attempt; where Retry-After asks for more the client gets the answer",
		},
		{
			"retry.rest", "PITH_RETRY_REST", &c.Retry.Rest,
			"how long an upstream is left alone, its requests answered 503, after half of 20 or more " +
				"failed within 30s; 0 for never",
		},

		{"log.level", "PITH_LOG_LEVEL", &c.Log.Level, "debug, info, warn or error"},
		{"log.format", "PITH_LOG_FORMAT", &c.Log.Format, "text or json"},

		{
			"admin.listen", "PITH_ADMIN_LISTEN", &c.Admin.Listen,
			"address for metrics and the dashboard, apart from the clients'; empty for none",
		},
		{"admin.token", "PITH_ADMIN_TOKEN", &c.Admin.Token, "token that metrics and the dashboard ask for"},

		{
			"dashboard.keep", "PITH_DASHBOARD_KEEP", &c.Dashboard.Keep,
			"requests whose code is kept to be shown with what was left out and why: in memory, never on disk, " +
				"64 MiB at most; 0 for none",
		},

		{
			"workspace.root", "PITH_WORKSPACE", &c.Workspace.Root,
			"folder whose code POST /pith/v1/context and /mcp answer about; needs keys, or a server.listen of this " +
				"machine alone; empty for none",
		},
	}
}

// A listSection is a section of the file that holds a list of entries, each with keys of its own.
type listSection struct {
	path, help string
	// entry appends an entry to the Config and returns the bindings of its fields, which have no
	// environment variables.
	entry func() []binding
}

// lists is the table of such sections.
func (c *Config) lists() []listSection {
	return []listSection{
		{
			"upstreams", "other LLM APIs: the first entry whose models and paths take a request gets it",
			func() []binding {
				c.Upstreams = append(c.Upstreams, Upstream{WebSocket: "responses"})
				u := &c.Upstreams[len(c.Upstreams)-1]
				return []binding{
					{"upstreams.name", "", &u.Name, "what logs and metrics call it"},
					{"upstreams.url", "", &u.URL, "base URL"},
					{
						"upstreams.key", "", &u.Key,
						"key that goes there in place of a virtual key; key_file: path or key_env: NAME keep it " +
							"out of this file; needs keys",
					},
					{
						"upstreams.auth", "", &u.Auth,
						"header of the key: bearer, x-api-key or api-key; empty for x-api-key on /v1/messages and " +
							"bearer elsewhere",
					},
					{"upstreams.models", "", &u.Models, "models that go there, exact or with * and ?; empty for all"},
					{
						"upstreams.paths", "", &u.Paths,
						"beginnings of paths that go there, such as /v1/messages; empty for all",
					},
					{
						"upstreams.strip_path", "", &u.StripPath,
						"leave out the beginning that matched when the request goes on",
					},
					{
						"upstreams.websocket", "", &u.WebSocket,
						"WebSockets that may be opened there: off, responses or any, as server.websocket; an " +
							"entry with models takes none",
					},
				}
			},
		},
		{"keys", "virtual keys, made by `pith key new`; with any, a request needs one of them", func() []binding {
			c.VirtualKeys = append(c.VirtualKeys, VirtualKey{})
			k := &c.VirtualKeys[len(c.VirtualKeys)-1]
			return []binding{
				{"keys.name", "", &k.Name, "who it is for; names the tenant of the cache as well"},
				{"keys.hash", "", &k.Hash, "sha256:... of the key"},
				{"keys.requests_per_minute", "", &k.RequestsPerMinute, "requests, over all replicas; 0 for no limit"},
				{
					"keys.tokens_per_minute", "", &k.TokensPerMinute,
					"tokens of prompts as sent and of answers, over all replicas; 0 for no limit",
				},
			}
		}},
	}
}
