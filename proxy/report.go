package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pith/compress"
	"pith/dialects"
	"pith/explain"
	"pith/index"
	"pith/internal/panics"
	"pith/retrieval"
)

// A report says what was done to one request. It feeds the response headers, the metrics and the
// log.
type report struct {
	decision decision
	reason   string
	// model is the name in the request: free text, for no label and no log.
	model string
	// original and compressed are tokens of the blocks that the engine saw, as the engine counts
	// them: without line numbers, and without the rest of the request, which nobody was going to
	// change.
	original, compressed int
	// budget is what the engine had for those blocks, lines is what of it holds lines of theirs.
	budget, lines int
	// thin counts the results that were nothing but markers, or little more, and were not used.
	thin int
	// blocks went through the engine, left of them were sent as they came.
	blocks, left int
	cache        string
	took         time.Duration
	// hashes are those of the markers that go out.
	hashes []string
	// prompts names the few-shot prompts that were pruned.
	prompts []string
	// pieces are the blocks as they went through the engine, where somebody wants to see them.
	pieces []explain.Piece
}

// A decision is the first word of X-Pith-Decision.
type decision string

const (
	decisionPass       decision = "pass"       // nothing to do
	decisionCompressed decision = "compressed" // at least one block is shorter
	decisionBypass     decision = "bypass"     // something went wrong or was too busy; the original was sent
	decisionFailed     decision = "failed"     // likewise, of an endpoint of Pith's own: it has nothing to give
)

// Reasons of a pass or a bypass, beside those of dialects.Left and what a result may be less than
// asked for by (compress.Less...). They are few, as metrics are labelled with them.
const (
	reasonOff      = "mode-off"
	reasonHoldout  = "holdout"
	reasonMethod   = "method"
	reasonType     = "content-type"
	reasonEncoding = "content-encoding"
	reasonJSON     = "not-json"
	reasonTwice    = "duplicate-key"
	reasonMembers  = "too-many-members"
	reasonMemory   = "memory"
	reasonNoGain   = "no-gain"
	reasonBusy     = "busy"
	reasonFrozen   = "frozen"
	reasonTimeout  = "timeout"
	reasonCut      = compress.LessCut
	reasonPanic    = "panic"
	reasonBudget   = "budget"
	reasonResult   = "bad-result"
	reasonNotKept  = "not-kept"
	reasonError    = "error"
	reasonGone     = "client-gone"
	reasonIndexing = "indexing"
)

// reasonOf names an error in the fixed words of the reasons.
func reasonOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, compress.ErrBusy):
		return reasonBusy
	case errors.Is(err, dialects.ErrMemory):
		return reasonMemory
	case errors.Is(err, index.ErrIndexing):
		return reasonIndexing
	case errors.Is(err, errFrozen):
		return reasonFrozen
	case errors.Is(err, errCut):
		return reasonCut
	case errors.Is(err, context.DeadlineExceeded):
		return reasonTimeout
	case errors.Is(err, context.Canceled):
		return reasonGone
	case errors.Is(err, panics.Err):
		return reasonPanic
	case errors.Is(err, dialects.ErrNoGain):
		return reasonNoGain
	case errors.Is(err, retrieval.ErrNotKept):
		return reasonNotKept
	case errors.Is(err, compress.ErrBudget):
		return reasonBudget
	case errors.Is(err, dialects.ErrUnaligned), errors.Is(err, dialects.ErrBreaksOut):
		return reasonResult
	default:
		return reasonError
	}
}

// A tally sums outcomes up.
type tally struct {
	report
	edits []dialects.Edit
	worst error
	// lesser is why a result is less than was asked for, of the first that is.
	lesser string
	hits   int
	off    int
	seen   int
}

func (t *tally) add(o outcome) {
	if o.err != nil {
		t.fail(o.err)
		return
	}
	t.seen += o.seen
	t.hits += o.hits
	t.off += o.off
	t.original += o.original
	t.compressed += o.compressed
	t.budget += o.budget
	t.lines += o.lines
	t.lesser = cmp.Or(t.lesser, o.lesser)
	t.hashes = append(t.hashes, o.hashes...)
	if o.thin {
		t.thin++
	}
	for i, err := range o.errs {
		switch {
		case err == nil:
			t.left--
			t.edits = append(t.edits, o.edits[i])
		case !errors.Is(err, dialects.ErrNoGain):
			t.fail(err)
		}
	}
}

// fail keeps the first failure: it is the one that the header names.
func (t *tally) fail(err error) {
	if t.worst == nil {
		t.worst = err
	}
}

func (t *tally) finish() ([]dialects.Edit, report) {
	slices.SortFunc(t.edits, func(a, b dialects.Edit) int { return a.Start - b.Start })
	slices.Sort(t.hashes)
	switch {
	case t.seen == 0:
	case t.off == t.seen:
		t.cache = "off"
	case t.hits == t.seen:
		t.cache = "hit"
	default:
		t.cache = "miss"
	}
	switch {
	case len(t.edits) > 0:
		t.decision = decisionCompressed
		switch {
		case t.worst != nil:
			t.reason = reasonOf(t.worst)
		case t.left > 0:
			t.reason = reasonNoGain
		default:
			t.reason = t.lesser
		}
	case t.worst != nil:
		t.decision, t.reason = decisionBypass, reasonOf(t.worst)
	default:
		t.decision, t.reason = decisionPass, reasonNoGain
	}
	return t.edits, t.report
}

// reportOf says what was done to files that were sent for compression alone.
func reportOf(res compress.Result) report {
	rep := report{
		decision: decisionCompressed, reason: res.Less(), original: res.OriginalTokens,
		compressed: res.CompressedTokens, budget: res.Budget, lines: res.LineTokens, cache: res.Cache,
	}
	if res.CompressedTokens >= res.OriginalTokens {
		rep.decision, rep.reason = decisionPass, cmp.Or(rep.reason, reasonNoGain)
	}
	return rep
}

// ratio is original / compressed, or 1 where nothing was compressed.
func (rep report) ratio() float64 {
	if rep.original == 0 {
		return 1
	}
	return float64(rep.original) / float64(max(1, rep.compressed))
}

// String is the value of X-Pith-Decision: "compressed; left=1; reason=timeout".
func (rep report) String() string {
	text := string(rep.decision)
	if rep.left > 0 {
		text += fmt.Sprintf("; left=%d", rep.left)
	}
	if rep.reason != "" {
		text += "; reason=" + rep.reason
	}
	return text
}

// writeTo sets the response headers that tell what was done.
func (rep report) writeTo(h http.Header) {
	if rep.decision == "" {
		return
	}
	h.Set("X-Pith-Decision", rep.String())
	if rep.original > 0 {
		h.Set("X-Pith-Original-Tokens", strconv.Itoa(rep.original))
		h.Set("X-Pith-Compressed-Tokens", strconv.Itoa(rep.compressed))
		h.Set("X-Pith-Ratio", strconv.FormatFloat(rep.ratio(), 'f', 2, 64))
	}
	if rep.budget > 0 {
		h.Set("X-Pith-Budget-Used", strconv.FormatFloat(float64(rep.lines)/float64(rep.budget), 'f', 2, 64))
	}
	if len(rep.prompts) > 0 {
		h.Set("X-Pith-Prompts", strings.Join(rep.prompts, ", "))
	}
	if rep.cache != "" {
		h.Set("X-Pith-Cache", rep.cache)
	}
	if rep.took > 0 {
		h.Add("Server-Timing", fmt.Sprintf("pith;dur=%.1f", float64(rep.took)/float64(time.Millisecond)))
	}
}
