package evolve

import "math"

// The reward constants of RLPrompt, which PromptQuine took over (algorithm's published code). With
// gaps in [-1, 1] a reward lies in [RewardLow, RewardHigh].
const (
	RewardHigh = 200.0
	RewardLow  = -180.0
)

// ClassReward rewards a distribution over the labels by the gap between the right label and the
// best wrong one: 200 times a positive gap, 180 times a negative one. correct means a gap above
// zero. A two-class tie is worth nothing here; the published Hugging Face path masks every label
// that ties with the right one and pays 300.
func ClassReward(p []float64, label int) (reward float64, correct bool) {
	rival := 0.0
	for i, q := range p {
		if i != label {
			rival = math.Max(rival, q)
		}
	}
	gap := p[label] - rival
	if gap > 0 {
		return RewardHigh * gap, true
	}
	return -RewardLow * gap, false
}

// Softmax turns log-probabilities, which need not add up to one, into a distribution over their
// set.
func Softmax(logs []float64) []float64 {
	top := math.Inf(-1)
	for _, l := range logs {
		top = math.Max(top, l)
	}
	out := make([]float64, len(logs))
	sum := 0.0
	for i, l := range logs {
		out[i] = math.Exp(l - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
