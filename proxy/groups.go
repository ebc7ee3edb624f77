package proxy

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"pith/compress"
	"pith/dialects"
	"pith/internal/panics"
)

// An outcomeReport is what an outcome adds to its request's report.
type outcomeReport struct {
	// original and compressed are tokens of the group's blocks.
	original, compressed int
	// budget is what results were made within, lines what of it holds lines.
	budget, lines int
	thin          bool
	// lesser is why a result is less than was asked for, of the first that is.
	lesser string
	// hits, off and seen count the engine's results: those out of a cache, those without one, all.
	hits, off, seen int
	// hashes are those of the markers that go out.
	hashes []string
}

// compressGroup runs the engine over one group. For those of its blocks of which nothing was kept
// it is asked again, one by one: what is shown to a model is not to be gone. One bad block costs
// its own savings and nothing else.
func (s *Server) compressGroup(ctx context.Context, body []byte, c *candidate) (o outcome) {
	o = outcome{group: c, edits: make([]dialects.Edit, len(c.Blocks)), errs: make([]error, len(c.Blocks))}
	for i := range o.errs {
		o.errs[i] = dialects.ErrNothingKept
	}
	o.err = panics.Guard(func() error {
		if more, err := s.ask(ctx, body, c.Group, &o); err != nil || !more {
			return err
		}
		for _, one := range c.Left(o.errs) {
			one.Request.Owed = true // else what was done for the others would be lost
			if _, err := s.ask(ctx, body, one, &o); err != nil {
				return err
			}
		}
		return nil
	})
	return o
}

// ask has the engine shorten those blocks of an outcome's group that are in rest. more is false
// where nothing of the result is used. An error is the whole group's: which of its blocks it came
// to is chance.
func (s *Server) ask(ctx context.Context, body []byte, rest dialects.Group, o *outcome) (more bool, err error) {
	if err = ctx.Err(); err != nil {
		return false, err
	}
	first := o.seen == 0
	res, err := s.opts.Compressor.Compress(ctx, rest.Request)
	switch {
	case errors.Is(err, compress.ErrBudget) && !first:
		return false, nil
	case err != nil:
		return false, err
	case res.Cut:
		return false, errCut
	}
	o.see(res)
	o.answers = append(o.answers, groupResult{rest, res})
	if res.Thin() {
		o.thin = true
		o.spend(res)
		return false, nil
	}
	edits, errs := rest.Rebuild(body, res)
	at, used := 0, false
	for i, b := range o.group.Blocks {
		if at == len(rest.Blocks) || b != rest.Blocks[at] {
			continue
		}
		o.edits[i], o.errs[i] = edits[at], errs[at]
		if errs[at] == nil {
			used = true
			o.hashes = append(o.hashes, res.Files[at].Hashes...)
			o.compressed -= saved(res, at)
		} else if at < len(res.Files) {
			res.Files = slices.Clone(res.Files) // nothing of it goes out, so nothing needs to be kept
			res.Files[at].Hashes = nil
		}
		at++
	}
	if !used {
		return false, nil
	}
	o.spend(res)
	// What the provider holds already stays as it is, though its life could not be lengthened this
	// time: the next request tries again, well within the second life that originals have.
	if err = s.originals.Keep(ctx, rest.Request, res); o.group.Request.Owed {
		err = nil
	}
	return true, err
}

// see counts a result.
func (o *outcome) see(res compress.Result) {
	if o.seen++; o.seen == 1 {
		for i := range o.group.Blocks {
			o.original += before(res, i)
		}
		o.compressed = o.original
	}
	switch res.Cache {
	case "hit":
		o.hits++
	case "", "off":
		o.off++
	}
	if less := res.Less(); less != compress.LessMarkers { // such a result is not used
		o.lesser = cmp.Or(o.lesser, less)
	}
}

func (o *outcome) spend(res compress.Result) {
	o.budget += res.Budget
	o.lines += res.LineTokens
}

// before and saved are tokens of one file of a result: those that it had, and those that it lost.
// A result of one file tells them as its own.
func before(res compress.Result, i int) int {
	switch {
	case len(res.Files) == 1:
		return res.OriginalTokens
	case i < len(res.Files):
		return res.Files[i].OriginalTokens
	}
	return 0
}

func saved(res compress.Result, i int) int {
	if len(res.Files) == 1 {
		return res.OriginalTokens - res.CompressedTokens
	}
	return res.Files[i].OriginalTokens - res.Files[i].CompressedTokens
}
