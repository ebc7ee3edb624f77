package explain

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes chunks as a table, the best rank first. Control characters of names are left
// out: a file's own text must not move a terminal's cursor.
func WriteTable(w io.Writer, chunks []Chunk) error {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "RANK\tDECISION\tTOKENS\tSCORE\tWHERE\tWHAT\tPARTS OF THE SCORE\tWHY")
	for _, c := range ByRank(chunks) {
		rank, score := "-", "-"
		if c.Rank > 0 {
			rank, score = fmt.Sprint(c.Rank), fmt.Sprintf("%.2f", c.Score)
		}
		what := c.Kind
		if c.Name != "" {
			what += " " + c.Name
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", rank, c.Decision, c.Tokens, score,
			plain(fmt.Sprintf("%s:%d-%d", c.File, c.StartLine, c.EndLine)), plain(what), partsText(c.Parts, 4), c.Why)
	}
	_ = table.Flush() // a buffer takes everything
	for line := range strings.Lines(out.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// partsText lists the most parts of a score.
func partsText(list []Part, most int) string {
	var words []string
	for _, p := range list[:min(len(list), most)] {
		words = append(words, fmt.Sprintf("%s %+.2f", p.Signal, p.Value))
	}
	if len(list) > most {
		rest := 0.0
		for _, p := range list[most:] {
			rest += p.Value
		}
		words = append(words, fmt.Sprintf("%d more %+.2f", len(list)-most, rest))
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

// plain is text without characters that mean something to a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, text)
}
