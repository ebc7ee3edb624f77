package dialects

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// ErrDuplicateKey refuses bodies whose meaning depends on the reader: of two equal keys one parser
// takes the first, another the last, so editing either could change what the upstream sees.
var ErrDuplicateKey = errors.New("duplicate key")

// An Object holds the members of a JSON object by their decoded names. Their indexes are offsets
// into the body.
type Object map[string]gjson.Result

// Root lists the members of a body that is JSON. It is nil where the body is no object; an error
// wraps ErrDuplicateKey.
func Root(body []byte) (Object, error) {
	// Parse keeps offsets relative to the first byte that is not white space; the body is cut there
	// by hand.
	lead := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
	root := gjson.ParseBytes(body[lead:])
	root.Index = lead
	return readObject(root)
}

// readObject lists the members of v, which must be an object.
func readObject(v gjson.Result) (Object, error) {
	if !v.IsObject() {
		return nil, nil
	}
	o := Object{}
	var err error
	v.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if _, dup := o[name]; dup {
			err = fmt.Errorf("%w %.40q", ErrDuplicateKey, name)
			return false
		}
		o[name] = value
		return true
	})
	return o, err
}

// str returns the string member name, or "".
func (o Object) str(name string) string {
	if v := o[name]; v.Type == gjson.String {
		return v.Str
	}
	return ""
}

// True reports whether the member name is the literal true.
func (o Object) True(name string) bool { return o[name].Type == gjson.True }

// eachObject calls f with every object of the array v.
func eachObject(v gjson.Result, f func(Object) error) error {
	if !v.IsArray() {
		return nil
	}
	var err error
	v.ForEach(func(_, item gjson.Result) bool {
		var o Object
		if o, err = readObject(item); err == nil && o != nil {
			err = f(o)
		}
		return err == nil
	})
	return err
}

// Append adds values, which are JSON, to the end of the array that is a member of body, whose
// members o lists; where the member is missing it is added. Every other byte stays. Append returns
// nil where the member is no array.
func Append(body []byte, o Object, member string, values ...string) []byte {
	list := strings.Join(values, ",")
	v := o[member]
	var e Edit
	switch {
	case v.IsArray():
		if len(v.Array()) > 0 {
			list = "," + list
		}
		end := v.Index + len(v.Raw) - 1
		e = Edit{end, end, []byte(list)}
	case !v.Exists():
		list = strconv.Quote(member) + ":[" + list + "]"
		if len(o) > 0 {
			list = "," + list
		}
		end := bytes.LastIndexByte(body, '}')
		e = Edit{end, end, []byte(list)}
	default:
		return nil
	}
	return Splice(body, []Edit{e})
}

// ModelOf reads the model of a JSON body: the last of several, as nearly all parsers do.
func ModelOf(body []byte) (model string) {
	gjson.ParseBytes(body).ForEach(func(key, value gjson.Result) bool {
		if key.String() == "model" {
			model = value.String()
		}
		return true
	})
	return model
}
