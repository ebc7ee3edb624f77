package evolve

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// An Entry is one prompt with its figures on every split.
type Entry struct {
	Name string `json:"name"`
	search.Candidate
	// Validation and Test are means of the task's metric: accuracy for a classification task. Test
	// means nothing unless Tested.
	Validation float64 `json:"validation"`
	Test       float64 `json:"test"`
	Tested     bool    `json:"tested"`

	rows []float64 // the metric on each row of the test split
}

// A Report is the outcome of a run. It holds no times, so the report of a run that was killed and
// taken up again equals that of one that was not, but for what a kill made it pay for twice.
type Report struct {
	Task      string `json:"task"`
	Licence   string `json:"licence"`
	Spec      Spec   `json:"spec"`
	Model     string `json:"model"`
	Tokenizer string `json:"tokenizer"`
	// Template is the full prompt as it stands in the task, Pieces the units that masks are over.
	Template string   `json:"template"`
	Pieces   []string `json:"pieces"`
	Examples Splits   `json:"examples"`
	// Overlaps says which rows stand in two splits, or in the demonstrations.
	Overlaps []string `json:"overlaps,omitempty"`
	// Missing says what a provisional report lacks because the run was stopped. It is empty at the
	// end.
	Missing string `json:"missing,omitempty"`
	// Full is the whole prompt, Answer what validation chose among it and the pruned ones,
	// Baselines what the answer has to beat.
	Full      Entry   `json:"full"`
	Answer    Entry   `json:"answer"`
	Baselines []Entry `json:"baselines"`
	// Comparisons hold the answer against the full prompt and against random pruning, as far as
	// they were tested.
	Comparisons []Comparison       `json:"comparisons"`
	Front       []search.Candidate `json:"front"`
	Curve       []search.Progress  `json:"curve"`
	Stats       search.Stats       `json:"stats"`
	Spending    llm.Spending       `json:"spending"`
}

// Splits are numbers of examples.
type Splits struct {
	Search     int `json:"search"`
	Validation int `json:"validation"`
	Test       int `json:"test"`
}

// The names of entries.
const (
	fullName       = "full prompt"
	randomName     = "random pruning"
	perplexityName = "perplexity pruning"
)

func (e *execution) report(found search.Result, full, answer Entry) *Report {
	pieces := make([]string, len(e.template.Units))
	for i, u := range e.template.Units {
		pieces[i] = u.Text
	}
	return &Report{
		Task: e.Task.Name, Licence: e.Task.Data.Licence, Spec: e.Dir.Spec, Model: e.Backend.ID,
		Tokenizer: e.TokenizerName, Template: e.Task.Template, Pieces: pieces,
		Examples: Splits{len(e.searchSplit()), len(e.Task.Validation), len(e.Task.Test)},
		Overlaps: e.Task.Overlaps(),
		Full:     full,
		Answer:   answer,
		Front:    found.Front,
		Curve:    e.Dir.saved.Generations,
		Stats:    found.Stats,
	}
}

// compare holds the answer against the full prompt and random pruning, where both were tested.
func (r *Report) compare() {
	r.Comparisons = nil
	for _, e := range r.Entries() {
		if (e.Name == fullName || e.Name == randomName) && e.Tested && r.Answer.Tested {
			r.Comparisons = append(r.Comparisons, Compare(e.Name, r.Answer.rows, e.rows))
		}
	}
}

// Entries are the full prompt, the answer and the baselines, in this order.
func (r *Report) Entries() []Entry { return append([]Entry{r.Full, r.Answer}, r.Baselines...) }

// Share is the length of e as a share of the full prompt's.
func (r *Report) Share(e Entry) float64 { return float64(e.Length) / float64(max(1, r.Full.Length)) }

// Against is the verdict on the answer beside the full prompt: NotShown where it was not tested or
// where nothing was pruned.
func (r *Report) Against() Verdict {
	for _, c := range r.Comparisons {
		if c.With == fullName && r.pruned() {
			return c.Verdict
		}
	}
	return NotShown
}

func (r *Report) pruned() bool { return r.Answer.Text != r.Full.Text }

// Verdict says in a sentence what the held-out splits say.
func (r *Report) Verdict() string {
	if !r.pruned() {
		return "No pruned prompt did as well as the full one on the validation split. Keep the full prompt."
	}
	if !r.Answer.Tested {
		return fmt.Sprintf(
			"The pruned prompt was not tested: %.4g against %.4g on the validation split, at %.0f %% of the length.",
			r.Answer.Validation, r.Full.Validation, 100*r.Share(r.Answer),
		)
	}
	figures := fmt.Sprintf("%.4g against %.4g on the test split, at %.0f %% of the length",
		r.Answer.Test, r.Full.Test, 100*r.Share(r.Answer))
	switch r.Against() {
	case Better:
		return "The pruned prompt does better than the full one: " + figures + "."
	case NoWorse:
		return "The pruned prompt does no worse than the full one: " + figures + "."
	}
	return "That the pruned prompt does no worse than the full one is not shown: " + figures + "."
}

// WriteText prints the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "prompt\tlength\tof full\tsearch\tvalidation\ttest\t")
	for _, e := range r.Entries() {
		fmt.Fprintf(
			tw, "%s\t%d\t%.0f %%\t%.4g\t%.4g\t%s\t\n", e.Name, e.Length, 100*r.Share(e), e.Fitness, e.Validation,
			e.TestText(),
		)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, r.Verdict())
	for _, c := range r.Comparisons {
		fmt.Fprintf(w, "The answer is %s.\n", c)
	}
	for _, o := range r.Overlaps {
		fmt.Fprintln(w, "Mind:", o+".")
	}
	if r.Missing != "" {
		fmt.Fprintf(w, "Provisional: the run was stopped before %s.\n", r.Missing)
	}
	_, err := fmt.Fprintf(w, "%d prompts and %d rewards in the search; %d, %d and %d examples%s.\n",
		r.Stats.Prompts, r.Stats.Examples, r.Examples.Search, r.Examples.Validation, r.Examples.Test, r.cost())
	return err
}

// cost is what the run used, in words; empty for a local model.
func (r *Report) cost() string {
	s := r.Spending
	switch {
	case s.Total() == 0:
		return ""
	case s.Money == 0:
		return fmt.Sprintf("; %d tokens read and %d written", s.In, s.Out)
	}
	return fmt.Sprintf("; %d tokens read and %d written, cost %.4f", s.In, s.Out, s.Money)
}

// TestText is the figure on the test split, or a dash.
func (e Entry) TestText() string {
	if !e.Tested {
		return "-"
	}
	return fmt.Sprintf("%.4g", cmp.Or(e.Test, 0))
}
