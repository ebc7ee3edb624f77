package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// A conversation is a request body as every dialect's reader hands it on: who said what, and where in the bytes it stands.
// Nothing else of the body is ever looked at or changed.
type conversation struct {
	model    string
	messages []message
}

// A role is who speaks in a message. Others (system, developer, unknown ones) are left out of conversations: never touched.
type role int

const (
	roleUser role = iota
	roleAssistant
	roleTool
)

// A message is one turn.
type message struct {
	role  role
	parts []part
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

// A part is a piece of a message.
type part struct {
	kind partKind
	// start and end are the content of a JSON string in the body, quotes excluded. Equal for a call, and for a result whose
	// text is not one string.
	start, end int
	// callID ties a result to its call.
	callID string
	// failed marks a result that reports an error.
	failed bool
	call   call
}

// A call is what an assistant asked of a tool.
type call struct {
	name string
	// args is the arguments' JSON, or plain text where a tool takes that.
	args string
}

// errDuplicateKey refuses bodies whose meaning depends on the reader: of two equal keys one parser takes the first, another
// the last, so editing either could change what the upstream sees.
var errDuplicateKey = errors.New("duplicate key")

// An object holds the members of a JSON object by their decoded names.
type object map[string]gjson.Result

// readObject lists the members of v, which must be an object.
func readObject(v gjson.Result) (object, error) {
	if !v.IsObject() {
		return nil, nil
	}
	o := object{}
	var err error
	v.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if _, dup := o[name]; dup {
			err = fmt.Errorf("%w %.40q", errDuplicateKey, name)
			return false
		}
		o[name] = value
		return true
	})
	return o, err
}

// str returns the string member name, or "".
func (o object) str(name string) string {
	if v := o[name]; v.Type == gjson.String {
		return v.Str
	}
	return ""
}

// truth reports whether the member name is the literal true.
func (o object) truth(name string) bool { return o[name].Type == gjson.True }

// eachObject calls f with every object of the array v.
func eachObject(v gjson.Result, f func(object) error) error {
	if !v.IsArray() {
		return nil
	}
	var err error
	v.ForEach(func(_, item gjson.Result) bool {
		var o object
		if o, err = readObject(item); err == nil && o != nil {
			err = f(o)
		}
		return err == nil
	})
	return err
}

// textAt is the part of a JSON string value.
func textAt(kind partKind, v gjson.Result) part {
	return part{kind: kind, start: v.Index + 1, end: v.Index + len(v.Raw) - 1}
}

// textParts lists the texts of a content that is a string or an array of typed blocks whose text stands in "text".
func textParts(v gjson.Result, types ...string) ([]part, error) {
	if v.Type == gjson.String {
		return []part{textAt(partText, v)}, nil
	}
	var parts []part
	err := eachObject(v, func(o object) error {
		for _, t := range types {
			if o.str("type") == t && o["text"].Type == gjson.String {
				parts = append(parts, textAt(partText, o["text"]))
			}
		}
		return nil
	})
	return parts, err
}

// resultPart is the part of a tool's result. Only a result that is one text has a span; of several nobody knows which is the file.
func resultPart(id string, content gjson.Result, types ...string) (part, error) {
	p := part{kind: partResult, callID: id}
	if content.Type == gjson.String {
		p.start, p.end = content.Index+1, content.Index+len(content.Raw)-1
		return p, nil
	}
	texts, err := textParts(content, types...)
	if err == nil && len(texts) == 1 && len(content.Array()) == 1 {
		p.start, p.end = texts[0].start, texts[0].end
	}
	return p, err
}

// rootObject lists the members of a body that is JSON.
func rootObject(body []byte) (object, error) {
	// Parse keeps offsets relative to the first byte that is not white space; the body is cut there by hand.
	lead := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
	root := gjson.ParseBytes(body[lead:])
	root.Index = lead
	return readObject(root)
}

// readBody checks that body is JSON and reads it as d words it.
func readBody(d *dialect, body []byte) (conversation, error) {
	// encoding/json and not gjson: its scanner has a nesting limit, so a megabyte of '[' cannot exhaust the stack.
	if !json.Valid(body) {
		return conversation{}, errors.New("body is not JSON")
	}
	o, err := rootObject(body)
	if err != nil {
		return conversation{}, err
	}
	c := conversation{model: o.str("model")}
	c.messages, err = d.read(o)
	return c, err
}
