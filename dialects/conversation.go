package dialects

import (
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
)

// A Conversation is a request body as every dialect's reader hands it on: who said what, and where
// in the bytes it stands. Nothing else of the body is ever looked at or changed.
type Conversation struct {
	// Model is the name in the request: free text.
	Model string

	body     []byte
	work     *Work
	messages []chatTurn
	// previous names the answer that this conversation goes on from without repeating it, "" where
	// it is whole; earlier are the turns up to that answer, as far as they are known.
	previous string
	earlier  *Conversation
}

// Previous is the id of the answer that a conversation goes on from without repeating what came
// before it, or "".
func (c Conversation) Previous() string { return c.previous }

// A role is who speaks in a message. Others (system, developer, unknown ones) are left out of
// conversations: never touched.
type role int

const (
	roleUser role = iota
	roleAssistant
	roleTool
)

// A chatTurn is one turn.
type chatTurn struct {
	role  role
	parts []messagePart
}

// A partKind says what a part is.
type partKind int

const (
	partText   partKind = iota // words of the speaker
	partCall                   // an assistant's tool call
	partResult                 // what a tool call returned
	partPrompt                 // code before the cursor of a fill-in-the-middle request
	partSuffix                 // code behind the cursor
)

// A messagePart is a piece of a message.
type messagePart struct {
	kind partKind
	// start and end are the content of a JSON string in the body, quotes excluded. Equal for a
	// call, and for a result whose text is not one string.
	start, end int
	// texts are the spans of a result that came as several texts.
	texts [][2]int
	// callID ties a result to its call.
	callID string
	// failed marks a result that reports an error.
	failed bool
	call   toolCall
}

// A toolCall is what an assistant asked of a tool.
type toolCall struct {
	name string
	// args is the arguments' JSON, or plain text where a tool takes that.
	args string
}

// textAt is the part of a JSON string value.
func textAt(kind partKind, v gjson.Result) messagePart {
	return messagePart{kind: kind, start: v.Index + 1, end: v.Index + len(v.Raw) - 1}
}

// textParts lists the texts of a content that is a string or an array of typed blocks whose text
// stands in "text".
func textParts(v gjson.Result, types ...string) ([]messagePart, error) {
	if v.Type == gjson.String {
		return []messagePart{textAt(partText, v)}, nil
	}
	var parts []messagePart
	err := eachObject(v, func(o Object) error {
		for _, t := range types {
			if o.str("type") == t && o["text"].Type == gjson.String {
				parts = append(parts, textAt(partText, o["text"]))
			}
		}
		return nil
	})
	return parts, err
}

// resultPart is the part of a tool's result. One that is not made of texts alone has none.
func resultPart(id string, content gjson.Result, types ...string) (messagePart, error) {
	p := messagePart{kind: partResult, callID: id}
	if content.Type == gjson.String {
		p.start, p.end = content.Index+1, content.Index+len(content.Raw)-1
		return p, nil
	}
	texts, err := textParts(content, types...)
	if err != nil || len(texts) == 0 || len(texts) != countItems(content) {
		return p, err
	}
	p.start, p.end = texts[0].start, texts[0].end
	if len(texts) > 1 {
		for _, t := range texts {
			p.texts = append(p.texts, [2]int{t.start, t.end})
		}
	}
	return p, nil
}

// messageBytes, partBytes and spanOfTextBytes are about what a message, a part and one of its texts
// take.
const messageBytes, partBytes, spanOfTextBytes = 48, 160, 16

// countItems is the length of an array.
func countItems(v gjson.Result) (n int) {
	v.ForEach(func(_, _ gjson.Result) bool { n++; return true })
	return n
}

// Read checks that body is JSON and reads it as d words it, within w. An error wraps
// ErrDuplicateKey, ErrMembers or the error of w, or says that body is no JSON; the model is there
// where it could be read.
func (d *Dialect) Read(w *Work, body []byte) (Conversation, error) {
	// The check is encoding/json's and not gjson's: it has a nesting limit, so a megabyte of '['
	// cannot exhaust the stack (TestHostileBodiesPassUnchanged in proxy).
	if !json.Valid(body) {
		return Conversation{}, errors.New("body is not JSON")
	}
	// Valid, the count and the dialect's reader each look at all of it.
	if w.spend(3 * len(body)); !HasFewMembers(body) {
		return Conversation{}, ErrMembers
	}
	o, err := Root(body)
	if err != nil {
		return Conversation{}, err
	}
	c := Conversation{Model: o.str("model"), body: body, work: w, previous: o.str("previous_response_id")}
	if c.messages, err = d.read(o); err != nil {
		return c, err
	}
	took := memberBytes * len(o)
	for _, m := range c.messages {
		took += messageBytes + partBytes*len(m.parts)
		for _, p := range m.parts {
			took += spanOfTextBytes * len(p.texts)
		}
	}
	w.hold(took)
	return c, w.Err()
}

// Opening is the first thing that the user says in a conversation; ok is false where there is none.
func (c Conversation) Opening() (text string, ok bool) {
	if c.earlier != nil {
		if text, ok = c.earlier.Opening(); ok {
			return text, true
		}
	}
	for _, m := range c.messages {
		if m.role != roleUser {
			continue
		}
		for _, p := range m.parts {
			if p.kind == partText || p.kind == partPrompt {
				text, ok = text+readString(c.work, c.body, p.start, p.end), true
			}
		}
		break
	}
	return text, ok
}
