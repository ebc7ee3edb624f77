package costs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/tidwall/gjson"

	"pith/compress"
)

// A Session prices whole conversations at a provider that caches prompt prefixes: as they are, with
// the proxy, and with what a proxy would send that compresses every block anew for the newest
// question. The last saves more tokens of each request and pays for the whole prompt again each
// time.
type Session struct {
	// Handler builds the proxy in front of an upstream, which is never asked.
	Handler func(upstream *url.URL) (http.Handler, error)
	// Counters count what the provider bills.
	Counters compress.Counters
	Provider PrefixCache
	// ToolTime and ThinkTime are what passes before a request that brings a tool's result, and
	// before one in which a person speaks. If zero, 5 s and 1 min.
	ToolTime, ThinkTime time.Duration
	// Progress is told what runs. May be nil.
	Progress func(what string)
}

// The forms in which a conversation can be sent.
const (
	FormPlain     = "plain"
	FormPith      = "pith"
	FormRewritten = "rewritten" // every block anew for the newest question
)

// A SessionRow is one conversation.
type SessionRow struct {
	Conversation string        `json:"conversation"`
	Requests     int           `json:"requests"`
	Forms        []SessionForm `json:"forms"`
}

// A SessionForm is what one form of a conversation costs.
type SessionForm struct {
	Form string `json:"form"`
	Bill
	// Cost is in tokens of uncached input, and AgainstPlain is its share of the plain form's.
	Cost         float64 `json:"cost"`
	AgainstPlain float64 `json:"against_plain"`
}

// A SessionReport is what Session.Run found.
type SessionReport struct {
	Provider PrefixCache  `json:"provider"`
	Rows     []SessionRow `json:"rows"`
}

// Run prices every conversation in every form.
func (s Session) Run(ctx context.Context, conversations []Conversation) (SessionReport, error) {
	if s.ToolTime == 0 {
		s.ToolTime = 5 * time.Second
	}
	if s.ThinkTime == 0 {
		s.ThinkTime = time.Minute
	}
	s.Provider = s.Provider.withDefaults()
	rep := SessionReport{Provider: s.Provider}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	handler, err := s.Handler(&url.URL{Scheme: "http", Host: "127.0.0.1:9"}) // the discard port: a preview asks nobody
	if err != nil {
		return rep, fmt.Errorf("build handler: %w", err)
	}
	pith, err := listen(ctx, handler)
	if err != nil {
		return rep, err
	}
	for _, c := range conversations {
		if s.Progress != nil {
			s.Progress(c.Name)
		}
		row, err := s.price(ctx, pith, c)
		if err != nil {
			return rep, fmt.Errorf("%s: %w", c.Name, err)
		}
		rep.Rows = append(rep.Rows, row)
	}
	return rep, nil
}

func (s Session) price(ctx context.Context, pith *url.URL, c Conversation) (SessionRow, error) {
	requests := c.Requests()
	row := SessionRow{Conversation: c.Name, Requests: len(requests)}
	for _, form := range []string{FormPlain, FormPith, FormRewritten} {
		bill := newAccount(s.Provider)
		for _, n := range requests {
			body := c.Body(n)
			if form != FormPlain {
				var err error
				if body, err = preview(ctx, pith.JoinPath(c.Path).String(), body, c.newestQuestion(n),
					form); err != nil {
					return row, err
				}
			}
			bill.pass(s.before(c, n))
			bill.request(s.blocks(c.List, body))
		}
		row.Forms = append(row.Forms, SessionForm{Form: form, Bill: bill.bill, Cost: bill.cost()})
	}
	for i := range row.Forms {
		row.Forms[i].AgainstPlain = row.Forms[i].Cost / row.Forms[0].Cost
	}
	return row, nil
}

// before is the time that passes before the request of n turns.
func (s Session) before(c Conversation, n int) time.Duration {
	if strings.Contains(c.Items[n-1].JSON, `"tool_use_id"`) || strings.Contains(c.Items[n-1].JSON, `call_id"`) {
		return s.ToolTime
	}
	return s.ThinkTime
}

// newestQuestion is what the last two turns say, code apart: what a block would be compressed for
// by whoever looks at the end of the conversation only. It fits a header.
func (c Conversation) newestQuestion(n int) string {
	var words []string
	for _, item := range c.Items[max(0, n-2):n] {
		for _, text := range texts(gjson.Parse(item.JSON)) {
			if len(text) < 600 {
				words = append(words, text)
			}
		}
	}
	question := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r < ' ' || r > '~':
			return -1
		}
		return r
	}, strings.Join(words, " "))
	return strings.TrimSpace(question[max(0, len(question)-1000):])
}

// texts lists the strings in a JSON value, in order.
func texts(v gjson.Result) []string {
	if v.Type == gjson.String {
		return []string{v.Str}
	}
	var out []string
	if v.IsArray() || v.IsObject() {
		v.ForEach(func(_, inner gjson.Result) bool {
			out = append(out, texts(inner)...)
			return true
		})
	}
	return out
}

// preview asks the proxy what it would send.
func preview(ctx context.Context, to string, body []byte, question, form string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Pith-Mode", "preview")
	if form == FormRewritten {
		req.Header.Set("X-Pith-Query", question)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("preview answered %s: %.200s", res.Status, out)
	}
	return out, err
}

// blocks cuts a body at what a provider caches by: what stands before the turns, then turn by turn.
func (s Session) blocks(list string, body []byte) []cacheBlock {
	root := gjson.ParseBytes(body)
	counter := s.Counters.For(root.Get("model").Str)
	turns := root.Get(list)
	parts := []string{strings.Replace(root.Raw, turns.Raw, "", 1)}
	for _, turn := range turns.Array() {
		parts = append(parts, turn.Raw)
	}
	var out []cacheBlock
	for _, part := range parts {
		out = append(out, cacheBlock{part, counter.Count(strings.Join(texts(gjson.Parse(part)), "\n"))})
	}
	return out
}
