package evolve

import "math"

// The reward constants of RLPrompt, which PromptQuine took over (algorithm's published code). With gaps in [-1, 1] a reward
// lies in [RewardLow, RewardHigh].
const (
	RewardHigh = 200.0
	RewardLow  = -180.0
)

// ClassReward rewards a distribution over the labels by the gap between the right label and the best wrong one: 200 times
// a positive gap, 180 times a negative one. correct means a gap above zero. A two-class tie is worth nothing here; the
// published Hugging Face path masks every label that ties with the right one and pays 300.
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

// Softmax turns log-probabilities, which need not add up to one, into a distribution over their set.
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

// A Style is the judgement of one rewritten sentence: how much of the content survived (0 to 100) and whether style and
// fluency were accepted (0 or 1).
type Style struct{ Content, Style, Fluency float64 }

// StyleScores are the averages of a style-transfer task.
type StyleScores struct {
	Content, Style, Fluency float64
	// Joint is the mean of content where style and fluency were accepted too; the search's fitness.
	Joint float64
	// Geometric is the geometric mean of the three averages.
	Geometric float64
}

// AverageStyle averages judgements, on a scale of 0 to 100.
func AverageStyle(judged []Style) StyleScores {
	var s StyleScores
	n := float64(len(judged))
	for _, j := range judged {
		s.Content += j.Content / n
		s.Style += 100 * j.Style / n
		s.Fluency += 100 * j.Fluency / n
		s.Joint += j.Content * j.Style * j.Fluency / n
	}
	s.Geometric = math.Exp((math.Log(s.Content) + math.Log(s.Style) + math.Log(s.Fluency)) / 3)
	return s
}
