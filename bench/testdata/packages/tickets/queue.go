package tickets

import (
	"errors"
	"sort"
	"time"
)

var errClosed = errors.New("desk is closed")

// A Ticket is one customer's place in the line.
type Ticket struct {
	Number  int
	Holder  string
	Urgent  bool
	Arrived time.Time
	Called  time.Time
}

// A Desk hands out tickets and calls them.
type Desk struct {
	next    int
	closed  bool
	waiting []Ticket
	served  []Ticket
}

// Issue gives a newcomer the next free number, unless the doors are shut for the day.
func (d *Desk) Issue(holder string, now time.Time) (Ticket, error) {
	if d.closed {
		return Ticket{}, errClosed
	}
	d.next++
	t := Ticket{Number: d.next, Holder: holder, Arrived: now}
	d.waiting = append(d.waiting, t)
	return t, nil
}

// Promote moves somebody in distress in front of all who are not urgent themselves.
func (d *Desk) Promote(number int) bool {
	for i := range d.waiting {
		if d.waiting[i].Number == number {
			d.waiting[i].Urgent = true
			d.reorder()
			return true
		}
	}
	return false
}

// reorder sorts the line by urgency first and arrival second, keeping ties as they are.
func (d *Desk) reorder() {
	sort.SliceStable(d.waiting, func(i, j int) bool {
		a, b := d.waiting[i], d.waiting[j]
		if a.Urgent != b.Urgent {
			return a.Urgent
		}
		return a.Arrived.Before(b.Arrived)
	})
}

// Call takes whoever stands first out of the line and notes the hour.
func (d *Desk) Call(now time.Time) (Ticket, bool) {
	if len(d.waiting) == 0 {
		return Ticket{}, false
	}
	t := d.waiting[0]
	t.Called = now
	d.waiting = d.waiting[1:]
	d.served = append(d.served, t)
	return t, true
}

// Drop forgets a customer who left without being called.
func (d *Desk) Drop(number int) {
	kept := d.waiting[:0]
	for _, t := range d.waiting {
		if t.Number != number {
			kept = append(kept, t)
		}
	}
	d.waiting = kept
}

// Shut stops new arrivals and reports how many people are still to be helped.
func (d *Desk) Shut() int {
	if !d.closed {
		d.closed = true
	}
	return len(d.waiting)
}
