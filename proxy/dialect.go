package proxy

import "strings"

// A dialect is one wire format of a request: the paths it comes on, how to find its turns, how its provider words an error.
// Everything else is the same path for all.
type dialect struct {
	name string
	// suffix ends the request paths that speak it. Prefixes differ between hosts ("/v1", "/openai/deployments/x").
	suffix string
	read   func(object) ([]message, error)
	fail   errorShape
	// usage reads what an answer says it took; nil where answers are free.
	usage usageReader
	// tool words our tool; nil where the dialect knows none.
	tool *toolWording
}

// dialects is tried in order: the first whose suffix fits wins.
func dialects() []*dialect {
	return []*dialect{
		{name: "chat", suffix: "/chat/completions", read: readChat, fail: openAIError, usage: readChatUsage, tool: chatTool()},
		{name: "completions", suffix: "/completions", read: readCompletion, fail: openAIError, usage: readChatUsage},
		{name: "responses", suffix: "/responses", read: readResponses, fail: openAIError, usage: readResponsesUsage, tool: responsesTool()},
		{name: "messages", suffix: "/v1/messages", read: readMessages, fail: anthropicError, usage: readMessagesUsage, tool: messagesTool()},
		// Counting goes through compressed as well, so that the count is of what would be sent.
		{name: "count_tokens", suffix: "/v1/messages/count_tokens", read: readMessages, fail: anthropicError, tool: messagesTool()},
	}
}

// dialectOf finds the dialect of a path, or nil.
func (s *Server) dialectOf(path string) *dialect {
	for _, d := range s.dialects {
		if strings.HasSuffix(path, d.suffix) {
			return d
		}
	}
	return nil
}

// shapeOf is how errors on path are worded.
func (s *Server) shapeOf(path string) errorShape {
	if d := s.dialectOf(path); d != nil {
		return d.fail
	}
	if strings.HasPrefix(path, "/v1/messages") {
		return anthropicError
	}
	return openAIError
}
