// Package dialects reads the request bodies of LLM APIs and changes the code blocks in them.
//
// A body's bytes go in; who said what, what may change and what it was asked for come out, and with
// results of the engine the bytes of a new body. In answers it finds what the provider says that
// they took. It knows nothing of HTTP, of clocks and of stores.
package dialects

import (
	"strings"

	"pith/dialects/usage"
)

// A Dialect is one wire format of a request: the paths it comes on, how to find its turns, whose
// words answer it. Everything else is the same path for all.
type Dialect struct {
	// Name is a word for metrics and logs.
	Name   string
	Vendor Vendor
	// Tokens reads what an answer says it took; nil where answers are free.
	Usage usage.Reader

	// suffix ends the request paths that speak it. Prefixes differ between hosts ("/v1",
	// "/openai/deployments/x").
	suffix string
	read   func(Object) ([]chatTurn, error)
}

// known is tried in order: the first whose suffix fits wins.
var known = [...]*Dialect{
	{Name: "chat", suffix: "/chat/completions", read: readChat, Vendor: OpenAI, Usage: usage.ReadChat},
	{Name: "completions", suffix: "/completions", read: readCompletion, Vendor: OpenAI, Usage: usage.ReadChat},
	&responsesDialect,
	{Name: "messages", suffix: "/v1/messages", read: readMessages, Vendor: Anthropic, Usage: usage.ReadMessages},
	// Counting goes through compressed as well, so that the count is of what would be sent.
	{Name: "count_tokens", suffix: "/v1/messages/count_tokens", read: readMessages, Vendor: Anthropic},
}

var responsesDialect = Dialect{
	Name: "responses", suffix: "/responses", read: readResponses, Vendor: OpenAI, Usage: usage.ReadResponses,
}

// HasSockets reports whether a conversation in d may also be had over a WebSocket.
func (d *Dialect) HasSockets() bool { return d == &responsesDialect }

// Of finds the dialect of a request's path, or nil.
func Of(path string) *Dialect {
	for _, d := range known {
		if strings.HasSuffix(path, d.suffix) {
			return d
		}
	}
	return nil
}

// sidecar is the body of POST /v1/compress.
var sidecar = Dialect{Name: "sidecar", read: readSidecar, Vendor: OpenAI}

// Sidecar is the dialect of POST /v1/compress, by which gateways (LiteLLM, Portkey, Kong) have a
// conversation shortened before they send it themselves. No path of an API has it.
func Sidecar() *Dialect { return &sidecar }

// readSidecar reads messages in OpenAI's or in Anthropic's words; the request does not say which.
// Only the tool calls differ.
func readSidecar(body Object) ([]chatTurn, error) {
	messages, err := readChat(body)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		for _, p := range m.parts {
			if p.kind == partCall {
				return messages, nil
			}
		}
	}
	return readMessages(body)
}
