package bench

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A CasesReport is what Cases.Run found.
type CasesReport struct {
	Cases      int       `json:"cases"`
	Repos      int       `json:"repos"`
	MeanTokens float64   `json:"mean_tokens"`
	Ratios     []float64 `json:"ratios"`
	Settings   []string  `json:"settings"`
	// Unnamed is what tables call the group "unnamed".
	Unnamed string       `json:"unnamed"`
	Groups  []CasesGroup `json:"groups"`
	// Each is every case by itself.
	Each []CaseFigures `json:"each"`
}

// A CasesGroup is a part of the cases: all, those whose question does not name what it needs, each
// language.
type CasesGroup struct {
	Name  string `json:"name"`
	Cases int    `json:"cases"`
	Repos int    `json:"repos"`
	// Unit is what the intervals draw: repository or case.
	Unit string     `json:"unit"`
	Rows []CasesRow `json:"rows"`
}

// A CasesRow holds a setting's means over a group at a ratio. Mean has only what applied to some
// case. Interval has those of the shares, drawn by repository; Against the paired differences from
// another setting, drawn alike.
type CasesRow struct {
	Setting  string              `json:"setting"`
	Ratio    float64             `json:"ratio"`
	Mean     map[string]float64  `json:"mean"`
	Interval map[string]Estimate `json:"interval"`
	// AgainstSetting is what Against differs from.
	AgainstSetting string              `json:"against_setting,omitempty"`
	Against        map[string]Interval `json:"against,omitempty"`
}

// CaseFigures are one case's figures, by "setting@ratio".
type CaseFigures struct {
	Repo     string                        `json:"repo"`
	Commit   string                        `json:"commit"`
	Language string                        `json:"lang"`
	Query    string                        `json:"query"`
	Named    bool                          `json:"named"`
	Tokens   int                           `json:"tokens"`
	Figures  map[string]map[string]float64 `json:"figures"`
}

const (
	groupAll     = "all"
	groupUnnamed = "unnamed"
)

// bootstrapped are the figures that get intervals.
var bootstrapped = []string{figureLines, figureAll, figureWhole, figureEvery, figureSeen, figureDefs}

func newCasesReport(cases []Case, sizes []int, all outcomeTable, opt CasesOptions) CasesReport {
	rep := CasesReport{Cases: len(cases), Ratios: opt.Ratios, Unnamed: opt.Unnamed}
	for _, s := range opt.Settings {
		rep.Settings = append(rep.Settings, s.Name)
	}
	members := make(map[string][]int)
	for i, c := range cases {
		members[groupAll] = append(members[groupAll], i)
		members[c.Language] = append(members[c.Language], i)
		if !c.Named {
			members[groupUnnamed] = append(members[groupUnnamed], i)
		}
		rep.Each = append(rep.Each, newCaseFigures(c, i, sizes[i], all, opt))
		rep.MeanTokens += float64(sizes[i]) / float64(len(cases))
	}
	names := slices.Sorted(maps.Keys(members))
	order := []string{groupAll, groupUnnamed}
	for _, name := range names {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	for _, name := range order {
		if len(members[name]) > 0 {
			rep.Groups = append(rep.Groups, newCasesGroup(name, members[name], cases, all, opt))
		}
	}
	rep.Repos = rep.Groups[0].Repos
	return rep
}

func newCaseFigures(c Case, at, size int, all outcomeTable, opt CasesOptions) CaseFigures {
	f := CaseFigures{c.Repo, c.Commit, c.Language, c.Query, c.Named, size, make(map[string]map[string]float64)}
	for s, setting := range opt.Settings {
		for r, ratio := range opt.Ratios {
			figures := make(map[string]float64)
			for i, v := range all[s][r][at] {
				if !math.IsNaN(v) {
					figures[caseFigures[i]] = v
				}
			}
			f.Figures[fmt.Sprintf("%s@%g", setting.Name, ratio)] = figures
		}
	}
	return f
}

func newCasesGroup(name string, members []int, cases []Case, all outcomeTable, opt CasesOptions) CasesGroup {
	repo := make([]string, len(members))
	for i, m := range members {
		repo[i] = cases[m].Repo
	}
	g := CasesGroup{
		Name: name, Cases: len(members), Repos: len(slices.Compact(slices.Sorted(slices.Values(repo)))),
		Unit: "repository",
	}
	if opt.ByCase || g.Repos < leastGroups {
		g.Unit = "case"
		for i := range repo {
			repo[i] = strconv.Itoa(i)
		}
	}
	for r, ratio := range opt.Ratios {
		for s, setting := range opt.Settings {
			row := CasesRow{
				Setting: setting.Name, Ratio: ratio, Mean: make(map[string]float64),
				Interval: make(map[string]Estimate), Against: make(map[string]Interval),
			}
			for i, figure := range caseFigures {
				values := all.column(s, r, members, i)
				if m := mean(values); !math.IsNaN(m) {
					row.Mean[figure] = m
				}
				if !slices.Contains(bootstrapped, figure) {
					continue
				}
				if e, ok := estimate(values, repo, opt.Seed); ok {
					row.Interval[figure] = e
				}
				if with := opt.against(s); with != s {
					row.AgainstSetting = opt.Settings[with].Name
					if d, ok := paired(values, all.column(with, r, members, i), repo, opt.Seed); ok {
						row.Against[figure] = d
					}
				}
			}
			g.Rows = append(g.Rows, row)
		}
	}
	return g
}

// against returns the place of the setting that the one at s is compared with.
func (o CasesOptions) against(s int) int {
	for i, other := range o.Settings {
		if other.Name == o.Settings[s].Against {
			return i
		}
	}
	return 0
}

// smaller says a ratio in words.
func smaller(ratio float64) string {
	if ratio == 0 {
		return "as small as each chooses"
	}
	return fmt.Sprintf("%g times smaller", ratio)
}

// row finds a setting's row at a ratio.
func (g CasesGroup) row(setting string, ratio float64) CasesRow {
	for _, r := range g.Rows {
		if r.Setting == setting && r.Ratio == ratio {
			return r
		}
	}
	return CasesRow{}
}

// Group returns the group of a name; its zero value where no case belongs to it.
func (r CasesReport) Group(name string) CasesGroup {
	for _, g := range r.Groups {
		if g.Name == name {
			return g
		}
	}
	return CasesGroup{}
}

// A term explains a figure of the tables.
type term struct{ Name, Meaning string }

// terms explain the figures, in the order of the columns.
var terms = []term{
	{figureLines, "needed lines kept, the mean over the cases"},
	{figureAll, "cases with all needed lines kept"},
	{figureWhole, "needed functions kept whole"},
	{figureEvery, "cases with every needed function whole"},
	{figureSeen, "needed functions whose first line is visible"},
	{figureDefs, "functions and types of the context that they use and that are visible"},
	{figureParse, "results without new syntax errors"},
	{"MRR", "1 / rank of a needed function among those that nobody needs"},
}

// terms explain the columns.
func (r CasesReport) terms() []term {
	return slices.Insert(slices.Clone(terms), 1,
		term{r.Unnamed, "the same where the question does not name what it needs"})
}

// WriteText prints the report as tables.
func (r CasesReport) WriteText(w io.Writer) error {
	var b strings.Builder
	all := r.Groups[0]
	fmt.Fprintf(&b, "%d cases of %d repositories, %.0f tokens each; %d of them %s; 95 %% intervals by %s\n",
		r.Cases, r.Repos, r.MeanTokens, r.Group(groupUnnamed).Cases, r.Unnamed, all.Unit)
	for _, t := range r.terms() {
		fmt.Fprintf(&b, "%s: %s\n", t.Name, t.Meaning)
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, ratio := range r.Ratios {
		fmt.Fprintf(&b, "\n%s\n", smaller(ratio))
		r.writeRatio(t, ratio)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(r.languages()) > 1 {
		fmt.Fprintf(&b, "\nlines, by language, %s\n", smaller(featured(r.Ratios)))
		r.writeLanguages(t, featured(r.Ratios))
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r CasesReport) writeRatio(w io.Writer, ratio float64) {
	against := ""
	if len(r.Settings) > 1 {
		against = "\tlines against"
	}
	fmt.Fprintf(w, "  setting\tlines%s\t%s\tall\twhole\tevery\tseen\tdefs\tparse\tMRR\ttokens\tratio\tseconds\n",
		against, r.Unnamed)
	for _, name := range r.Settings {
		row := r.Groups[0].row(name, ratio)
		fmt.Fprintf(w, "  %s\t%s", name, row.interval(figureLines))
		if against != "" {
			fmt.Fprintf(w, "\t%s", row.difference(figureLines))
		}
		fmt.Fprintf(w, "\t%s", r.Group(groupUnnamed).row(name, ratio).show(figureLines, 3))
		for _, figure := range []string{figureAll, figureWhole, figureEvery, figureSeen, figureDefs, figureParse, mrr} {
			fmt.Fprintf(w, "\t%s", row.show(figure, 3))
		}
		fmt.Fprintf(w, "\t%s\t%s\t%s\n", row.show(figureTokens, 0), row.show(figureRatio, 2),
			row.show(figureSeconds, 3))
	}
}

// languages are the groups by language.
func (r CasesReport) languages() []CasesGroup {
	return slices.DeleteFunc(slices.Clone(r.Groups),
		func(g CasesGroup) bool { return g.Name == groupAll || g.Name == groupUnnamed })
}

func (r CasesReport) writeLanguages(w io.Writer, ratio float64) {
	fmt.Fprint(w, "  setting")
	for _, g := range r.languages() {
		fmt.Fprintf(w, "\t%s (%d)", g.Name, g.Cases)
	}
	fmt.Fprintln(w)
	for _, name := range r.Settings {
		fmt.Fprintf(w, "  %s", name)
		for _, g := range r.languages() {
			fmt.Fprintf(w, "\t%s", g.row(name, ratio).show(figureLines, 3))
		}
		fmt.Fprintln(w)
	}
}

func (r CasesRow) show(figure string, digits int) string {
	if v, ok := r.Mean[figure]; ok {
		return fmt.Sprintf("%.*f", digits, v)
	}
	return "-"
}

func (r CasesRow) interval(figure string) string {
	e, ok := r.Interval[figure]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Mean, e.Low, e.High)
}

func (r CasesRow) difference(figure string) string {
	d, ok := r.Against[figure]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%+.3f [%+.3f, %+.3f] %s", d.Diff, d.Low, d.High, r.AgainstSetting)
}
