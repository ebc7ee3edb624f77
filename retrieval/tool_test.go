package retrieval_test

import (
	"encoding/json"
	"testing"

	"pith/retrieval"
)

// A definition is the part of a tool's definition that all dialects have, under either name.
type definition struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parameters  schema `json:"parameters"`
	InputSchema schema `json:"input_schema"`
}

type schema struct {
	Type       string `json:"type"`
	Properties map[string]struct {
		Type string `json:"type"`
	} `json:"properties"`
	Required []string `json:"required"`
}

// The tool stands behind the client's, and providers accept its schema: an object of strings.
func TestToolIsDefined(t *testing.T) {
	o, err := retrieval.New(retrieval.Options{Tool: true})
	if err != nil {
		t.Fatal(err)
	}
	for dialect, conversation := range map[string]string{
		"chat":      `"messages":[]`,
		"responses": `"input":[]`,
		"messages":  `"messages":[]`,
	} {
		offer := o.OfferTool(dialect, []byte(`{`+conversation+`,"tools":[{"name":"Read"}]}`), "one")
		if offer == nil {
			t.Fatalf("%s: not offered", dialect)
		}
		var body struct {
			Tools []struct {
				definition
				Function definition `json:"function"`
			} `json:"tools"`
		}
		if err := json.Unmarshal(offer.Body, &body); err != nil || len(body.Tools) != 2 ||
			body.Tools[0].Name != "Read" {
			t.Fatalf("%s: %v: %s", dialect, err, offer.Body)
		}
		d := body.Tools[1].definition
		if d.Name == "" {
			d = body.Tools[1].Function
		}
		s := d.Parameters
		if s.Type == "" {
			s = d.InputSchema
		}
		if d.Name != "pith_retrieve" || d.Description == "" || s.Type != "object" ||
			len(s.Required) != 1 || s.Required[0] != "hash" {
			t.Errorf("%s: defined as %+v", dialect, body.Tools[1])
		}
		for _, name := range []string{"hash", "lines", "symbol"} {
			if s.Properties[name].Type != "string" {
				t.Errorf("%s: %s is a %q", dialect, name, s.Properties[name].Type)
			}
		}
	}
}

func TestToolIsNotOffered(t *testing.T) {
	on, err := retrieval.New(retrieval.Options{Tool: true})
	if err != nil {
		t.Fatal(err)
	}
	off, err := retrieval.New(retrieval.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		originals *retrieval.Originals
		dialect   string
		body      string
	}{
		{"switched off", off, "chat", `{"messages":[]}`},
		{"dialect without tools", on, "completions", `{"prompt":"x"}`},
		{"functions of the old style", on, "chat", `{"messages":[],"functions":[]}`},
		{"several answers", on, "chat", `{"messages":[],"n":2}`},
		{"there already", on, "chat", `{"messages":[],"tools":[{"function":{"name":"pith_retrieve"}}]}`},
		{"tools that are no array", on, "messages", `{"messages":[],"tools":{}}`},
		{"stream that is kept", on, "responses", `{"input":"x","stream":true}`},
		{"in the background", on, "responses", `{"input":"x","background":true}`},
		{"twice the same key", on, "chat", `{"messages":[],"messages":[]}`},
	}
	for _, tt := range tests {
		if offer := tt.originals.OfferTool(tt.dialect, []byte(tt.body), "one"); offer != nil {
			t.Errorf("%s: offered as %s", tt.name, offer.Body)
		}
	}
}
