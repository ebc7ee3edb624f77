package compress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pith/internal/cores"
	"pith/internal/panics"
	"pith/parsers"
)

// Version is the version of the algorithm. It is part of every cache key and changes whenever the
// bytes of a result may.
const Version = "12"

// compatLongCodeZip is the Request.Compat that follows the published reference.
const compatLongCodeZip = "longcodezip"

const (
	defaultFineRatio = 0.8
	defaultBeta      = 0.5
	defaultCoverage  = 0.95
)

// An Engine shortens texts. It is safe for concurrent use.
type Engine struct {
	opt   Options
	known *memory
}

// New returns an Engine, or an error that names each option that is wrong.
func New(opt Options) (*Engine, error) {
	var errs []error
	if opt.Splitter == nil {
		errs = append(errs, errors.New("splitter: missing"))
	}
	if opt.Counters == nil {
		errs = append(errs, errors.New("counters: missing"))
	}
	if opt.Ranker == "" || opt.Ranker == rankAuto {
		opt.Ranker = rankWords
	}
	if _, ok := rankerOf(opt.Ranker); !ok {
		errs = append(errs, fmt.Errorf("ranker: %q is none of ami, bm25, words, hybrid", opt.Ranker))
	}
	for _, knob := range []struct {
		name     string
		value    *float64
		standard float64
	}{
		{"fine ratio", &opt.FineRatio, defaultFineRatio},
		{"coverage", &opt.Coverage, defaultCoverage},
	} {
		if *knob.value == 0 {
			*knob.value = knob.standard
		}
		if !(*knob.value > 0 && *knob.value <= 1) {
			errs = append(errs, fmt.Errorf("%s: %v is outside (0, 1]", knob.name, *knob.value))
		}
	}
	if !(opt.DefaultRate >= 0 && opt.DefaultRate <= 1) {
		errs = append(errs, fmt.Errorf("default rate: %v is outside [0, 1]", opt.DefaultRate))
	}
	if opt.Beta == nil {
		opt.Beta = new(defaultBeta)
	}
	if !(*opt.Beta >= 0 && *opt.Beta <= 1) {
		errs = append(errs, fmt.Errorf("beta: %v is outside [0, 1]", *opt.Beta))
	}
	if opt.Speed == "" {
		opt.Speed = SpeedBalanced
	}
	if _, ok := classOf(opt.Speed); !ok {
		errs = append(errs, fmt.Errorf("speed: %q is none of exact, balanced, fast", opt.Speed))
	}
	if opt.Compat != "" && opt.Compat != compatLongCodeZip {
		errs = append(errs, fmt.Errorf("compat: %q is not %s", opt.Compat, compatLongCodeZip))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("compress options: %w", err)
	}
	known, err := newMemory(cmp.Or(opt.KnownBytes, knownBytes))
	if err != nil {
		return nil, err
	}
	return &Engine{opt: opt, known: known}, nil
}

// A job is one request on its way through the stages.
type job struct {
	opt     Options
	known   *memory
	req     Request
	counter Counter
	counts  countCache
	sources []*source
	chunks  []chunk
	// original is the number of tokens without compression, budget the number allowed.
	original, budget int
	// coverage is the share of the needed code that an adaptive budget is expected to hold, else 0.
	coverage float64
	capped   bool // it is less than was asked for
	ranking
	// large are the chunks that may be cut inside, walked the decisions over all chunks,
	// markerPrice how many times its tokens a marker is charged, target the tokens of a choice that
	// fitted the budget.
	large               []int
	walked              *choice
	markerPrice, target int
	// links are the uses between ranked chunks; see used.
	links   []use
	timings map[string]float64
}

// ranking is how chunks and blocks are ranked, and what came in between.
type ranking struct {
	ranker   ranker
	name     string
	reason   string
	short    bool // the model did not answer in time, or not at all
	slow     bool // a grammar did not end in time
	deadline time.Time
	alone    []Loss // the query's, without context
	class    class
	reading  Reading
}

// count is the number of tokens of a text.
func (j *job) count(text string) int { return j.counts.count(text) }

// time adds the time since start to a stage. The clock is for the report only; it decides no byte.
func (j *job) time(stage string, start time.Time) {
	j.timings[stage] += float64(time.Since(start)) / float64(time.Millisecond)
}

// Compress shortens req's files to its budget. It fails with ErrRequest for a request that is
// wrong, with ErrBudget for one whose budget cannot hold the smallest legal output, and with the
// context's error. A failing Scorer is no error: the cheap ranker stands in and the Result says so.
// With Compat "longcodezip" the reference's rules hold instead of the guarantees: the text may pass
// its budget, is not verbatim in blank lines and may not parse.
func (e *Engine) Compress(ctx context.Context, req Request) (Result, error) {
	start := time.Now()
	if err := req.check(); err != nil {
		return Result{}, err
	}
	if req.Compat == "" {
		req.Compat = e.opt.Compat
	}
	if req.Speed == "" {
		req.Speed = e.opt.Speed
	}
	j := &job{
		opt: e.opt, known: e.known, req: req, counter: e.opt.Counters.For(req.Model),
		timings: map[string]float64{}, markerPrice: 1,
	}
	j.counts = countCache{counter: j.counter, seen: map[string]int{}}
	if err := j.parse(ctx); err != nil {
		return Result{}, err
	}
	if req.Compat == compatLongCodeZip {
		res, err := j.reference(ctx)
		j.time("total", start)
		return res, err
	}
	p, err := j.run(ctx)
	if err != nil {
		return Result{}, err
	}
	j.time("total", start)
	return j.report(p), nil
}

// run takes the request through the stages.
func (j *job) run(ctx context.Context) (*plan, error) {
	defer j.walkAnew()
	whole := j.whole()
	j.original = whole.tokens
	j.budget = j.allowance()
	if j.original <= j.budget {
		j.name = rankNone
		j.reason = "the text already fits"
		return whole, nil
	}
	if err := j.holds(); err != nil {
		return nil, err
	}
	j.pickRanker()
	if err := j.rankChunks(ctx); err != nil {
		return nil, err
	}
	if j.adaptive() {
		j.budget, j.coverage = j.cover()
	}
	if err := j.pruneLarge(ctx); err != nil {
		return nil, err
	}
	j.appraise()
	lines, _ := j.choose(j.budget)
	j.need(lines)
	if j.req.Sparse {
		lines, _ = j.choose(j.budget)
		j.leaveIdle(lines)
	}
	return j.fit(ctx)
}

// late notes a file that was cut otherwise for want of time.
func (j *job) late(f parsers.File) {
	if f.Late {
		j.slow = true
	}
}

// holds looks before all else whether the budget holds the least that may be left: of a file that
// is one long line that is all of it, and looking for more to leave out counts it again and again.
func (j *job) holds() error {
	keep := make([][]bool, len(j.sources))
	for i, src := range j.sources {
		keep[i] = make([]bool, src.lines())
	}
	if least := j.assemble(keep).tokens; least > j.budget {
		return fmt.Errorf("%w: %d tokens cannot hold the %d that markers for everything take",
			ErrBudget, j.budget, least)
	}
	return nil
}

// parse cuts the files, several at once, and counts their lines, if that is not known.
func (j *job) parse(ctx context.Context) error {
	defer j.time("parse", time.Now())
	files := make([]*knownFile, len(j.req.Files))
	g, ctx := panics.NewGroup(ctx)
	g.SetLimit(cores.Number())
	for i, f := range j.req.Files {
		g.Go(func() (err error) {
			defer cores.GiveWay()()
			if files[i], err = j.know(ctx, f); err != nil {
				return fmt.Errorf("parse file %d of %d: %w", i+1, len(files), err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, f := range j.req.Files {
		src := newSource(f, files[i])
		src.index = i
		j.late(src.parsed)
		for _, part := range files[i].parts {
			j.counts.seen[part.text] = part.tokens
		}
		if j.req.Stage == StageCoarse {
			src.level = cutChunks
		}
		if j.opt.Retrieval != nil {
			src.id = j.opt.Retrieval(f)
		}
		// One for the indentation.
		src.marker = j.count(src.comment(src.markerBody(src.lines(), src.lines(), ""))+"\n") + 1
		j.sources = append(j.sources, src)
		j.chunks = append(j.chunks, newChunks(src, len(j.chunks))...)
	}
	return nil
}
