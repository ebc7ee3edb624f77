package pruning

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"pith/cmd/pith/cli"
	"pith/evolve"
	"pith/evolve/llm"
	"pith/evolve/search"
)

// progressLine says where a run stands, in one line. It looks at most prompts at the most, or at an
// unknown number if that is 0.
func progressLine(s evolve.Status, most int) string {
	p := s.Progress
	if s.Most > 0 {
		return fmt.Sprintf("%s: %d of at most %d questions, %d asked in all, %d remembered%s",
			s.Phase, s.Done, s.Most, s.Asked, s.Remembered, costOf(s.Spending))
	}
	if p.Generation == 0 {
		return fmt.Sprintf("%s: %d asked, %d remembered%s", s.Phase, s.Asked, s.Remembered, costOf(s.Spending))
	}
	return fmt.Sprintf(
		"%s: generation %d, best %.4g at length %d, mean %.4g at %.1f, %s, %d asked, %d remembered%s",
		s.Phase, p.Generation, p.Best.Fitness, p.Best.Length, p.MeanFitness, p.MeanLength, promptsOf(p, most),
		s.Asked, s.Remembered, costOf(s.Spending),
	)
}

func promptsOf(p search.Progress, most int) string {
	if most == 0 {
		return fmt.Sprintf("%d prompts", p.Stats.Prompts)
	}
	return fmt.Sprintf("%d of at most %d prompts", p.Stats.Prompts, most)
}

func costOf(s llm.Spending) string {
	switch {
	case s.Total() == 0:
		return ""
	case s.Money == 0:
		return fmt.Sprintf(", %d tokens", s.Total())
	}
	return fmt.Sprintf(", %d tokens, cost %.4f", s.Total(), s.Money)
}

const (
	// plainEvery is the least time between two plain lines that tell of no new generation or phase.
	plainEvery = 10 * time.Second
	// redrawEvery is the time between two pictures on a terminal.
	redrawEvery = 200 * time.Millisecond
	// frontShown is the most points of the front that a line shows.
	frontShown = 8
)

// A progressView shows how a run does: on a terminal a block of lines that is drawn again and
// again, elsewhere plain lines.
type progressView struct {
	w    io.Writer
	spec evolve.Spec
	size func() (width int, ok bool) // nil: not a terminal

	mu     sync.Mutex
	began  time.Time // of the first question that the model was asked: a resumed run first plays what it knows
	now    evolve.Status
	reason string   // why nothing moves
	notes  []string // to be told, above what is drawn
	wrote  time.Time
	lines  int // drawn and still on the screen
}

func newProgressView(w io.Writer, spec evolve.Spec) *progressView {
	v := &progressView{w: w, spec: spec}
	if f, ok := w.(*os.File); ok && cli.IsTerminal(w) {
		v.size = func() (int, bool) {
			width, _, err := term.GetSize(int(f.Fd()))
			return width, err == nil && width > 0
		}
	}
	return v
}

// Show takes in a status.
func (v *progressView) show(s evolve.Status) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.began.IsZero() && s.Asked > 0 {
		v.began = time.Now()
	}
	news := s.Phase != v.now.Phase || s.Progress.Generation != v.now.Progress.Generation
	v.now = s
	if v.size == nil && (news || time.Since(v.wrote) >= plainEvery) {
		v.wrote = time.Now()
		fmt.Fprintln(v.w, progressLine(s, v.most()))
	}
}

// wait takes in why nothing moves; "" means that it does again.
func (v *progressView) wait(reason string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reason = reason
	if v.size == nil && reason != "" {
		fmt.Fprintln(v.w, "waiting:", reason)
	}
}

// note takes in what the user should know.
func (v *progressView) note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.size == nil {
		fmt.Fprintln(v.w, text)
		return
	}
	v.notes = append(v.notes, text)
}

// start draws on a terminal until stop is called; stop clears what was drawn.
func (v *progressView) start() (stop func()) {
	if v.size == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				v.draw(v.picture)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		v.draw(func() []string { return nil })
	}
}

// draw replaces the lines on the screen by those of picture, each cut to the width: a line that
// wraps would count twice.
func (v *progressView) draw(picture func() []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	width, ok := v.size()
	if !ok {
		return
	}
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", v.lines)
	}
	for _, n := range v.notes {
		b.WriteString(n + "\n")
	}
	v.notes = nil
	lines := picture()
	for _, l := range lines {
		b.WriteString(cutTo(l, width-1) + "\n")
	}
	v.lines = len(lines)
	_, _ = io.WriteString(v.w, b.String()) // a screen that is gone is no reason to end a run
}

func cutTo(line string, width int) string {
	for n, at := 0, 0; at < len(line); n++ {
		if n == width {
			return line[:at]
		}
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	return line
}

// picture draws the run as text.
func (v *progressView) picture() []string {
	s, p := v.now, v.now.Progress
	at := fmt.Sprintf("generation %d", p.Generation)
	if s.Most > 0 {
		at = fmt.Sprintf("%d of at most %d questions", s.Done, s.Most)
	}
	lines := []string{
		fmt.Sprintf("%s, seed %d: %s, %s%s", v.spec.Algorithm, v.spec.Seed, s.Phase, at, v.clock()),
	}
	if p.Generation > 0 {
		lines = append(
			lines,
			fmt.Sprintf(
				"  best    %.4g at length %d (full prompt %.4g at %d)", p.Best.Fitness, p.Best.Length, p.Full.Fitness,
				p.Full.Length,
			),
			fmt.Sprintf("  mean    %.4g at length %.1f", p.MeanFitness, p.MeanLength),
			"  front   "+frontLine(p.Front),
			fmt.Sprintf("  prompt  %q", p.Best.Text),
		)
	}
	lines = append(
		lines,
		fmt.Sprintf(
			"  asked   %d questions, %d remembered, %s%s", s.Asked, s.Remembered, promptsOf(p, v.most()),
			costOf(s.Spending),
		),
	)
	if v.reason != "" {
		lines = append(lines, "  waiting "+v.reason)
	}
	return lines
}

// frontLine lists points of the front as length:fitness, evenly chosen when there are many.
func frontLine(front []search.Candidate) string {
	step := max(1, float64(len(front)-1)/(frontShown-1))
	var points []string
	for at := 0.0; int(math.Round(at)) < len(front); at += step {
		c := front[int(math.Round(at))]
		points = append(points, fmt.Sprintf("%d:%.4g", c.Length, c.Fitness))
	}
	return strings.Join(points, "  ")
}

// clock says how long the model has been at work and, while the search lasts, how long it may still
// be: until the most prompts are looked at or, for an evolution, until its prompts are as short as
// they may get. Searches often end earlier.
func (v *progressView) clock() string {
	if v.began.IsZero() {
		return ""
	}
	took := time.Since(v.began)
	out := fmt.Sprintf(", %s", took.Round(time.Second))
	if share := v.share(); v.now.Phase == "search" && share > 0 && share < 1 {
		left := time.Duration(float64(took) * (1 - share) / share)
		out += fmt.Sprintf(", at most %s left in the search", left.Round(time.Second))
	}
	return out
}

// most is how many prompts the search looks at, at most.
func (v *progressView) most() int {
	if v.spec.MaxPrompts == 0 {
		return search.DefaultMaxPrompts
	}
	return v.spec.MaxPrompts
}

// share is the part of the search that is done, if it goes on as it did.
func (v *progressView) share() float64 {
	p := v.now.Progress
	most, shortest := v.most(), v.spec.MinLength
	if shortest == 0 {
		shortest = search.DefaultMinLength
	}
	share := float64(p.Stats.Explored) / float64(most)
	if a := v.spec.Algorithm; a == search.GGA || a == search.SSGA {
		if way := float64(p.Full.Length - shortest); way > 0 {
			share = max(share, (float64(p.Full.Length)-p.MeanLength)/way)
		}
	}
	return share
}
