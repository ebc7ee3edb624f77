package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pith/internal/apierror"
)

// A Mode says what happens to a request's blocks.
type Mode string

// The modes of X-Pith-Mode.
const (
	// ModeOff passes the request through untouched and unread.
	ModeOff Mode = "off"
	// ModeAuto compresses what is worth it.
	ModeAuto Mode = "auto"
	// ModeForce drops the minimum size and the need for a question; what must never be touched
	// still is not.
	ModeForce Mode = "force"
	// ModePreview answers with the request as auto would have sent it; the upstream is not asked.
	ModePreview Mode = "preview"
)

// The request headers that steer compression. They never reach the upstream.
const (
	headerMode   = "X-Pith-Mode"
	headerBudget = "X-Pith-Budget"
	headerRate   = "X-Pith-Rate"
	headerQuery  = "X-Pith-Query"
	// headerExplain asks a preview for what was decided, chunk by chunk.
	headerExplain = "X-Pith-Explain"
)

// A control is what a request's own headers ask for.
type control struct {
	mode Mode
	// budget is the number of tokens for the blocks of one message together. Zero: rate decides.
	budget int
	// rate is compressed / original tokens of each block. Zero: the engine's own choice.
	rate float64
	// query stands for every block's own question when not empty.
	query string
	// explain answers a preview with an account of it.
	explain bool
}

// takeControl reads the X-Pith request headers and removes them from h.
func takeControl(h http.Header, fallback Mode) (control, error) {
	c := control{mode: fallback}
	mode, budget, rate := h.Get(headerMode), h.Get(headerBudget), h.Get(headerRate)
	c.query = strings.TrimSpace(h.Get(headerQuery))
	c.explain = h.Get(headerExplain) == "1"
	dropOwn(h)
	dropDisguised(h)
	if mode != "" {
		c.mode = Mode(strings.ToLower(mode))
	}
	switch c.mode {
	case ModeOff, ModeAuto, ModeForce, ModePreview:
	default:
		return c, badHeader(headerMode, "want off, auto, force or preview")
	}
	if c.explain && c.mode != ModePreview {
		return c, badHeader(headerExplain, "goes with "+headerMode+": preview")
	}
	if budget != "" && rate != "" {
		return c, badHeader(headerBudget, "cannot stand beside "+headerRate+": send one of them")
	}
	if budget != "" {
		n, err := strconv.Atoi(budget)
		if err != nil || n <= 0 {
			return c, badHeader(headerBudget, "want a positive whole number of tokens")
		}
		c.budget = n
	}
	if rate != "" {
		f, err := strconv.ParseFloat(rate, 64)
		if err != nil || !(f > 0 && f <= 1) {
			return c, badHeader(headerRate, "want a number above 0 and up to 1")
		}
		c.rate = f
	}
	return c, nil
}

// badHeader does not repeat the value: a header that was filled by mistake may hold a key.
func badHeader(name, want string) error {
	return apierror.BadRequest(fmt.Sprintf("%s: %s", name, want))
}
