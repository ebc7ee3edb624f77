package compress

import (
	"time"

	"pith/compress/lexical"
)

// Options configure an Engine. Splitter and Counters are required; the rest has defaults.
type Options struct {
	Splitter Splitter
	Counters Counters
	// Scorer is the language model. If nil, what needs one ranks by words.
	Scorer Scorer
	// Embedding knows words as vectors. If nil, only equal words match.
	Embedding lexical.Embedding
	// Ranker is what auto stands for. If empty or auto, words: reading more does not keep more
	// (bench/RESULTS.md).
	Ranker string
	// Speed is the class of requests that name none. If empty, balanced.
	Speed Speed
	// Deadline bounds scoring; past it the cheap ranking stands for the rest and Result.Cut is set.
	// If zero, no bound.
	Deadline time.Duration
	// FineRatio is R_fine: the share of the chosen chunks that the fine stage keeps, in (0, 1]. If
	// zero, 0.8.
	FineRatio float64
	// Beta is how far relevance bends the budget of a function, in [0, 1]. If nil, 0.5.
	Beta *float64
	// Compat is the Compat of requests that name none.
	Compat string
	// DefaultRate is used when a request names neither budget nor rate. If zero, Coverage decides.
	DefaultRate float64
	// Coverage is the share of the needed code, in (0, 1], that an adaptive budget is to hold as
	// far as can be told beforehand. If zero, 0.95.
	Coverage float64
	// KnownBytes bounds the memory for what is known of files of earlier requests, each tenant's
	// its own, so that another question about them takes less time. If zero, 64 MiB; if negative,
	// none is kept.
	KnownBytes int
	// Retrieval makes markers end in ` hash=<24 hex>`: it names a file by at least 14 lower case
	// hex digits, the first of which begin the hash of each of its gaps. It must depend on the file
	// and a fixed key alone, or the same history would not give the same bytes. Whoever sends the
	// result on keeps the file under that name. If nil, markers carry no hash.
	Retrieval func(f File) (id string)
}
