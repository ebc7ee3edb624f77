package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin/render"
	"github.com/google/jsonschema-go/jsonschema"

	"pith/explain"
	"pith/index"
	"pith/retrieval"
)

// An operation is one of Pith's own endpoints as the OpenAPI document tells of it: its types are
// those that the handlers read and write.
type operation struct {
	method, path, summary string
	// open needs no key.
	open bool
	// parameters are of the path, and optional ones of the query.
	inPath, inQuery []string
	body, answer    reflect.Type
	// text is the type of an answer that is no JSON, stream says that it may also come as events.
	text   string
	stream bool
	errors []int
}

// A healthAnswer is what GET /health says.
type healthAnswer struct {
	Status string `json:"status"`
}

// A sidecarRequest is the body of POST /v1/compress. Other members are passed over.
type sidecarRequest struct {
	Messages []any  `json:"messages"`
	Model    string `json:"model,omitempty"`
}

// A refusal is the body of an error, in the words of OpenAI's API.
type refusal struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

var operations = []operation{
	{method: "get", path: "/healthz", summary: "whether the process answers", open: true, text: "text/plain"},
	{
		method:  "get",
		path:    "/readyz",
		summary: "whether new requests should come here",
		open:    true,
		text:    "text/plain",
		errors:  []int{503},
	},
	{
		method:  "get",
		path:    "/health",
		summary: "whether the process answers, as gateways ask it",
		open:    true,
		answer:  reflect.TypeFor[healthAnswer](),
	},
	{
		method:  "get",
		path:    "/openapi.json",
		summary: "this document",
		open:    true,
		answer:  reflect.TypeFor[map[string]any](),
	},
	{
		method:  "post",
		path:    "/pith/v1/compress",
		summary: "shorten files or a text for a question; with Accept: text/event-stream progress comes first",
		body:    reflect.TypeFor[compressRequest](),
		answer:  reflect.TypeFor[compressAnswer](),
		stream:  true,
		errors:  []int{400, 413, 422, 429, 503, 504},
	},
	{
		method:  "post",
		path:    "/pith/v1/context",
		summary: "the workspace's best code for a question",
		body:    reflect.TypeFor[index.Question](),
		answer:  reflect.TypeFor[index.Context](),
		errors:  []int{400, 404, 422, 429, 503, 504},
	},
	{
		method:  "get",
		path:    "/pith/v1/explain/{id}",
		summary: "what was done to a request that is kept, or found for a question, and why",
		inPath:  []string{"id"},
		answer:  reflect.TypeFor[explain.Account](),
		errors:  []int{404},
	},
	{
		method: "post", path: "/v1/compress", summary: "shorten the code in messages, for gateways",
		body: reflect.TypeFor[sidecarRequest](), answer: reflect.TypeFor[sidecarAnswer](), errors: []int{400, 413, 429},
	},
	{
		method:  "get",
		path:    "/v1/retrieve/{hash}",
		summary: "the lines behind a marker's hash",
		inPath:  []string{"hash"},
		inQuery: []string{"lines", "symbol"},
		answer:  reflect.TypeFor[retrieval.Excerpt](),
		errors:  []int{400, 404, 429},
	},
}

// describe serves GET /openapi.json.
func (s *Server) describe(_ *exchange, w http.ResponseWriter, _ *http.Request) error {
	document, err := document()
	if err != nil {
		return err
	}
	return render.PureJSON{Data: document}.Render(w)
}

// document is the OpenAPI 3.1 document of Pith's own endpoints.
func document() (map[string]any, error) {
	schemas := map[string]any{}
	paths := map[string]map[string]any{}
	refused, err := schema(schemas, reflect.TypeFor[refusal]())
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		described, err := o.describe(schemas, refused)
		if err != nil {
			return nil, err
		}
		if paths[o.path] == nil {
			paths[o.path] = map[string]any{}
		}
		paths[o.path][o.method] = described
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       "Pith",
			"version":     "1",
			"description": "Pith's own endpoints. All other paths are those of the API behind it, unchanged.",
			"license":     map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []any{map[string]any{"url": "/"}},
		"security": []any{map[string]any{"key": []string{}}, map[string]any{}},
		"paths":    paths,
		"components": map[string]any{
			"schemas":         schemas,
			"securitySchemes": map[string]any{"key": map[string]any{"type": "http", "scheme": "bearer"}},
		},
	}, nil
}

func (o operation) describe(schemas map[string]any, refused map[string]any) (map[string]any, error) {
	contents := map[string]any{}
	if o.text != "" {
		contents[o.text] = map[string]any{"schema": map[string]any{"type": "string"}}
	} else {
		answer, err := schema(schemas, o.answer)
		if err != nil {
			return nil, err
		}
		contents["application/json"] = map[string]any{"schema": answer}
	}
	if o.stream {
		contents["text/event-stream"] = map[string]any{"schema": map[string]any{"type": "string"}}
	}
	responses := map[string]any{"200": map[string]any{"description": "it worked", "content": contents}}
	for _, status := range o.errors {
		kind := map[string]any{"application/json": map[string]any{"schema": refused}}
		if o.text != "" {
			kind = map[string]any{o.text: map[string]any{"schema": map[string]any{"type": "string"}}}
		}
		responses[fmt.Sprint(status)] = map[string]any{"description": http.StatusText(status), "content": kind}
	}
	if !o.open {
		responses["401"] = map[string]any{
			"description": http.StatusText(http.StatusUnauthorized),
			"content":     map[string]any{"application/json": map[string]any{"schema": refused}},
		}
	}
	described := map[string]any{"summary": o.summary, "responses": responses}
	var parameters []any
	for _, name := range o.inPath {
		parameters = append(
			parameters,
			map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}},
		)
	}
	for _, name := range o.inQuery {
		parameters = append(
			parameters,
			map[string]any{"name": name, "in": "query", "schema": map[string]any{"type": "string"}},
		)
	}
	if parameters != nil {
		described["parameters"] = parameters
	}
	if o.open {
		described["security"] = []any{}
	}
	if o.body != nil {
		body, err := schema(schemas, o.body)
		if err != nil {
			return nil, err
		}
		described["requestBody"] = map[string]any{
			"required": true,
			"content":  map[string]any{"application/json": map[string]any{"schema": body}},
		}
	}
	return described, nil
}

// schema makes the schema of a type, among schemas by the type's name.
func schema(schemas map[string]any, of reflect.Type) (map[string]any, error) {
	if of.Kind() == reflect.Map {
		return map[string]any{"type": "object"}, nil
	}
	made, err := jsonschema.ForType(of, &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		// Any JSON value.
		reflect.TypeFor[json.RawMessage](): {},
	}})
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", of, err)
	}
	name := of.Name()
	schemas[name] = made
	return map[string]any{"$ref": "#/components/schemas/" + name}, nil
}
