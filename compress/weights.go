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
	// The odds make probabilities of scores: of words, of hybrid, and of what any other ranker says in
	// standard deviations.
	WordsOdds  odds `json:"words_odds"`
	HybridOdds odds `json:"hybrid_odds"`
	Plain      odds `json:"plain_odds"`
	Pack       pack `json:"pack"`
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

// A pack says what forms are worth.
type pack struct {
	// Size is the power of a chunk's tokens by which its value grows.
	Size float64 `json:"size"`
	// Frame is the share of a chunk's value that its signature alone has.
	Frame float64 `json:"frame"`
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
