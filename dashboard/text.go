package dashboard

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// requestsInText is how many requests a terminal gets to see.
const requestsInText = 12

// WriteText writes a state for a terminal.
func (s State) WriteText(w io.Writer) error {
	var out bytes.Buffer
	t := s.Totals
	fmt.Fprintf(&out, "Pith %s  %s\n\n", s.Version, s.Time.Format("15:04:05"))
	fmt.Fprintf(&out, "code      %d -> %d tokens, %.1f times smaller", t.Original, t.Sent, t.Ratio)
	if t.Budget > 0 {
		fmt.Fprintf(&out, ", %.0f %% of budgets used", 100*float64(t.Lines)/float64(t.Budget))
	}
	fmt.Fprintf(
		&out,
		"\nrequests  %d, %d made shorter, %d running, %d bytes held\n",
		t.Requests,
		t.Compressed,
		t.Active,
		t.HeldBytes,
	)
	fmt.Fprintf(&out, "added     half within %.1f ms, 95 of 100 within %.1f ms\n", t.AddedP50, t.AddedP95)
	if n := t.CacheHits + t.CacheMisses; n > 0 {
		fmt.Fprintf(&out, "cache     %d of %d requests were known\n", t.CacheHits, n)
	}
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nARM\tANSWERS\tFAILED\tINPUT\tCACHE READ\tCACHE WRITE\tOUTPUT\tCOST\tUNCOMPRESSED")
	for _, a := range s.Arms {
		fmt.Fprintf(
			table,
			"%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.4f\t%.4f\n",
			a.Name,
			a.Answers,
			a.Errors,
			a.Input,
			a.CacheRead,
			a.CacheWrite,
			a.Output,
			a.Cost,
			a.Uncompressed,
		)
	}
	fmt.Fprintln(table, "\nDECISION\tREASON\tREQUESTS")
	for _, d := range s.Decisions {
		fmt.Fprintf(table, "%s\t%s\t%d\n", d.Decision, orDash(d.Reason), d.Count)
	}
	fmt.Fprintln(table, "\nPART\tSTATE\tDETAIL")
	for _, p := range s.Parts {
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, p.State, plain(p.Detail))
	}
	for _, u := range s.Upstreams {
		var words []string
		for name, n := range u.Outcomes {
			words = append(words, fmt.Sprintf("%s %d", name, n))
		}
		slices.Sort(words)
		fmt.Fprintf(table, "upstream %s\t\t%s\n", plain(u.Name), strings.Join(words, ", "))
	}
	fmt.Fprintln(table, "\nTIME\tREQUEST\tDECISION\tREASON\tTOKENS\tADDED\tTOOK\tSTATUS")
	for _, r := range s.Recent[:min(len(s.Recent), requestsInText)] {
		fmt.Fprintf(
			table,
			"%s\t%.8s\t%s\t%s\t%d -> %d\t%.0f ms\t%.0f ms\t%d\n",
			r.Time.Format("15:04:05"),
			r.ID,
			r.Decision,
			orDash(r.Reason),
			r.OriginalTokens,
			r.CompressedTokens,
			r.CompressMS,
			r.TookMS,
			r.Status,
		)
	}
	_ = table.Flush() // a buffer takes everything
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// plain is text without characters that mean something to a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, text)
}
