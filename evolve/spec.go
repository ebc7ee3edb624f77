package evolve

import (
	"cmp"
	"fmt"

	"pith/evolve/search"
)

// A Spec is what was asked for, in the words of the command line, so that a run can be taken up
// again from its directory alone. Keys and passwords are no part of it.
type Spec struct {
	Task      string           `json:"task"` // absolute path
	Algorithm search.Algorithm `json:"algorithm"`
	Objective search.Objective `json:"objective"`
	Seed      uint64           `json:"seed"`
	// Reference asks for the published procedure; see search.Options and fitness, selected, pick
	// and searchSplit here.
	Reference bool `json:"reference,omitempty"`
	// Fitness is FitnessReward or FitnessMetric. If empty, the metric with Reference, else the
	// reward.
	Fitness string `json:"fitness,omitempty"`
	Halving bool   `json:"halving,omitempty"`
	Racing  bool   `json:"racing,omitempty"`
	// MaxPrompts and MinLength are those of Options.
	MaxPrompts int `json:"max_prompts,omitempty"`
	MinLength  int `json:"min_length,omitempty"`
	// Units is tokens or words.
	Units   string      `json:"units"`
	Backend BackendSpec `json:"backend"`
}

// A BackendSpec names the model: a local directory (empty: the embedded one) or an endpoint.
type BackendSpec struct {
	ModelDir string `json:"model_dir,omitempty"`
	Device   string `json:"device,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Model    string `json:"model,omitempty"`
}

// What may drive a search.
const (
	FitnessReward = "reward" // confidence in the right label (classification tasks)
	FitnessMetric = "metric" // what the held-out splits go by: accuracy for a classification task
)

// fitness is what drives the search.
func (s Spec) fitness() string {
	if s.Fitness == "" && s.Reference {
		return FitnessMetric
	}
	return cmp.Or(s.Fitness, FitnessReward)
}

// climbs says whether the search is a sweep and no evolution.
func (s Spec) climbs() bool {
	return s.Algorithm == search.TAPruning || s.Algorithm == search.SAHC
}

// Check says what of the spec makes no sense, before anything is started.
func (s Spec) Check() error {
	if s.fitness() != FitnessReward && s.fitness() != FitnessMetric {
		return fmt.Errorf("%w: fitness %q is neither %s nor %s",
			search.ErrOptions, s.Fitness, FitnessReward, FitnessMetric)
	}
	if s.Reference && s.Algorithm == search.Guided {
		return fmt.Errorf("%w: the published searches are gga, ssga, tapruning and sahc, guided is not one of them",
			search.ErrOptions)
	}
	if s.Reference && s.Objective == search.Shortest {
		return fmt.Errorf("%w: the published procedure looks for the best prompt, not for the shortest",
			search.ErrOptions)
	}
	return search.Options{Algorithm: s.Algorithm, Objective: s.Objective}.Check()
}
