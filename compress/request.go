// Package compress shortens source text for a question and a token budget.
//
// It cuts files into chunks, ranks the chunks by how much each lowers a language model's perplexity
// of the query, shares the budget out over them, cuts the chosen ones into blocks and packs the
// best blocks (LongCodeZip, arXiv 2510.00446). It knows nothing of HTTP, of ONNX and of where
// results are kept: text, query and budget go in, text and a report come out.
package compress

import (
	"context"
	"errors"
	"iter"
	"slices"

	"pith/parsers"
)

// A File is one input text.
type File struct {
	// Path names the file; language and chunk names come from it. May be empty.
	Path string `json:"path"`
	// Language overrides detection when not empty: a canonical name or a fence tag ("py").
	Language string `json:"language,omitempty"`
	Content  string `json:"content"`
}

// A Stage is how far compression goes.
type Stage string

// The stages of LongCodeZip: coarse keeps or drops whole chunks, fine also drops blocks inside
// chunks.
const (
	StageCoarse Stage = "coarse"
	StageFine   Stage = "fine"
)

// A Request is one text to be shortened. The zero value of each optional field means the engine's
// default.
type Request struct {
	Files []File `json:"files,omitempty"`
	// Query is the instruction that the text is shortened for. May be empty: then order in the file
	// decides.
	Query string `json:"query,omitempty"`
	// Budget is the number of tokens allowed for all files together, markers and separators
	// included, counted with the tokenizer of Model. If zero, Rate decides.
	Budget int `json:"budget,omitempty"`
	// Rate is compressed / original tokens, in (0, 1]. Used when Budget is zero. If both are zero,
	// the adaptive default.
	Rate float64 `json:"rate,omitempty"`
	// Model is the upstream's model name; it chooses the tokenizer that counts.
	Model string `json:"model,omitempty"`
	// Ranker is auto, ami, bm25, words or hybrid. If empty, auto.
	Ranker string `json:"ranker,omitempty"`
	// Speed is exact, balanced or fast. If empty, the engine's.
	Speed Speed `json:"speed,omitempty"`
	Stage Stage `json:"stage,omitempty"`
	// Explain asks for the signals of each chunk in the Result.
	Explain bool `json:"explain,omitempty"`
	// Compat is empty or "longcodezip": the published reference's rules, defects that change
	// results included.
	Compat string `json:"compat,omitempty"`
	// WayBack is said once in each file's text, in a marker, where markers carry no hash: how the
	// omitted lines can be had. One line, in words that end no comment. It is part of the budget.
	WayBack string `json:"-"`
	// Sparse leaves files of which no declaration stays whole out of the text, where else a marker
	// stands for each.
	Sparse bool `json:"-"`
	// Owed says that the result was used before and has to be had again, however much else is to be
	// done. It decides no byte.
	Owed bool `json:"-"`
	// Tenant separates callers: no cached result crosses it. Never sent by a client; the server
	// derives it from the key.
	Tenant string `json:"-"`
}

// A Result is the shortened text with its report (the JSON object of `pith compress --format
// json`).
type Result struct {
	OriginalTokens   int     `json:"original_tokens"`
	CompressedTokens int     `json:"compressed_tokens"`
	Ratio            float64 `json:"ratio"` // original / compressed
	Budget           int     `json:"budget"`
	// LineTokens are the tokens of the input's lines that the text holds; the rest are markers. A
	// result of markers is none.
	LineTokens int `json:"line_tokens"`
	// Coverage is the share of the needed code that the engine expects an adaptive budget to hold.
	Coverage float64 `json:"coverage,omitempty"`
	// Ranker is the one that ran; RankerReason says why, when it is not the one asked for.
	Ranker       string             `json:"ranker"`
	RankerReason string             `json:"ranker_reason,omitempty"`
	Device       string             `json:"device"`
	Text         string             `json:"text"`
	Files        []FileResult       `json:"files"`
	Chunks       []ChunkResult      `json:"chunks"`
	TimingsMS    map[string]float64 `json:"timings_ms"`
	// Cache is hit, miss or off. Set by Cache.
	Cache string `json:"cache,omitempty"`
	// Tokenizer names the encoding that counted; Estimated says that the model's own tokenizer is
	// not public.
	Tokenizer string `json:"tokenizer"`
	Estimated bool   `json:"estimated,omitempty"`
	// Reading is what the model read; nil where it was not asked.
	Reading *Reading `json:"reading,omitempty"`
	// Cut reports that the model did not answer in time, or failed, and the cheaper ranker stood
	// in, or that a grammar ran out of time and lines did; such a result may not repeat.
	Cut bool `json:"cut,omitempty"`
	// Capped reports an adaptive budget that stopped short of the coverage asked for: what would
	// have come to it is nearly all of the text.
	Capped bool `json:"capped,omitempty"`
}

// A FileResult is one file of a Result.
type FileResult struct {
	Path             string `json:"path"`
	Language         string `json:"language"`
	OriginalTokens   int    `json:"original_tokens"`
	CompressedTokens int    `json:"compressed_tokens"`
	Text             string `json:"text"`
	// Fallback says why the line-based cutter ran instead of a grammar; empty when a grammar ran.
	Fallback string `json:"fallback,omitempty"`
	// Hashes are those of the text's markers, in order; empty without retrieval. ParseGap reads
	// them.
	Hashes []string `json:"hashes,omitempty"`
}

// ByLines reports that there is a grammar of the file's language and that it failed on the file, so
// that lines stood in for it.
func (f FileResult) ByLines() bool {
	return f.Fallback != "" && slices.Contains(parsers.Languages(), f.Language)
}

// A Decision says what became of a chunk.
type Decision string

// Decisions: kept whole, pruned inside, omitted whole.
const (
	Kept    Decision = "kept"
	Pruned  Decision = "pruned"
	Omitted Decision = "omitted"
)

// A ChunkResult is one chunk of a Result; a file's chunks tile it, so KeptLines of all name each
// kept line once. Lines are 1-based and inclusive, as editors count.
type ChunkResult struct {
	File string `json:"file"`
	// FileIndex is the file's place among the request's: paths may be equal.
	FileIndex int          `json:"file_index"`
	Language  string       `json:"language"`
	Kind      parsers.Kind `json:"kind"`
	Name      string       `json:"name"`
	StartLine int          `json:"start_line"`
	EndLine   int          `json:"end_line"`
	Tokens    int          `json:"tokens"`
	Score     float64      `json:"score"`
	Rank      int          `json:"rank"` // 1 is best; 0 for lines that only close another chunk
	Decision  Decision     `json:"decision"`
	KeptLines [][2]int     `json:"kept_lines"`
	// Signals are what the ranking knew of the chunk, by name, where the request asked to explain.
	Signals map[string]float64 `json:"signals,omitempty"`
	// Parts are what each signal added to Score, weighed; they come with Signals.
	Parts map[string]float64 `json:"parts,omitempty"`
}

// Errors that a caller can act on.
var (
	// ErrBudget means that the budget cannot hold even the smallest legal output.
	ErrBudget = errors.New("budget too small")
	// ErrRequest marks a request that is wrong in itself (a rate outside (0,1], an unknown ranker).
	ErrRequest = errors.New("bad request")
)

// A Splitter cuts a file. processes.Pool is one.
type Splitter interface {
	Parse(ctx context.Context, path string, src []byte) (parsers.File, error)
	ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error)
}

// A Counter counts tokens as the upstream's tokenizer does.
type Counter interface {
	// Count returns the number of tokens of text.
	Count(text string) int
	// Parts cuts text where no token lies across: its count is the sum of theirs.
	Parts(text string) iter.Seq[string]
	// Encoding names the tokenizer; exact is false when it stands in for one that is not public.
	Encoding() (name string, exact bool)
}

// Counters picks the Counter of an upstream model; an unknown or empty name gets a sensible
// default.
type Counters interface {
	For(model string) Counter
}

// A Sequence is text to score after given, which may be empty. The two are tokenised apart.
type Sequence struct {
	Given, Text string
	// WantGiven asks for the losses of Given's own tokens as well, from the same pass.
	WantGiven bool
}

// A Loss is the surprise of one token: nats, and where its first byte stands in its text.
type Loss struct {
	Offset int
	NLL    float64
}

// Losses are the results of one Sequence. The very first token of a pass has no loss and no entry.
type Losses struct {
	Given, Text []Loss
	// Dropped is the number of leading bytes of Given that the model's length limit cut off.
	Dropped int
}

// A Scorer says how surprising texts are. Results are in the order of seqs and do not depend on
// what else is in the batch.
type Scorer interface {
	Score(ctx context.Context, seqs []Sequence) ([]Losses, error)
	// Info names the model's identity (checksum; part of every cache key) and the device ("cpu",
	// "cuda:0").
	Info() (id, device string)
}
