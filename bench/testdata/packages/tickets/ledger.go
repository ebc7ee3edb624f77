package tickets

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// averageWait is the mean time between arrival and being called, over everybody served so far.
func averageWait(served []Ticket) time.Duration {
	if len(served) == 0 {
		return 0
	}
	var sum time.Duration
	for _, t := range served {
		sum += t.Called.Sub(t.Arrived)
	}
	return sum / time.Duration(len(served))
}

// longest finds the customer who had to be the most patient.
func longest(served []Ticket) Ticket {
	var worst Ticket
	for _, t := range served {
		if t.Called.Sub(t.Arrived) > worst.Called.Sub(worst.Arrived) {
			worst = t
		}
	}
	return worst
}

// byHour counts arrivals for each hour of the day, to plan how many clerks are needed.
func byHour(tickets []Ticket) [24]int {
	var hours [24]int
	for _, t := range tickets {
		hours[t.Arrived.Hour()]++
	}
	return hours
}

// writeCSV prints one row for each ticket with a heading, quoting holders that contain a comma.
func writeCSV(w io.Writer, tickets []Ticket) error {
	if _, err := fmt.Fprintln(w, "number,holder,wait"); err != nil {
		return err
	}
	for _, t := range tickets {
		holder := t.Holder
		if strings.Contains(holder, ",") {
			holder = `"` + holder + `"`
		}
		if _, err := fmt.Fprintf(w, "%d,%s,%s\n", t.Number, holder, t.Called.Sub(t.Arrived)); err != nil {
			return err
		}
	}
	return nil
}

// initials shortens a holder's name to capital letters for the public display.
func initials(holder string) string {
	var b strings.Builder
	for _, part := range strings.Fields(holder) {
		b.WriteString(strings.ToUpper(part[:1]))
	}
	return b.String()
}

// estimate guesses when a place in the line will be reached, from the pace of the last customers.
func estimate(served []Ticket, position int, now time.Time) time.Time {
	recent := served
	if len(recent) > 10 {
		recent = recent[len(recent)-10:]
	}
	pace := averageWait(recent)
	return now.Add(time.Duration(position) * pace)
}
