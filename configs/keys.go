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
		{"server.upstream", "PITH_UPSTREAM", &c.Server.Upstream, "base URL of the LLM API behind Pith"},
		{"server.max_body_bytes", "PITH_MAX_BODY_BYTES", &c.Server.MaxBodyBytes, "largest request body that is read for compression; larger ones get 413"},
		{"server.drain_timeout", "PITH_DRAIN_TIMEOUT", &c.Server.DrainTimeout, "how long running answers may take after SIGTERM"},

		{"compress.mode", "PITH_MODE", &c.Compress.Mode, "for requests that do not say: off, auto or force"},
		{"compress.rate", "PITH_RATE", &c.Compress.Rate, "compressed / original tokens where a request gives no budget, in (0, 1]"},
		{"compress.ranker", "PITH_RANKER", &c.Compress.Ranker, "auto, ami (language model), bm25 (words), words (headers first) or hybrid"},
		{"compress.speed", "PITH_SPEED", &c.Compress.Speed, "how much the model reads: exact (everything), balanced or fast (what words alone leave open); pith doctor suggests one"},
		{"compress.deadline", "PITH_DEADLINE", &c.Compress.Deadline, "time for scoring; past it word matching ranks the rest; 0 for none"},
		{"compress.timeout", "PITH_TIMEOUT", &c.Compress.Timeout, "time that compression may add to a request; past it the original goes out"},
		{"compress.min_bytes", "PITH_MIN_BYTES", &c.Compress.MinBytes, "smallest block of code that is compressed"},
		{"compress.fine_ratio", "PITH_FINE_RATIO", &c.Compress.FineRatio, "share of the chosen functions that pruning inside them keeps, in (0, 1]"},
		{"compress.beta", "PITH_BETA", &c.Compress.Beta, "how far relevance bends the budget of a function, in [0, 1]"},
		{"compress.compat", "PITH_COMPAT", &c.Compress.Compat, "longcodezip to follow the published reference, defects included"},

		{"model.dir", "PITH_MODEL_DIR", &c.Model.Dir, "folder with model.onnx and tokenizer.json, or the name of an installed model; empty for the embedded one"},
		{"model.folder", "PITH_MODELS", &c.Model.Folder, "where models are installed; empty for pith/models in the user's data folder"},
		{"model.device", "PITH_DEVICE", &c.Model.Device, "auto, cpu, cuda or cuda:N"},
		{"model.threads", "PITH_THREADS", &c.Model.Threads, "model runs at once on the CPU, one core each; 0 for all cores"},
		{"model.state_bytes", "PITH_STATE_BYTES", &c.Model.StateBytes, "memory for what the model keeps of texts that it read, 5.5 KiB a token with the embedded one; the same code with another question costs the question only; 0 for none"},
		{"model.runtime", "PITH_ONNXRUNTIME", &c.Model.Runtime, "ONNX Runtime library; empty to search"},

		{"parsers.workers", "PITH_PARSE_WORKERS", &c.Parsers.Workers, "parse processes"},
		{"parsers.timeout", "PITH_PARSE_TIMEOUT", &c.Parsers.Timeout, "time for one file's parse; past it the file is cut by lines"},
		{"parsers.max_bytes", "PITH_PARSE_MAX_BYTES", &c.Parsers.MaxBytes, "largest file that is parsed; larger ones are cut by lines"},
		{"parsers.in_process", "PITH_PARSE_IN_PROCESS", &c.Parsers.InProcess, "parse in the main process; for trusted files only, a hostile one can end it"},

		{"cache.memory_bytes", "PITH_CACHE_BYTES", &c.Cache.MemoryBytes, "memory for results; 0 for none"},
		{"cache.ttl", "PITH_CACHE_TTL", &c.Cache.TTL, "how long a result is kept; 0 until there is no room"},
		{"cache.redis_url", "PITH_REDIS_URL", &c.Cache.RedisURL, "Redis that replicas share, redis://[user:password@]host:port[/db]; needs cache.secret"},
		{"cache.secret", "PITH_CACHE_SECRET", &c.Cache.Secret, "keys the cache and encrypts what Redis holds; the same for all replicas, 16 bytes or more"},

		{"retrieval.enabled", "PITH_RETRIEVAL", &c.Retrieval.Enabled, "keep originals, so that omitted lines can be had back by the hash in their marker; needs cache.secret"},
		{"retrieval.ttl", "PITH_RETRIEVAL_TTL", &c.Retrieval.TTL, "how long a hash resolves after the last request that carried it"},
		{"retrieval.memory_bytes", "PITH_RETRIEVAL_BYTES", &c.Retrieval.MemoryBytes, "memory for originals where there is no Redis; full, blocks go out whole"},
		{"retrieval.tool", "PITH_RETRIEVAL_TOOL", &c.Retrieval.Tool, "let the model ask for omitted lines by a tool that the client does not see; needs retrieval.enabled"},

		{"accounting.holdout", "PITH_HOLDOUT", &c.Accounting.Holdout, "share of conversations that pass uncompressed for comparison, in [0, 1]"},
		{"accounting.prices", "PITH_PRICES", &c.Accounting.Prices, "file with prices by model, see configs/prices/example.yaml; empty for none"},

		{"tracing.endpoint", "PITH_TRACING_ENDPOINT", &c.Tracing.Endpoint, "OTLP/HTTP collector, such as http://127.0.0.1:4318; empty for OTEL_EXPORTER_OTLP_ENDPOINT, and without that no traces"},

		{"prompts.dir", "PITH_PROMPTS_DIR", &c.Prompts.Dir, "folder of artefacts from `pith evolve export`; messages that hold an original prompt are sent with the pruned one; read again when it changes"},
		{"prompts.any_model", "PITH_PROMPTS_ANY_MODEL", &c.Prompts.AnyModel, "use artefacts for models that they were not measured on as well"},

		{"log.level", "PITH_LOG_LEVEL", &c.Log.Level, "debug, info, warn or error"},
		{"log.format", "PITH_LOG_FORMAT", &c.Log.Format, "text or json"},

		{"admin.listen", "PITH_ADMIN_LISTEN", &c.Admin.Listen, "address for metrics, apart from the clients'; empty for none"},
		{"admin.token", "PITH_ADMIN_TOKEN", &c.Admin.Token, "bearer token that metrics ask for"},
	}
}
