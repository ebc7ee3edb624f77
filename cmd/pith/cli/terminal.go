package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"
	"github.com/pmezard/go-difflib/difflib"
	"github.com/schollz/progressbar/v3"

	"pith/compress"
)

// IsTerminal reports that a person may be looking.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Spin shows that work goes on, on a terminal only; the returned function ends it and clears the
// line.
func Spin(w io.Writer, what string) (stop func()) {
	if !IsTerminal(w) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionClearOnFinish())
	ticker, done, ended := time.NewTicker(100*time.Millisecond), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				_ = bar.Add(1)
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
		_ = bar.Finish()
	}
}

// Transfers reports work that is counted in bytes: a bar on a terminal, a line for each phase
// elsewhere. Work of unknown size has the total 0, and only a name.
func Transfers(w io.Writer) func(phase string, done, total int64) {
	var bar *progressbar.ProgressBar
	last := ""
	return func(phase string, done, total int64) {
		if phase != last {
			if bar != nil {
				_ = bar.Finish()
			}
			last, bar = phase, nil
			if !IsTerminal(w) || total == 0 {
				fmt.Fprintln(w, phase)
			}
		}
		if !IsTerminal(w) || total == 0 {
			return
		}
		if bar == nil {
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(w),
				progressbar.OptionSetDescription(phase),
				progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
				progressbar.OptionClearOnFinish(),
				progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = bar.Set64(done)
	}
}

// PrintDiff writes a unified diff of each file against what is left of it, coloured on a terminal.
func PrintDiff(w io.Writer, before []compress.File, after []compress.FileResult) error {
	colours := map[byte]*color.Color{
		'-': color.New(color.FgRed), '+': color.New(color.FgGreen), '@': color.New(color.FgCyan),
	}
	for _, c := range colours {
		if IsTerminal(w) && os.Getenv("NO_COLOR") == "" {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	for i, file := range before {
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: difflib.SplitLines(file.Content), FromFile: "a/" + file.Path,
			B: difflib.SplitLines(after[i].Text), ToFile: "b/" + file.Path,
			Context: 3,
		})
		if err != nil {
			return fmt.Errorf("diff %s: %w", file.Path, err)
		}
		for line := range strings.Lines(text) {
			if c := colours[line[0]]; c != nil {
				line = c.Sprint(strings.TrimSuffix(line, "\n")) + "\n"
			}
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}
