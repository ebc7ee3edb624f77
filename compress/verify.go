package compress

import (
	"context"
	"fmt"
	"slices"

	"pith/internal/cores"
	"pith/internal/panics"
	"pith/parsers"
)

// maxTrials bounds the parses that look for the gaps at fault in one file.
const maxTrials = 24

// broken parses the shortened files again, several at once, and returns those with more syntax
// errors than before.
func (j *job) broken(ctx context.Context, p *plan) ([]*source, error) {
	parsed := make([]*parsers.File, len(j.sources))
	g, ctx := panics.NewGroup(ctx)
	g.SetLimit(cores.Number())
	for i, src := range j.sources {
		if src.parsed.SyntaxErrors < 0 || src.level == cutFile || p.texts[i] == src.content {
			continue
		}
		g.Go(func() error {
			defer cores.GiveWay()()
			f, err := j.parseAgain(ctx, src, p.texts[i])
			parsed[i] = &f
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // our own
	}
	var list []*source
	for i, src := range j.sources {
		if parsed[i] != nil && !j.sound(src, *parsed[i]) {
			list = append(list, src)
		}
	}
	return list, nil
}

// parseAgain parses a shortened text of src.
func (j *job) parseAgain(ctx context.Context, src *source, text string) (parsers.File, error) {
	f, err := split(ctx, j.opt.Splitter, File{Language: src.parsed.Language, Content: text})
	if err != nil {
		return f, fmt.Errorf("parse shortened %s: %w", src.name(), err)
	}
	return f, nil
}

// sound reports that a shortened text has no more syntax errors than src.
func (j *job) sound(src *source, shortened parsers.File) bool {
	j.late(shortened)
	return shortened.SyntaxErrors <= src.parsed.SyntaxErrors
}

// mend looks for the gaps that break src and pins their blocks, so that the next plan keeps them.
// It returns false where no gap inside a chunk is at fault by itself.
func (j *job) mend(ctx context.Context, src *source, p *plan) (bool, error) {
	m := mender{job: j, src: src, trials: maxTrials}
	for _, gap := range gaps(p.keep[src.index]) {
		if j.inChunk(src, gap) != nil {
			m.gaps = append(m.gaps, gap)
		}
	}
	guilty, err := m.guilty(ctx, m.gaps)
	for _, gap := range guilty {
		c := j.inChunk(src, gap)
		c.units = pin(c.units, gap[0], gap[1])
		c.blocks = pin(c.blocks, gap[0], gap[1])
		c.frame = c.whole - savings(src, c.units)
	}
	return len(guilty) > 0, err
}

// inChunk returns the chunk that gap lies in, nil for a gap that leaves out whole chunks.
func (j *job) inChunk(src *source, gap [2]int) *chunk {
	for i := range j.chunks {
		c := &j.chunks[i]
		if c.src == src && c.start <= gap[0] && gap[1] <= c.end && gap != [2]int{c.start, c.end} {
			return c
		}
	}
	return nil
}

// A mender searches a file's gaps for those that break it.
type mender struct {
	job    *job
	src    *source
	gaps   [][2]int
	trials int
}

// guilty halves list until single gaps are found that break the file when they are the only ones.
// It gives up, with what it has, when its trials are used up.
func (m *mender) guilty(ctx context.Context, list [][2]int) ([][2]int, error) {
	if len(list) == 0 || m.trials == 0 {
		return nil, nil
	}
	m.trials--
	keep := make([]bool, m.src.lines())
	for line := range keep {
		keep[line] = true
	}
	for _, gap := range list {
		for line := gap[0]; line < gap[1]; line++ {
			keep[line] = false
		}
	}
	shortened, err := m.job.parseAgain(ctx, m.src, m.job.render(m.src, keep))
	switch {
	case err != nil || m.job.sound(m.src, shortened):
		return nil, err
	case len(list) == 1:
		return list, nil
	}
	left, err := m.guilty(ctx, list[:len(list)/2])
	if err != nil {
		return nil, err
	}
	right, err := m.guilty(ctx, list[len(list)/2:])
	return append(slices.Clip(left), right...), err
}

// gaps lists the runs of lines that are not kept.
func gaps(keep []bool) [][2]int {
	var list [][2]int
	for from := 0; from < len(keep); {
		to := from + 1
		for to < len(keep) && keep[to] == keep[from] {
			to++
		}
		if !keep[from] {
			list = append(list, [2]int{from, to})
		}
		from = to
	}
	return list
}
