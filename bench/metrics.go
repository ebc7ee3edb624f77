package bench

import (
	"fmt"
	"math"
	"strings"

	"pith/compress"
	"pith/parsers"
)

// An outcome holds one ranker's figures for one task, in the order of a layout's names. NaN means
// not applicable.
type outcome []float64

// A layout names the figures of an outcome: three of the ranking, then five for each ratio.
type layout struct{ ratios []float64 }

// Names of the ranking figures. Those of a ratio are keep@5.6 and so on.
const (
	mrr     = "mrr"
	recall1 = "recall@1"
	recall5 = "recall@5"
)

func (l layout) names() []string {
	names := []string{mrr, recall1, recall5}
	for _, r := range l.ratios {
		names = append(names, keepName(r), wholeName(r), defsName(r), parseName(r), ratioName(r))
	}
	return names
}

func keepName(ratio float64) string  { return fmt.Sprintf("keep@%g", ratio) }
func wholeName(ratio float64) string { return fmt.Sprintf("whole@%g", ratio) }
func defsName(ratio float64) string  { return fmt.Sprintf("defs@%g", ratio) }
func parseName(ratio float64) string { return fmt.Sprintf("parse@%g", ratio) }
func ratioName(ratio float64) string { return fmt.Sprintf("ratio@%g", ratio) }

// rank returns the needle's place among the candidates, 1 for the best, or 0 where the result does
// not know it.
func (t Task) rank(res compress.Result) int {
	own := 0
	for _, c := range res.Chunks {
		if t.isNeedle(c) {
			own = c.Rank
		}
	}
	if own == 0 {
		return 0
	}
	place := 1
	for _, c := range res.Chunks {
		if c.Kind == parsers.KindFunction && !t.isNeedle(c) && c.Rank < own {
			place++
		}
	}
	return place
}

func (t Task) isNeedle(c compress.ChunkResult) bool {
	return c.File == t.Files[t.needle.file].Path && c.StartLine <= t.needle.key+1 && t.needle.key+1 <= c.EndLine
}

// retention is the share of the needle's lines that are kept, blank ones not counted.
func (t Task) retention(kept []map[int]bool) float64 {
	lines := strings.Split(t.Files[t.needle.file].Content, "\n")
	have, all := 0, 0
	for i := t.needle.lines.start; i < t.needle.lines.end; i++ {
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		all++
		if kept[t.needle.file][i] {
			have++
		}
	}
	return share(have, all)
}

// share is part / whole, or NaN where there is no whole.
func share(part, whole int) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
