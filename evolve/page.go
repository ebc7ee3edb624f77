package evolve

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

// A stretch is a run of the full prompt that went or stayed.
type stretch struct {
	Text string
	Kept bool
}

// stretches cuts the full prompt where the answer's mask changes. Without a mask over its units
// there is nothing to show.
func (r *Report) stretches() (out []stretch) {
	mask := r.Answer.Mask
	if len(mask) != len(r.Pieces) {
		return nil
	}
	for i, piece := range r.Pieces {
		if !mask[i] {
			// A line break that went is struck through where it stood.
			piece = strings.ReplaceAll(piece, "\n", "↵\n")
		}
		if n := len(out); n > 0 && out[n-1].Kept == mask[i] {
			out[n-1].Text += piece
		} else {
			out = append(out, stretch{piece, mask[i]})
		}
	}
	return out
}

// page is the report as one HTML page that needs nothing from elsewhere.
func (r *Report) page() ([]byte, error) {
	var b bytes.Buffer
	err := reportPage.Execute(&b, map[string]any{
		"Report": r, "Front": r.frontChart(), "Curve": r.curveChart(),
		"Intervals": intervalChart(r.Comparisons), "Stretches": r.stretches(),
		"Cost": strings.TrimPrefix(r.cost(), "; "),
	})
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return b.Bytes(), nil
}

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"figure":  func(x float64) string { return fmt.Sprintf("%.4g", x) },
}).Parse(reportHTML))
