package evolve

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// point is one point of a chart, in the chart's own units.
type point struct{ X, Y float64 }

// A mark is a named point. Its number chooses its shape and colour.
type mark struct {
	Name   string
	Number int
	point
}

// A chart is a staircase with marks, drawn as SVG.
type chart struct {
	Title, XLabel, YLabel string
	Stairs                []point
	Marks                 []mark
}

// The size of a chart and the room around it for labels, in the pixels of its own picture: small,
// so that its letters stay large on a telephone.
const (
	chartWidth, chartHeight = 400.0, 280.0
	chartLeft, chartRight   = 56.0, 10.0
	chartTop, chartBottom   = 12.0, 44.0
	chartPad                = 0.05 // of the range of the data
	chartTicks              = 5    // about as many on each axis
)

func (r *Report) frontChart() chart {
	c := chart{
		Title: "Length against fitness", XLabel: "length (tokens)", YLabel: "fitness on the search split",
	}
	for i, p := range r.Front {
		if i > 0 {
			c.Stairs = append(c.Stairs, point{float64(p.Length), r.Front[i-1].Fitness})
		}
		c.Stairs = append(c.Stairs, point{float64(p.Length), p.Fitness})
	}
	if n := len(c.Stairs); n > 0 {
		c.Stairs = append(c.Stairs, point{float64(r.Full.Length), c.Stairs[n-1].Y})
	}
	for i, e := range r.Entries() {
		c.Marks = append(c.Marks, mark{e.Name, i, point{float64(e.Length), e.Fitness}})
	}
	return c
}

func (r *Report) curveChart() chart {
	c := chart{
		Title: "Best fitness by prompts evaluated", XLabel: "prompts evaluated", YLabel: "best fitness so far",
	}
	best := r.Full.Fitness
	c.Stairs = append(c.Stairs, point{1, best})
	for _, p := range r.Curve {
		x := float64(p.Stats.Prompts)
		c.Stairs = append(c.Stairs, point{x, best})
		best = p.Best.Fitness
		c.Stairs = append(c.Stairs, point{x, best})
	}
	return c
}

// box returns the data range of the chart, padded a little.
func (c chart) box() (low, high point) {
	low, high = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	take := func(p point) {
		low = point{min(low.X, p.X), min(low.Y, p.Y)}
		high = point{max(high.X, p.X), max(high.Y, p.Y)}
	}
	for _, p := range c.Stairs {
		take(p)
	}
	for _, m := range c.Marks {
		take(m.point)
	}
	low.X, high.X = padded(low.X, high.X)
	low.Y, high.Y = padded(low.Y, high.Y)
	return low, high
}

func padded(low, high float64) (float64, float64) {
	pad := chartPad * (high - low)
	if pad == 0 {
		pad = 1
	}
	return low - pad, high + pad
}

func (c chart) place(p point) point {
	low, high := c.box()
	return point{
		X: chartLeft + (p.X-low.X)/(high.X-low.X)*(chartWidth-chartLeft-chartRight),
		Y: chartHeight - chartBottom - (p.Y-low.Y)/(high.Y-low.Y)*(chartHeight-chartTop-chartBottom),
	}
}

// roundTicks are the multiples of 1, 2 or 5 times a power of ten between low and high, about n.
func roundTicks(low, high float64, n int) (values []float64, digits int) {
	raw := (high - low) / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*power*1.0001 {
			step = m * power
			break
		}
	}
	for k := math.Ceil(low / step); k*step <= high; k++ {
		values = append(values, k*step+0) // no negative zero
	}
	return values, max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}

// SVG draws the chart.
func (c chart) SVG() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight,
		template.HTMLEscapeString(c.Title))
	c.drawAxes(&b)
	b.WriteString(`<polyline class="stairs" points="`)
	for _, p := range c.Stairs {
		q := c.place(p)
		fmt.Fprintf(&b, "%.1f,%.1f ", q.X, q.Y)
	}
	b.WriteString(`"/>`)
	for _, m := range c.Marks {
		q := c.place(m.point)
		fmt.Fprintf(&b, `<g transform="translate(%.1f %.1f)">%s</g>`, q.X, q.Y, m.Shape())
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers, and names that are escaped
}

func (c chart) drawAxes(b *strings.Builder) {
	low, high := c.box()
	floor, right := chartHeight-chartBottom, chartWidth-chartRight
	xs, digits := roundTicks(low.X, high.X, chartTicks)
	for _, x := range xs {
		at := c.place(point{x, low.Y}).X
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, at, at, chartTop, floor)
		fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, at, floor+15, fixed(x, digits))
	}
	ys, digits := roundTicks(low.Y, high.Y, chartTicks)
	for _, y := range ys {
		at := c.place(point{low.X, y}).Y
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, chartLeft, right, at, at)
		fmt.Fprintf(b, `<text x="%g" y="%.1f" dy="4" text-anchor="end">%s</text>`, chartLeft-5, at, fixed(y, digits))
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`,
		(chartLeft+right)/2, chartHeight-8, template.HTMLEscapeString(c.XLabel))
	fmt.Fprintf(b, `<text transform="translate(13 %g) rotate(-90)" text-anchor="middle">%s</text>`,
		(chartTop+floor)/2, template.HTMLEscapeString(c.YLabel))
}

func fixed(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// shapes are told apart without their colours, too.
var shapes = []string{
	`<rect class="m0" x="-4.5" y="-4.5" width="9" height="9"/>`,
	`<circle class="m1" r="5.5"/>`,
	`<path class="m2" d="M0-6L6 5H-6Z"/>`,
	`<path class="m3" d="M0-6L6 0L0 6L-6 0Z"/>`,
}

// Shape is the mark's own, around the origin.
func (m mark) Shape() template.HTML { return template.HTML(shapes[m.Number%len(shapes)]) }

// intervalChart draws comparisons as bars around zero.
type intervalChart []Comparison

// SVG draws one line for each comparison over a common axis.
func (c intervalChart) SVG() template.HTML {
	const row, left, right = 42.0, 16.0, 384.0
	low, high := -Margin, Margin
	for _, x := range c {
		low, high = min(low, x.Low), max(high, x.High)
	}
	low, high = padded(low, high)
	at := func(v float64) float64 { return left + (v-low)/(high-low)*(right-left) }
	floor := row * float64(len(c))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="Intervals of the differences">`,
		chartWidth, floor+36)
	ticks, digits := roundTicks(low, high, chartTicks)
	for _, v := range ticks {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="4" y2="%g"/>`, at(v), at(v), floor)
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, at(v), floor+15, fixed(v, digits))
	}
	fmt.Fprintf(&b, `<line class="zero" x1="%.1f" x2="%.1f" y1="2" y2="%g"/>`, at(0), at(0), floor)
	for i, x := range c {
		y := row * (float64(i) + .72)
		fmt.Fprintf(&b, `<line class="interval" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, at(x.Low), at(x.High), y, y)
		fmt.Fprintf(&b, `<circle class="m1" cx="%.1f" cy="%.1f" r="4"/>`, at((x.Low+x.High)/2), y)
		fmt.Fprintf(&b, `<text x="%g" y="%.1f">against %s</text>`, left, y-12, template.HTMLEscapeString(x.With))
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s</text></svg>`, chartWidth/2, floor+32,
		"difference on the test split, 95 %")
	return template.HTML(b.String()) // numbers, and names that are escaped
}
