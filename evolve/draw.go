package evolve

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// point is one point of a chart, in the chart's own units.
type point struct{ X, Y float64 }

// A mark is a named point.
type mark struct {
	Name string
	point
}

// A chart is drawn twice: as a PNG for other documents, and as SVG inside the report.
type chart struct {
	Title, XLabel, YLabel string
	Line                  []point
	Marks                 []mark
}

// draw writes report.html, front.png and curve.png into dir.
func (r *Report) draw(dir string) error {
	charts := []chart{r.frontChart(), r.curveChart()}
	for i, name := range []string{"front.png", "curve.png"} {
		if err := charts[i].png(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
	}
	var page bytes.Buffer
	if err := reportPage.Execute(&page, map[string]any{"Report": r, "Charts": charts}); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return writeAtomic(filepath.Join(dir, "report.html"), page.Bytes())
}

func (r *Report) frontChart() chart {
	c := chart{Title: "Length against fitness", XLabel: "length (tokens)", YLabel: "fitness on the search split"}
	for _, p := range r.Front {
		c.Line = append(c.Line, point{float64(p.Length), p.Fitness})
	}
	for _, e := range r.Entries() {
		c.Marks = append(c.Marks, mark{e.Name, point{float64(e.Length), e.Fitness}})
	}
	return c
}

func (r *Report) curveChart() chart {
	c := chart{Title: "Best fitness by prompts evaluated", XLabel: "prompts evaluated", YLabel: "best fitness so far"}
	c.Line = append(c.Line, point{1, r.Full.Fitness})
	for _, p := range r.Curve {
		c.Line = append(c.Line, point{float64(p.Stats.Prompts), p.Best.Fitness})
	}
	return c
}

func (c chart) png(path string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.XLabel, c.YLabel
	p.Add(plotter.NewGrid())
	xys := func(ps []point) plotter.XYs {
		out := make(plotter.XYs, len(ps))
		for i, q := range ps {
			out[i].X, out[i].Y = q.X, q.Y
		}
		return out
	}
	line, dots, err := plotter.NewLinePoints(xys(c.Line))
	if err != nil {
		return err
	}
	p.Add(line, dots)
	if len(c.Marks) > 0 {
		labels := plotter.XYLabels{}
		for _, m := range c.Marks {
			labels.XYs = append(labels.XYs, plotter.XY{X: m.X, Y: m.Y})
			labels.Labels = append(labels.Labels, m.Name)
		}
		names, err := plotter.NewLabels(labels)
		if err != nil {
			return err
		}
		stars, err := plotter.NewScatter(labels)
		if err != nil {
			return err
		}
		p.Add(stars, names)
	}
	w, err := p.WriterTo(18*vg.Centimeter, 11*vg.Centimeter, "png")
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if _, err := w.WriteTo(&buf); err != nil {
		return err
	}
	return writeAtomic(path, buf.Bytes())
}

// The size of an inline chart and the room around it for labels, in pixels.
const (
	chartWidth, chartHeight   = 640.0, 360.0
	chartLeft, chartRight     = 70.0, 130.0
	chartTop, chartBottom     = 20.0, 50.0
	chartRangePad, chartTicks = 0.05, 5
)

// A tick is one labelled place on an axis.
type tick struct {
	At    float64
	Label string
}

// box returns the data range of the chart, padded a little.
func (c chart) box() (low, high point) {
	all := append([]point(nil), c.Line...)
	for _, m := range c.Marks {
		all = append(all, m.point)
	}
	low, high = all[0], all[0]
	for _, p := range all {
		low = point{min(low.X, p.X), min(low.Y, p.Y)}
		high = point{max(high.X, p.X), max(high.Y, p.Y)}
	}
	padX, padY := chartRangePad*(high.X-low.X), chartRangePad*(high.Y-low.Y)
	if padX == 0 {
		padX = 1
	}
	if padY == 0 {
		padY = 1
	}
	return point{low.X - padX, low.Y - padY}, point{high.X + padX, high.Y + padY}
}

func (c chart) place(p point) point {
	low, high := c.box()
	return point{
		X: chartLeft + (p.X-low.X)/(high.X-low.X)*(chartWidth-chartLeft-chartRight),
		Y: chartHeight - chartBottom - (p.Y-low.Y)/(high.Y-low.Y)*(chartHeight-chartTop-chartBottom),
	}
}

// Path is the line as an SVG points attribute.
func (c chart) Path() string {
	var b bytes.Buffer
	for _, p := range c.Line {
		q := c.place(p)
		fmt.Fprintf(&b, "%.1f,%.1f ", q.X, q.Y)
	}
	return b.String()
}

// Placed are the marks in pixels.
func (c chart) Placed() []mark {
	out := make([]mark, len(c.Marks))
	for i, m := range c.Marks {
		out[i] = mark{m.Name, c.place(m.point)}
	}
	return out
}

// XTicks and YTicks are the axes' labels, evenly spread over the range.
func (c chart) XTicks() []tick {
	return c.ticks(func(low, high point, share float64) (point, float64) {
		p := point{low.X + share*(high.X-low.X), low.Y}
		return p, p.X
	}, func(p point) float64 { return p.X })
}

// YTicks: see XTicks.
func (c chart) YTicks() []tick {
	return c.ticks(func(low, high point, share float64) (point, float64) {
		p := point{low.X, low.Y + share*(high.Y-low.Y)}
		return p, p.Y
	}, func(p point) float64 { return p.Y })
}

func (c chart) ticks(at func(low, high point, share float64) (point, float64), pixel func(point) float64) []tick {
	low, high := c.box()
	var out []tick
	for i := range chartTicks + 1 {
		p, value := at(low, high, float64(i)/chartTicks)
		out = append(out, tick{pixel(c.place(p)), fmt.Sprintf("%.4g", value)})
	}
	return out
}

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) },
	"figure":  func(x float64) string { return fmt.Sprintf("%.4g", x) },
}).Parse(reportHTML))
