package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"pith/bench/sources"
	"pith/compress"
)

// defaultLanguages are the ones that retention is measured for unless told otherwise.
var defaultLanguages = []string{"go", "python", "javascript", "typescript", "java", "c", "cpp", "rust"}

// RetentionOptions say what to ask. The zero value of each field means its default.
type RetentionOptions struct {
	// Queries is the number of tasks in all, shared evenly over Languages. If zero, 200.
	Queries int
	// Languages are canonical names. If empty, go, python, javascript, typescript, java, c, cpp and
	// rust.
	Languages []string
	// Rankers are those to compare: random, head, bm25, words, ami, hybrid, oracle; ami@fast and
	// the like run at that speed, words@coarse and the like that far. If empty, all. bm25 always
	// runs: the rest is compared with it.
	Rankers []string
	// Ratios are original / compressed tokens. If empty, 2, 4, 5.6 and 10.
	Ratios []float64
	// Seed fixes which functions are asked for. The same seed and the same sources give the same
	// figures.
	Seed uint64
	// ContextBytes bounds the files of one task together. If zero, 32 KiB, about 8,000 tokens.
	ContextBytes int
	// HeldOutOnly leaves out packages that the model may have seen in training.
	HeldOutOnly bool
	// StripAll takes the description of every function out of the context, not only the needle's.
	StripAll bool
	// Progress is told how far the run is. May be nil.
	Progress func(phase string, done, total int)
}

const (
	baselineRanker = "bm25"
	// oracleRanker asks with the answer's own code instead of the question: what is lost then is
	// lost to the budget and not to the ranking.
	oracleRanker = "oracle"
)

func (o RetentionOptions) withDefaults() RetentionOptions {
	if o.Queries == 0 {
		o.Queries = 200
	}
	if len(o.Languages) == 0 {
		o.Languages = defaultLanguages
	}
	if len(o.Rankers) == 0 {
		o.Rankers = []string{"random", "head", baselineRanker, "words", "ami", "hybrid", oracleRanker}
	}
	if !slices.Contains(o.Rankers, baselineRanker) {
		o.Rankers = append([]string{baselineRanker}, o.Rankers...)
	}
	if len(o.Ratios) == 0 {
		o.Ratios = []float64{2, 4, 5.6, 10}
	}
	if o.ContextBytes == 0 {
		o.ContextBytes = 32 << 10
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// Retention measures whether the function that answers a question survives compression.
//
// A question is a function's own doc comment without its name; the context is the function's file
// and its neighbours with that comment taken out. So the right answer is known without anybody
// having labelled it, in any language.
type Retention struct {
	Compressor Compressor
	Splitter   compress.Splitter
	Counters   compress.Counters
}

// Run collects tasks from the packages and puts each to each ranker.
func (r Retention) Run(ctx context.Context, packages []sources.Package, opt RetentionOptions) (RetentionReport, error) {
	opt = opt.withDefaults()
	tasks, err := r.collect(ctx, packages, opt)
	if err != nil {
		return RetentionReport{}, err
	}
	if len(tasks) == 0 {
		return RetentionReport{},
			fmt.Errorf("no documented functions in %s among %d packages",
				strings.Join(opt.Languages, ", "), len(packages))
	}
	results := make(map[string][]outcome, len(opt.Rankers))
	for i, task := range tasks {
		for _, ranker := range opt.Rankers {
			out, err := r.evaluate(ctx, task, ranker, opt)
			if err != nil {
				return RetentionReport{}, fmt.Errorf("%s, %q by %s: %w", task.Package, task.Query, ranker, err)
			}
			results[ranker] = append(results[ranker], out)
		}
		opt.Progress("queries", i+1, len(tasks))
	}
	return newRetentionReport(tasks, results, opt), nil
}

// evaluate puts a task to a ranker at each ratio.
func (r Retention) evaluate(ctx context.Context, task Task, ranker string, opt RetentionOptions) (outcome, error) {
	compressor := r.compressorFor(ranker, opt.Seed)
	rank := 0
	var perRatio outcome
	for _, ratio := range opt.Ratios {
		req := compress.Request{Files: task.Files, Query: task.Query, Rate: 1 / ratio}
		parts := strings.Split(ranker, "@")
		req.Ranker = parts[0]
		for _, part := range parts[1:] {
			if stage := compress.Stage(part); stage == compress.StageCoarse || stage == compress.StageFine {
				req.Stage = stage
			} else {
				req.Speed = compress.Speed(part)
			}
		}
		if ranker == oracleRanker {
			req.Query, req.Ranker = task.answer(), baselineRanker
		}
		res, err := compressor.Compress(ctx, req)
		if errors.Is(err, compress.ErrBudget) {
			// Nothing legal fits: nothing is kept, and there is nothing to parse.
			perRatio = append(perRatio, 0, 0, 0, math.NaN(), math.NaN())
			continue
		}
		if err != nil {
			return nil, err
		}
		if rank == 0 {
			rank = task.rank(res)
		}
		kept := task.codebase().keptLines(res)
		parse, err := task.codebase().parseable(ctx, r.Splitter, res)
		if err != nil {
			return nil, err
		}
		keep := task.retention(kept)
		perRatio = append(perRatio, keep, boolean(keep == 1), visible(task.defs, kept), parse,
			share(res.OriginalTokens, res.CompressedTokens))
	}
	if rank == 0 {
		return nil, errors.New("the result does not list the function asked for")
	}
	ranking := outcome{1 / float64(rank), boolean(rank <= 1), boolean(rank <= 5)}
	return append(ranking, perRatio...), nil
}

func (r Retention) compressorFor(ranker string, seed uint64) Compressor {
	switch ranker {
	case "head":
		return baseline{r.Splitter, r.Counters, headTruncation}
	case "random":
		return baseline{r.Splitter, r.Counters, randomChunks(seed)}
	}
	return r.Compressor
}
