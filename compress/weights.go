package compress

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// weightsFile is written by training/fit.py.
//
//go:embed weights.json
var weightsFile []byte

// A weighting weighs the signals of a row.
type weighting map[string]float64

// A fit is the table of weights.
type fit struct {
	// Seed weighs what is known of a chunk alone, before its file and its neighbours speak for it.
	Seed weighting `json:"seed"`
	// Words weighs all signals but the model's, Hybrid all.
	Words  weighting `json:"words"`
	Hybrid weighting `json:"hybrid"`
	// The odds make probabilities of scores: of words, of hybrid, and of what any other ranker says
	// in standard deviations.
	WordsOdds  odds    `json:"words_odds"`
	HybridOdds odds    `json:"hybrid_odds"`
	Plain      odds    `json:"plain_odds"`
	Pack       packing `json:"pack"`
	// Curve says how much of the needed code the chunks held that together had a mass of the odds:
	// pairs of mass and coverage, both rising from 0 to 1.
	Curve [][2]float64 `json:"curve"`
}

// odds are the slope and the offset of a logistic curve.
type odds struct {
	Slope  float64 `json:"slope"`
	Offset float64 `json:"offset"`
}

func (o odds) of(scores []float64) []float64 {
	list := make([]float64, len(scores))
	for i, s := range scores {
		list[i] = 1 / (1 + math.Exp(-o.Slope*s-o.Offset))
	}
	return list
}

// A packing says what forms are worth.
type packing struct {
	// Size is the power of a chunk's tokens by which its value grows.
	Size float64 `json:"size"`
	// Frame is the share of a chunk's value that its signature alone has.
	Frame float64 `json:"frame"`
	// Pruned is what a chunk that is cut inside is worth more than its signature, beside the share
	// of its blocks' value: the answer may be in what was cut.
	Pruned float64 `json:"pruned"`
	// Uses is the share of a chunk's value that seeing what it uses adds.
	Uses float64 `json:"uses"`
}

var fitted = readFit(weightsFile)

func readFit(data []byte) (f fit) {
	if err := json.Unmarshal(data, &f); err != nil {
		panic(fmt.Sprintf("weights.json: %v", err)) // it is part of the program, and a test reads it
	}
	return f
}

// scores is the weighted sum of each row.
func (w weighting) scores(rows []row) []float64 {
	var weights row
	for name, weight := range w {
		weights[slices.Index(signalNames[:], name)] = weight
	}
	scores := make([]float64, len(rows))
	for i, r := range rows {
		for k, weight := range weights {
			scores[i] += weight * r[k]
		}
	}
	return scores
}

// mass is the mass of odds that a coverage takes.
func (f fit) mass(coverage float64) float64 { return f.along(coverage, 1, 0) }

// coverage is what a mass of odds is expected to hold of the needed code.
func (f fit) coverage(mass float64) float64 { return f.along(mass, 0, 1) }

// along interpolates the curve from one of its sides to the other.
func (f fit) along(x float64, from, to int) float64 {
	for i := 1; i < len(f.Curve); i++ {
		if a, b := f.Curve[i-1], f.Curve[i]; x <= b[from] {
			return a[to] + (b[to]-a[to])*(x-a[from])/(b[from]-a[from])
		}
	}
	return 1
}
