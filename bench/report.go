package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// A RetentionReport is what Retention.Run found.
type RetentionReport struct {
	Queries        int       `json:"queries"`
	HeldOutQueries int       `json:"held_out_queries"`
	Packages       int       `json:"packages"`
	MeanCandidates float64   `json:"mean_candidates"`
	Ratios         []float64 `json:"ratios"`
	Seed           uint64    `json:"seed"`
	StripAll       bool      `json:"strip_all"`
	Groups         []Group   `json:"groups"`
	Answers        []Answer  `json:"answers"`
}

// An Answer says how well each ranker placed one task's function.
type Answer struct {
	Package  string         `json:"package"`
	Function string         `json:"function"`
	Query    string         `json:"query"`
	Ranks    map[string]int `json:"ranks"` // 1 is best
}

// A Group is a part of the tasks: all, those of held-out packages, and each again by language.
type Group struct {
	Name     string          `json:"name"`
	Queries  int             `json:"queries"`
	Packages int             `json:"packages"`
	Rankers  []RankerFigures `json:"rankers"`
}

// RankerFigures are one ranker's means over a group. Mean holds only what applied to some task;
// AgainstBM25 holds the paired difference of each, bm25's own row excepted.
type RankerFigures struct {
	Ranker      string              `json:"ranker"`
	Mean        map[string]float64  `json:"mean"`
	AgainstBM25 map[string]Interval `json:"against_bm25,omitempty"`
}

func newRetentionReport(tasks []Task, results map[string][]outcome, opt RetentionOptions) RetentionReport {
	rep := RetentionReport{Queries: len(tasks), Ratios: opt.Ratios, Seed: opt.Seed, StripAll: opt.StripAll}
	packages := make(map[string]bool)
	candidates := 0
	for i, t := range tasks {
		packages[t.Package] = true
		answer := Answer{Package: t.Package, Function: t.Function, Query: t.Query, Ranks: make(map[string]int)}
		for _, ranker := range opt.Rankers {
			answer.Ranks[ranker] = int(math.Round(1 / results[ranker][i][0]))
		}
		rep.Answers = append(rep.Answers, answer)
		candidates += len(t.candidates())
		if t.HeldOut {
			rep.HeldOutQueries++
		}
	}
	rep.Packages = len(packages)
	rep.MeanCandidates = share(candidates, len(tasks))
	scopes := []string{"held-out", "all"}
	if rep.HeldOutQueries == rep.Queries {
		scopes = scopes[:1] // all would say the same again
	}
	for _, scope := range scopes {
		for _, language := range append([]string{""}, opt.Languages...) {
			var members []int
			for i, t := range tasks {
				if (t.HeldOut || scope == "all") && (t.Language == language || language == "") {
					members = append(members, i)
				}
			}
			if len(members) > 0 {
				name := strings.TrimSpace(scope + " " + language)
				rep.Groups = append(rep.Groups, newGroup(name, members, tasks, results, opt))
			}
		}
	}
	return rep
}

func newGroup(name string, members []int, tasks []Task, results map[string][]outcome, opt RetentionOptions) Group {
	group := make([]string, len(members))
	packages := make(map[string]bool)
	for i, m := range members {
		group[i] = tasks[m].Package
		packages[group[i]] = true
	}
	column := func(ranker string, figure int) []float64 {
		out := make([]float64, len(members))
		for i, m := range members {
			out[i] = results[ranker][m][figure]
		}
		return out
	}
	g := Group{Name: name, Queries: len(members), Packages: len(packages)}
	for _, ranker := range opt.Rankers {
		f := RankerFigures{Ranker: ranker, Mean: make(map[string]float64), AgainstBM25: make(map[string]Interval)}
		for i, figure := range (layout{opt.Ratios}).names() {
			values := column(ranker, i)
			if m := mean(values); !math.IsNaN(m) {
				f.Mean[figure] = m
			}
			if ranker == baselineRanker {
				continue
			}
			if d, ok := paired(values, column(baselineRanker, i), group, opt.Seed); ok {
				f.AgainstBM25[figure] = d
			}
		}
		g.Rankers = append(g.Rankers, f)
	}
	return g
}

// mean leaves NaN out; it is NaN where nothing is left.
func mean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// WriteText prints the report as tables.
func (r RetentionReport) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries from %d packages, %d of them from held-out packages; %.0f candidate functions "+
		"each; seed %d\n",
		r.Queries, r.Packages, r.HeldOutQueries, r.MeanCandidates, r.Seed)
	fmt.Fprintln(&b, "keep: share of the needle's lines kept; whole: needles with all of them; defs: share of the "+
		"definitions it uses that stay visible;")
	fmt.Fprintln(&b, "parse: outputs without new syntax errors; ratio: original / compressed tokens; [95 % "+
		"interval against bm25]")
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "\n%s: %d queries, %d packages\n", g.Name, g.Queries, g.Packages)
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		g.writeRanking(t, featured(r.Ratios))
		if err := t.Flush(); err != nil {
			return err
		}
		if !strings.Contains(g.Name, " ") {
			g.writeRatios(t, r.Ratios)
			if err := t.Flush(); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// featured is the ratio that the short table shows: that of the published headline result, or else
// the largest.
func featured(ratios []float64) float64 {
	if slices.Contains(ratios, 5.6) {
		return 5.6
	}
	return slices.Max(ratios)
}

func (g Group) writeRanking(w io.Writer, ratio float64) {
	keep, whole, defs := keepName(ratio), wholeName(ratio), defsName(ratio)
	fmt.Fprintf(w, "  ranker\tMRR\tagainst bm25\trecall@1\trecall@5\t%s\tagainst bm25\t%s\t%s\n", keep, whole, defs)
	for _, f := range g.Rankers {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Ranker, f.show(mrr), f.difference(mrr),
			f.show(recall1), f.show(recall5),
			f.show(keep), f.difference(keep), f.show(whole), f.show(defs))
	}
}

func (g Group) writeRatios(w io.Writer, ratios []float64) {
	fmt.Fprint(w, "  ranker")
	for _, name := range (layout{ratios}).names()[3:] {
		fmt.Fprintf(w, "\t%s", name)
	}
	fmt.Fprintln(w)
	for _, f := range g.Rankers {
		fmt.Fprintf(w, "  %s", f.Ranker)
		for _, name := range (layout{ratios}).names()[3:] {
			fmt.Fprintf(w, "\t%s", f.show(name))
		}
		fmt.Fprintln(w)
	}
}

func (f RankerFigures) show(name string) string {
	if v, ok := f.Mean[name]; ok {
		return fmt.Sprintf("%.3f", v)
	}
	return "-"
}

func (f RankerFigures) difference(name string) string {
	d, ok := f.AgainstBM25[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%+.3f [%+.3f, %+.3f]", d.Diff, d.Low, d.High)
}
