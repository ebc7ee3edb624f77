package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"pith/evolve"
)

// progressLine says where a run stands.
func progressLine(s evolve.Status) string {
	p := s.Progress
	return fmt.Sprintf("%s: generation %d, best %.4g at length %d, mean %.4g at %.1f, %d prompts, %d asked, %d remembered%s",
		s.Phase, p.Generation, p.Best.Fitness, p.Best.Length, p.MeanFitness, p.MeanLength, p.Stats.Prompts, s.Asked, s.Memo,
		costOf(s.Spent))
}

func costOf(s evolve.Spent) string {
	if s.In+s.Out == 0 {
		return ""
	}
	return fmt.Sprintf(", %d tokens, cost %.4f", s.In+s.Out, s.Money)
}

// plainEvery is the least time between two plain lines that tell of no new generation or phase.
const plainEvery = 10 * time.Second

// showRun shows signs of life: a bar with the time left on a terminal, plain lines elsewhere.
func showRun(w io.Writer, maxPrompts int) (show func(evolve.Status), stop func()) {
	if !isTerminal(w) {
		return plainRun(w), func() {}
	}
	if maxPrompts == 0 {
		maxPrompts = -1 // nobody knows when a search ends by itself: a spinner
	}
	bar := progressbar.NewOptions(maxPrompts,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	show = func(s evolve.Status) {
		bar.Describe(progressLine(s))
		_ = bar.Set(s.Progress.Stats.Explored)
	}
	return show, func() { _ = bar.Finish() }
}

func plainRun(w io.Writer) func(evolve.Status) {
	var (
		last  evolve.Status
		wrote time.Time
	)
	return func(s evolve.Status) {
		news := s.Phase != last.Phase || s.Progress.Generation != last.Progress.Generation
		if !news && time.Since(wrote) < plainEvery {
			return
		}
		last, wrote = s, time.Now()
		fmt.Fprintln(w, progressLine(s))
	}
}
