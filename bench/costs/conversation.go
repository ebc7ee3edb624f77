package costs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// A Conversation is one that an agent or a person had with a model, as the client's requests of it.
// In its file the code that was shown stands as {{kind path}} or {{kind a-b path}}, so that the
// file can be read: the text of lines a to b of a file below the module's root, bare (whole, lines)
// or numbered as read tools do (tab: cat -n; arrow: Claude Code; bar: Cline).
type Conversation struct {
	// Name is the file's, without its extension. Path is where its requests go, List the member
	// that holds the turns.
	Name, Path, List string
	// Items are the turns as raw JSON.
	Items []Item
	// head and tail are what stands around the turns in a body.
	head, tail string
}

// An Item is one turn, or one part of a turn where the dialect lists those.
type Item struct {
	JSON string
	// Model says that it stands as the model's; Client says that the client wrote it all the same,
	// as Aider writes an assent to files that it hands over, so that no request ends before it.
	Model, Client bool
	// Shown is the code in it.
	Shown []CodeShown
}

// CodeShown is a piece of code that a turn shows: its name in the conversation's file, and its text
// as it stands in the JSON.
type CodeShown struct{ Name, JSON string }

var placeholder = regexp.MustCompile(`\{\{(whole|lines|tab|arrow|bar)(?: (\d+)-(\d+))? ([^{}\s]+)\}\}`)

// ReadConversation reads the conversation in file and the code that it shows from the folder root.
func ReadConversation(file, root string) (Conversation, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Conversation{}, fmt.Errorf("read conversation: %w", err)
	}
	if !json.Valid(text) {
		return Conversation{}, fmt.Errorf("conversation %s: not JSON", file)
	}
	top := gjson.ParseBytes(text)
	c := Conversation{
		Name: strings.TrimSuffix(filepath.Base(file), ".json"), Path: top.Get("path").Str,
		List: top.Get("list").Str,
	}
	body := top.Get("body")
	turns := body.Get(c.List)
	if c.Path == "" || !turns.IsArray() {
		return c, fmt.Errorf("conversation %s: want path, list and body, and the list in the body", file)
	}
	at := turns.Index - body.Index
	c.head, c.tail = body.Raw[:at], body.Raw[at+len(turns.Raw):]
	client := map[int]bool{}
	for _, n := range top.Get("client").Array() {
		client[int(n.Int())] = true
	}
	for _, turn := range turns.Array() {
		item := Item{Model: madeByModel(turn), Client: client[len(c.Items)]}
		item.JSON = placeholder.ReplaceAllStringFunc(turn.Raw, func(name string) string {
			var shown CodeShown
			if shown, err = show(name, root); err == nil {
				item.Shown = append(item.Shown, shown)
			}
			return shown.JSON
		})
		if err != nil {
			return c, fmt.Errorf("conversation %s: %w", file, err)
		}
		c.Items = append(c.Items, item)
	}
	return c, nil
}

// madeByModel knows the assistant's messages of all dialects and the items that Responses lists
// beside them.
func madeByModel(turn gjson.Result) bool {
	switch turn.Get("type").Str {
	case "reasoning", "function_call", "custom_tool_call", "local_shell_call":
		return true
	}
	return turn.Get("role").Str == "assistant"
}

func show(name, root string) (CodeShown, error) {
	m := placeholder.FindStringSubmatch(name)
	kind, path := m[1], m[4]
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return CodeShown{}, err
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	first, last := 1, len(lines)
	if m[2] != "" {
		first, _ = strconv.Atoi(m[2]) // digits, as the pattern wants
		last, _ = strconv.Atoi(m[3])
	}
	if first < 1 || last < first || last > len(lines) {
		return CodeShown{}, fmt.Errorf("%s: the file has %d lines", name, len(lines))
	}
	formats := map[string]string{"tab": "%6d\t%s", "arrow": "%6d→%s", "bar": "%3d | %s"}
	var out strings.Builder
	for i, line := range lines[first-1 : last] {
		if format, ok := formats[kind]; ok {
			fmt.Fprintf(&out, format, first+i, line)
		} else {
			out.WriteString(line)
		}
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out.String()); err != nil {
		return CodeShown{}, err
	}
	return CodeShown{
		Name: strings.Trim(name, "{}"),
		JSON: strings.Trim(strings.TrimSuffix(quoted.String(), "\n"), `"`),
	}, nil
}

// Requests are the numbers of turns that the client's requests carry: each ends where the model
// speaks next.
func (c Conversation) Requests() []int {
	var out []int
	for n := 1; n <= len(c.Items); n++ {
		if !c.Items[n-1].Model && (n == len(c.Items) || c.Items[n].Model && !c.Items[n].Client) {
			out = append(out, n)
		}
	}
	return out
}

// Body is the request that carries the first n turns.
func (c Conversation) Body(n int) []byte {
	var turns []string
	for _, item := range c.Items[:n] {
		turns = append(turns, item.JSON)
	}
	return []byte(c.head + "[" + strings.Join(turns, ",") + "]" + c.tail)
}
