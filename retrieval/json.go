package retrieval

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// setRaw sets the value at path, leaving every other byte. Paths are our own, so they are never
// wrong.
func setRaw(doc, path, raw string) string {
	out, err := sjson.SetRaw(doc, path, raw)
	if err != nil {
		return doc
	}
	return out
}

// remove takes the member at path away.
func remove(doc, path string) string {
	out, err := sjson.Delete(doc, path)
	if err != nil {
		return doc
	}
	return out
}

// reindex sets a number where it is another one.
func reindex(doc, path string, n int64) string {
	if v := gjson.Get(doc, path); v.Exists() && v.Int() == n {
		return doc
	}
	return setRaw(doc, path, strconv.FormatInt(n, 10))
}

func array(values []string) string { return "[" + strings.Join(values, ",") + "]" }

// rawsOf are the elements of an array, none of what is none.
func rawsOf(list gjson.Result) (raws []string) {
	if !list.IsArray() {
		return nil
	}
	list.ForEach(func(_, v gjson.Result) bool {
		raws = append(raws, v.Raw)
		return true
	})
	return raws
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // strings do not fail
		return `""`
	}
	return string(b)
}

// maxUsage is the longest two usage objects, in bytes, that are made one. Each member is set anew,
// so a million of them would take as many copies; real ones have some twenty.
const maxUsage = 16 << 10

// addUsage adds up two usage objects number by number, at every depth: each round was paid for.
// What is no number is b's. An empty text is no usage.
func addUsage(a, b string) string {
	if a == "" || b == "" || len(a)+len(b) > maxUsage {
		return cmp.Or(b, a)
	}
	out := b
	gjson.Parse(a).ForEach(func(key, was gjson.Result) bool {
		path := escapePath(key.Str)
		is := gjson.Get(b, path)
		switch {
		case !is.Exists() || is.Type == gjson.Null:
			out = setRaw(out, path, was.Raw)
		case was.IsObject() && is.IsObject():
			out = setRaw(out, path, addUsage(was.Raw, is.Raw))
		case was.Type == gjson.Number && is.Type == gjson.Number:
			out = setRaw(out, path, strconv.FormatFloat(was.Num+is.Num, 'f', -1, 64))
		}
		return true
	})
	return out
}

// overlay is a usage object with the members that a later one names anew.
func overlay(a, b string) string {
	if a == "" || b == "" || len(a)+len(b) > maxUsage {
		return cmp.Or(b, a)
	}
	out := a
	gjson.Parse(b).ForEach(func(key, v gjson.Result) bool {
		if v.Type != gjson.Null {
			out = setRaw(out, escapePath(key.Str), v.Raw)
		}
		return true
	})
	return out
}

// escapePath makes a member's name a path.
func escapePath(name string) string {
	return strings.NewReplacer(
		`\`,
		`\\`,
		`.`,
		`\.`,
		`*`,
		`\*`,
		`?`,
		`\?`,
		`|`,
		`\|`,
		`#`,
		`\#`,
		`@`,
		`\@`,
		`!`,
		`\!`,
		`:`,
		`\:`,
	).Replace(
		name,
	)
}
