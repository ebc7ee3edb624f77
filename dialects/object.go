package dialects

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// ErrDuplicateKey refuses bodies whose meaning depends on the reader: of two equal keys one parser
// takes the first, another the last, so editing either could change what the upstream sees.
var ErrDuplicateKey = errors.New("duplicate key")

// ErrMembers refuses bodies of next to nothing but structure: to know a member takes many times the
// bytes that it is written in.
var ErrMembers = errors.New("too many members for its length")

// Bodies may have fewMembers and one more in each bytesPerMember bytes. Of real requests those with
// the most are tool schemas, of some 30 bytes a member, and they are short.
const (
	fewMembers     = 32 << 10
	bytesPerMember = 256
	// memberBytes is about what a member of an Object takes.
	memberBytes = 256
	// manyMembers is when to clear an Object costs more than to make one.
	manyMembers = 64
)

// HasFewMembers counts the members and the objects of a body that is JSON, and says whether they
// are few enough to be listed: see ErrMembers.
func HasFewMembers(body []byte) bool {
	most := fewMembers + len(body)/bytesPerMember
	for rest := body; ; {
		quote := bytes.IndexByte(rest, '"')
		between := rest
		if quote >= 0 {
			between = rest[:quote]
		}
		for _, c := range between {
			if c == ':' || c == '{' {
				most--
			}
		}
		if quote < 0 || most < 0 {
			return most >= 0
		}
		rest = behindString(rest[quote+1:])
	}
}

// behindString skips to behind the quote that ends a string: the first with an even number of
// backslashes before it.
func behindString(p []byte) []byte {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], '"')
		if i < 0 {
			return nil
		}
		quote := from + i
		escapes := quote
		for escapes > from && p[escapes-1] == '\\' {
			escapes--
		}
		if from = quote + 1; (quote-escapes)%2 == 0 {
			return p[from:]
		}
	}
}

// An Object holds the members of a JSON object by their decoded names. Their indexes are offsets
// into the body.
type Object map[string]gjson.Result

// Root lists the members of a body that is JSON. It is nil where the body is no object; an error
// wraps ErrDuplicateKey. The body must not change afterwards: what is found lies in it, since a
// copy of a large body would be half of what it takes.
func Root(body []byte) (Object, error) {
	// Parse keeps offsets relative to the first byte that is not white space; the body is cut there
	// by hand.
	lead := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
	root := gjson.Parse(unsafe.String(unsafe.SliceData(body[lead:]), len(body)-lead))
	root.Index = lead
	return readObject(root)
}

// readObject lists the members of v, which must be an object.
func readObject(v gjson.Result) (Object, error) {
	if !v.IsObject() {
		return nil, nil
	}
	o := Object{}
	return o, o.fill(v)
}

// fill adds the members of v to o.
func (o Object) fill(v gjson.Result) (err error) {
	v.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if _, dup := o[name]; dup {
			err = fmt.Errorf("%w %.40q", ErrDuplicateKey, name)
			return false
		}
		o[name] = value
		return true
	})
	return err
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

// eachObject calls f with every object of the array v. The object is valid during the call.
func eachObject(v gjson.Result, f func(Object) error) error {
	if !v.IsArray() {
		return nil
	}
	var err error
	o := Object{}
	v.ForEach(func(_, item gjson.Result) bool {
		if !item.IsObject() {
			return true
		}
		if len(o) > manyMembers {
			o = Object{}
		}
		clear(o)
		if err = o.fill(item); err == nil {
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
		if !isEmpty(v) {
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

func isEmpty(v gjson.Result) bool {
	empty := true
	v.ForEach(func(_, _ gjson.Result) bool { empty = false; return false })
	return empty
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
