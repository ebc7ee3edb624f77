package dialects

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// A Thread is what is kept of a conversation for a request that names its last answer and does not
// repeat it: the items of the Responses API, in order, separated by commas, without what no later
// turn is planned by. An empty Thread is a conversation that begins.
type Thread []byte

const (
	// maxThread bounds a Thread, in bytes. What agents say and ask in a million tokens fits.
	maxThread = 2 << 20
	// keptResult is the longest result of a tool that a Thread keeps, in bytes: errors and
	// receipts. Of longer ones only that they came.
	keptResult = 1 << 10
)

// ErrThread says that a conversation is too long for a Thread.
var ErrThread = errors.New("conversation is too long to be kept")

// Asked returns t with the input of a request added, which is JSON.
func (t Thread) Asked(request []byte) (Thread, error) {
	input := gjson.GetBytes(request, "input")
	if input.Type == gjson.String {
		return slices.Clip(t).add(`{"role":"user","content":` + input.Raw + `}`)
	}
	return t.Answered(input)
}

// Answered returns t with items added: the input of a request, or the output of an answer.
func (t Thread) Answered(items gjson.Result) (Thread, error) {
	var err error
	t = slices.Clip(t)
	items.ForEach(func(_, item gjson.Result) bool {
		if item.IsObject() && item.Get("type").Str != "reasoning" {
			t, err = t.add(withoutResult(item))
		}
		return err == nil
	})
	return t, err
}

// add appends to t. Other Threads may begin with the bytes of t, so callers begin with one that has
// no room behind them, and t grows as a slice does: a request may have a hundred thousand items.
func (t Thread) add(item string) (Thread, error) {
	if len(t)+len(item) >= maxThread {
		return nil, ErrThread
	}
	if len(t) > 0 {
		t = append(t, ',')
	}
	return append(t, item...), nil
}

// withoutResult is the raw item without the text that a tool returned.
func withoutResult(item gjson.Result) string {
	if out := item.Get("output"); out.Index > 0 && len(out.Raw) > keptResult &&
		strings.HasSuffix(item.Get("type").Str, "_output") {
		return item.Raw[:out.Index-item.Index] + `""` + item.Raw[out.Index-item.Index+len(out.Raw):]
	}
	return item.Raw
}

// After returns c as the continuation of t.
func (c Conversation) After(t Thread) (Conversation, error) {
	body := bytes.Join([][]byte{[]byte(`{"input":[`), t, []byte(`]}`)}, nil)
	earlier, err := responsesDialect.Read(c.work, body)
	if err == nil {
		c.earlier = &earlier
	}
	return c, err
}
