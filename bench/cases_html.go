package bench

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

//go:embed cases.html.tmpl
var casesPage string

// The page's parts, as its template names them.
type (
	htmlPage struct {
		Title, Unit string
		Report      CasesReport
		Unnamed     int
		Charts      []htmlChart
		Legend      []htmlCurve
		Tables      []htmlTable
		Terms       []term
		Worst       htmlWorst
	}
	htmlChart struct {
		Title       string
		Grid, Ticks []htmlDot
		Curves      []htmlCurve
	}
	htmlCurve struct {
		Name, Colour, Dash, Points, Band string
		Dots                             []htmlDot
	}
	htmlDot struct {
		X, Y          float64
		Label, Colour string
	}
	htmlTable struct {
		Title string
		Head  []string
		Rows  [][]string
	}
	htmlWorst struct {
		Setting, Smaller string
		Cases            []htmlCase
	}
	htmlCase struct{ Repo, Commit, Lines, Query string }
)

// The drawing area of a chart, and the colours that curves take in turn (Okabe and Ito's, told
// apart by everybody).
const (
	chartLeft, chartRight, chartTop, chartBottom = 40.0, 430.0, 20.0, 245.0

	worstCases = 20
)

var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a"}

// WriteHTML prints the report as one page that needs nothing else.
func (r CasesReport) WriteHTML(w io.Writer) error {
	page, err := template.New("cases").Parse(casesPage)
	if err != nil {
		return err
	}
	ratio := featured(r.Ratios)
	p := htmlPage{
		Title: "What compression keeps", Unit: r.Groups[0].Unit, Report: r, Unnamed: r.Group(groupUnnamed).Cases,
		Terms: r.terms(), Worst: r.worst(ratio), Legend: r.curves(groupAll, figureLines),
		Charts: []htmlChart{
			r.chart("Needed lines kept", groupAll, figureLines),
			r.chart("The same, "+r.Unnamed, groupUnnamed, figureLines),
			r.chart("Cases with every needed function whole", groupAll, figureEvery),
			r.chart("Definitions that they use visible", groupAll, figureDefs),
		},
	}
	for _, ratio := range r.Ratios {
		p.Tables = append(p.Tables, r.table(ratio))
	}
	p.Tables = append(p.Tables, r.languageTable(ratio))
	return page.Execute(w, p)
}

// drawn are the ratios that stand in charts.
func (r CasesReport) drawn() []float64 {
	return slices.DeleteFunc(slices.Clone(r.Ratios), func(ratio float64) bool { return ratio == 0 })
}

// across is where a ratio stands in a chart, on a scale of logarithms.
func (r CasesReport) across(ratio float64) float64 {
	least, most := math.Log(slices.Min(r.drawn())), math.Log(slices.Max(r.drawn()))
	if most == least {
		return (chartLeft + chartRight) / 2
	}
	return chartLeft + 15 + (math.Log(ratio)-least)/(most-least)*(chartRight-chartLeft-30)
}

func down(share float64) float64 { return chartBottom - share*(chartBottom-chartTop) }

func (r CasesReport) chart(title, group, figure string) htmlChart {
	c := htmlChart{Title: title, Curves: r.curves(group, figure)}
	for i := 0; i <= 5; i++ {
		share := float64(i) / 5
		c.Grid = append(c.Grid, htmlDot{Y: down(share), Label: fmt.Sprintf("%.1f", share)})
	}
	for _, ratio := range r.drawn() {
		c.Ticks = append(c.Ticks, htmlDot{X: r.across(ratio), Label: fmt.Sprintf("%g", ratio)})
	}
	return c
}

func (r CasesReport) curves(group, figure string) []htmlCurve {
	g := r.Group(group)
	var curves []htmlCurve
	for i, name := range r.Settings {
		c := htmlCurve{Name: name, Colour: colours[i%len(colours)], Dash: []string{"", "6 3", "2 3"}[i/len(colours)%3]}
		var points, upper, lower []string
		for _, ratio := range r.drawn() {
			row := g.row(name, ratio)
			v, ok := row.Mean[figure]
			if !ok {
				continue
			}
			x := r.across(ratio)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, down(v)))
			c.Dots = append(
				c.Dots,
				htmlDot{x, down(v), fmt.Sprintf("%s, %s: %s", name, smaller(ratio), row.interval(figure)), c.Colour})
			if e, ok := row.Interval[figure]; ok {
				upper = append(upper, fmt.Sprintf("%.1f,%.1f", x, down(e.High)))
				lower = append(lower, fmt.Sprintf("%.1f,%.1f", x, down(e.Low)))
			}
		}
		slices.Reverse(lower)
		c.Points = strings.Join(points, " ")
		if i == 0 { // bands of all would hide each other
			c.Band = strings.Join(append(upper, lower...), " ")
		}
		curves = append(curves, c)
	}
	return curves
}

func (r CasesReport) table(ratio float64) htmlTable {
	t := htmlTable{
		Title: smaller(ratio),
		Head: []string{
			"setting", "lines", "lines against", r.Unnamed, "all", "whole", "every", "seen", "defs",
			"parse", "MRR", "tokens", "seconds",
		},
	}
	for _, name := range r.Settings {
		row := r.Groups[0].row(name, ratio)
		cells := []string{
			name, row.interval(figureLines), row.difference(figureLines),
			r.Group(groupUnnamed).row(name, ratio).show(figureLines, 3),
		}
		for _, figure := range []string{figureAll, figureWhole, figureEvery, figureSeen, figureDefs, figureParse, mrr} {
			cells = append(cells, row.show(figure, 3))
		}
		t.Rows = append(t.Rows, append(cells, row.show(figureTokens, 0), row.show(figureSeconds, 3)))
	}
	return t
}

func (r CasesReport) languageTable(ratio float64) htmlTable {
	t := htmlTable{Title: "Needed lines kept by language, " + smaller(ratio), Head: []string{"setting"}}
	for _, g := range r.languages() {
		t.Head = append(t.Head, fmt.Sprintf("%s (%d)", g.Name, g.Cases))
	}
	for _, name := range r.Settings {
		cells := []string{name}
		for _, g := range r.languages() {
			cells = append(cells, g.row(name, ratio).show(figureLines, 3))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// worst lists the cases of which the last setting keeps least.
func (r CasesReport) worst(ratio float64) htmlWorst {
	w := htmlWorst{Setting: r.Settings[len(r.Settings)-1], Smaller: smaller(ratio)}
	key := fmt.Sprintf("%s@%g", w.Setting, ratio)
	each := slices.Clone(r.Each)
	slices.SortStableFunc(each, func(a, b CaseFigures) int {
		switch x, y := a.Figures[key][figureLines], b.Figures[key][figureLines]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for _, c := range each[:min(worstCases, len(each))] {
		w.Cases = append(w.Cases, htmlCase{c.Repo, c.Commit, fmt.Sprintf("%.3f", c.Figures[key][figureLines]), c.Query})
	}
	return w
}
