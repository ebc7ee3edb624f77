package compress

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"pith/compress/lexical"
	"pith/parsers"
)

// The rules of the published reference implementation (released package of LongCodeZip), for
// comparing with its tables. Followed: its chunks, the coarse budget of target+100 with the chunk
// that crosses it, line-based allocation, blocks cut behind spikes over mean + 0.2 std, conditional
// perplexity with the first query token as block value, blocks preserved by substrings, joins by
// blank lines, markers without line numbers, and no account of markers and joins in the budget. Not
// followed: its crash where everything fits (the text comes back unchanged), its two models (one
// scores all), and that a chunk beyond the model's length wins (the Scorer cuts the chunk's head).
// Tokens are the upstream's, not the model's.

const (
	referenceSlack = 100 // the coarse stage's "+100"
	referenceRate  = 0.5 // where the request has neither budget nor rate
)

// A refChunk is one piece of the reference's partition.
type refChunk struct {
	src    *source
	text   string
	line   int // 0-based line that the text's first character is on
	tokens int
	score  float64
	rank   int
	keep   bool
	kept   []int  // lines of text that stay where it is compressed, counted from 0
	short  string // the compressed text
	pruned bool
}

// reference compresses by the rules of the reference.
func (j *job) reference(ctx context.Context) (Result, error) {
	chunks := j.refChunks()
	total := 0
	for _, c := range chunks {
		total += c.tokens
	}
	j.original = total
	j.budget = j.req.Budget
	if j.budget == 0 {
		rate := j.req.Rate
		if rate == 0 {
			rate = referenceRate
		}
		j.budget = int(float64(total) * rate)
	}
	if total <= j.budget {
		j.name, j.reason = rankNone, "the text already fits"
		for i := range chunks {
			chunks[i].keep = true
		}
		return j.refReport(chunks, j.fileTexts(func(src *source) string { return src.content })), nil
	}
	if err := j.refRank(ctx, chunks); err != nil {
		return Result{}, err
	}
	refSelect(chunks, j.budget+referenceSlack)
	if j.req.Stage != StageCoarse {
		if err := j.refPrune(ctx, chunks); err != nil {
			return Result{}, err
		}
	}
	return j.refReport(chunks, j.fileTexts(func(src *source) string { return refText(src, chunks) })), nil
}

func (j *job) refChunks() []refChunk {
	var list []refChunk
	for _, src := range j.sources {
		at, line := 0, 0
		for _, text := range parsers.SplitReference(src.parsed.Language, []byte(src.content)) {
			dropped := max(strings.Index(src.content[at:], text), 0) // separators between pieces
			line += strings.Count(src.content[at:at+dropped], "\n")
			at += dropped
			list = append(list, refChunk{src: src, text: text, line: line, tokens: j.count(text)})
			line += strings.Count(text, "\n")
			at += len(text)
		}
	}
	return list
}

// refRank is AMI as the reference's coarse stage has it: without the first query token on both
// sides.
func (j *job) refRank(ctx context.Context, chunks []refChunk) error {
	defer j.time("rank", time.Now())
	j.use(rankAMI)
	scores := make([]float64, len(chunks))
	switch {
	case strings.TrimSpace(j.req.Query) == "":
		j.use(rankOrder)
		j.reason = "the query is empty"
	case j.opt.Scorer == nil:
		j.use(rankBM25)
		j.reason = "no model is loaded"
	default:
		seqs := []Sequence{{Text: j.req.Query}}
		for _, c := range chunks {
			seqs = append(seqs, Sequence{Given: c.text + "\n\n", Text: j.req.Query})
		}
		losses, ok, err := j.model(ctx, seqs)
		if err != nil {
			return err
		}
		if !ok {
			j.use(rankBM25)
			break
		}
		e := evidence{rows: make([]row, len(chunks)), alone: losses[0].Text}
		for _, l := range losses[1:] {
			e.given = append(e.given, l.Text)
		}
		j.alone = e.alone
		scores = amiRanker{}.scores(e)
	}
	if j.name == rankBM25 {
		texts := make([]string, len(chunks))
		for i, c := range chunks {
			texts[i] = c.text
		}
		scores = lexical.BM25Texts(j.req.Query, texts)
	}
	for rank, i := range byScore(scores) {
		chunks[i].score, chunks[i].rank = scores[i], rank+1
	}
	return nil
}

// refSelect takes chunks by rank until one crosses the limit; that one is taken along.
func refSelect(chunks []refChunk, limit int) {
	order := make([]int, len(chunks))
	for i, c := range chunks {
		order[c.rank-1] = i
	}
	for _, i := range order {
		chunks[i].keep = true
		if limit -= chunks[i].tokens; limit < 0 {
			return
		}
	}
}

// refMarker is the reference's comment marker, which is wrong for typescript and rust.
func refMarker(language string) string {
	if slices.Contains([]string{"python", "typescript", "rust"}, language) {
		return "#"
	}
	return "//"
}

// refText joins the chunks of one file.
func refText(src *source, chunks []refChunk) string {
	marker := refMarker(src.parsed.Language)
	var parts []string
	for _, c := range chunks {
		switch {
		case c.src != src:
		case !c.keep:
			parts = append(parts, marker+" ... ")
		case c.pruned:
			parts = append(parts, c.short)
		default:
			parts = append(parts, c.text)
		}
	}
	return refClean(strings.Join(parts, "\n\n"), marker)
}

// refClean drops a marker line when the line before it that is not blank is one, too.
func refClean(text, marker string) string {
	var lines []string
	after := false
	for line := range strings.SplitSeq(text, "\n") {
		switch strings.TrimSpace(line) {
		case "":
		case marker + " ...":
			if after {
				continue
			}
			after = true
		default:
			after = false
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (j *job) fileTexts(text func(*source) string) []string {
	list := make([]string, len(j.sources))
	for i, src := range j.sources {
		list[i] = text(src)
	}
	return list
}

// refReport describes the outcome. Its budget is a target that the reference may miss in both
// directions.
func (j *job) refReport(chunks []refChunk, texts []string) Result {
	all := strings.Join(texts, "\n\n")
	j.chunks = nil // the reference has its own
	res := j.report(&plan{texts: texts, text: all, tokens: j.count(all)})
	for _, c := range chunks {
		lead := 0 // a chunk begins with the line end of the line before it
		if strings.HasPrefix(c.text, "\n") {
			lead = 1
		}
		r := ChunkResult{
			File: c.src.path, FileIndex: c.src.index, Language: c.src.parsed.Language, Kind: parsers.KindModule,
			Tokens: c.tokens,
			Score:  c.score, Rank: c.rank,
			StartLine: c.line + lead + 1, EndLine: c.line + 1 + strings.Count(strings.TrimSuffix(c.text, "\n"), "\n"),
			Decision:  Omitted,
			KeptLines: [][2]int{},
		}
		switch {
		case c.keep && c.pruned:
			r.Decision = Pruned
			keep := make([]bool, c.line+strings.Count(c.text, "\n")+1)
			for _, line := range c.kept {
				keep[c.line+line] = line >= lead
			}
			r.KeptLines = runs(keep, c.line, len(keep))
		case c.keep:
			r.Decision = Kept
			r.KeptLines = append(r.KeptLines, [2]int{r.StartLine, r.EndLine})
		}
		res.Chunks = append(res.Chunks, r)
	}
	return res
}

// perplexity is exp of the mean loss, 1 without losses, as the reference has it.
func perplexity(losses []Loss) float64 {
	if len(losses) == 0 {
		return 1
	}
	sum := 0.0
	for _, l := range losses {
		sum += l.NLL
	}
	return math.Exp(sum / float64(len(losses)))
}
