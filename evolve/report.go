package evolve

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// An Entry is one prompt with its figures on every split.
type Entry struct {
	Name string `json:"name"`
	Candidate
	// Validation and Test are means of the task's metric: accuracy for a classification task.
	Validation float64 `json:"validation"`
	Test       float64 `json:"test"`
}

// A Report is the outcome of a run. It holds no times, so the report of a run that was killed and taken up again equals
// that of one that was not.
type Report struct {
	Task      string `json:"task"`
	Licence   string `json:"licence"`
	Spec      Spec   `json:"spec"`
	Model     string `json:"model"`
	Tokenizer string `json:"tokenizer"`
	// Template is the full prompt as it stands in the task.
	Template string `json:"template"`
	Examples Splits `json:"examples"`
	// Full is the whole prompt, Answer the pruned one that validation chose, Baselines what it has to beat.
	Full      Entry   `json:"full"`
	Answer    Entry   `json:"answer"`
	Baselines []Entry `json:"baselines"`
	// Transfers says whether the answer is at least as good as the full prompt on the test split.
	Transfers bool        `json:"transfers"`
	Front     []Candidate `json:"front"`
	Curve     []Progress  `json:"curve"`
	Stats     Stats       `json:"stats"`
}

// Splits are numbers of examples.
type Splits struct {
	Search     int `json:"search"`
	Validation int `json:"validation"`
	Test       int `json:"test"`
}

func (w *work) report(found Result, full, best Entry, baselines []Entry) *Report {
	return &Report{
		Task: w.Task.Name, Licence: w.Task.Data.Licence, Spec: w.Dir.Spec, Model: w.Backend.ID, Tokenizer: w.TokenizerName,
		Template:  w.Task.Template,
		Examples:  Splits{len(w.Task.Search), len(w.Task.Validation), len(w.Task.Test)},
		Full:      full,
		Answer:    best,
		Baselines: baselines,
		Transfers: best.Test >= full.Test,
		Front:     found.Front,
		Curve:     w.Dir.saved.Generations,
		Stats:     found.Stats,
	}
}

// Entries are the full prompt, the answer and the baselines, in this order.
func (r *Report) Entries() []Entry { return append([]Entry{r.Full, r.Answer}, r.Baselines...) }

// Share is the length of e as a share of the full prompt's.
func (r *Report) Share(e Entry) float64 { return float64(e.Length) / float64(max(1, r.Full.Length)) }

// Verdict says in one sentence what the held-out test says.
func (r *Report) Verdict() string {
	if r.Transfers {
		return fmt.Sprintf("The pruned prompt holds on the test split: %.4g against %.4g, at %.0f %% of the length.",
			r.Answer.Test, r.Full.Test, 100*r.Share(r.Answer))
	}
	return fmt.Sprintf("The pruned prompt does not hold on the test split: %.4g against %.4g. Keep the full prompt.",
		r.Answer.Test, r.Full.Test)
}

// WriteText prints the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "prompt\tlength\tof full\tsearch\tvalidation\ttest\t")
	for _, e := range r.Entries() {
		fmt.Fprintf(tw, "%s\t%d\t%.0f %%\t%.4g\t%.4g\t%.4g\t\n", e.Name, e.Length, 100*r.Share(e), e.Fitness, e.Validation, e.Test)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s\n%d prompts and %d rewards in the search; %d, %d and %d examples.\n", r.Verdict(), r.Stats.Prompts,
		r.Stats.Examples, r.Examples.Search, r.Examples.Validation, r.Examples.Test)
	return err
}
