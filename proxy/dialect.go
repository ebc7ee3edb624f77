package proxy

import "strings"

// A dialect is one wire format of a request: the paths it comes on, how to find its turns, whose words answer it.
// Everything else is the same path for all.
type dialect struct {
	name string
	// suffix ends the request paths that speak it. Prefixes differ between hosts ("/v1", "/openai/deployments/x").
	suffix string
	read   func(object) ([]message, error)
	vendor *vendor
	// usage reads what an answer says it took; nil where answers are free.
	usage usageReader
	// tool words our tool; nil where the dialect knows none.
	tool *toolWording
}

// dialects is tried in order: the first whose suffix fits wins.
func dialects() []*dialect {
	return []*dialect{
		{name: "chat", suffix: "/chat/completions", read: readChat, vendor: openAI(), usage: readChatUsage, tool: chatTool()},
		{name: "completions", suffix: "/completions", read: readCompletion, vendor: openAI(), usage: readChatUsage},
		{name: "responses", suffix: "/responses", read: readResponses, vendor: openAI(), usage: readResponsesUsage, tool: responsesTool()},
		{name: "messages", suffix: "/v1/messages", read: readMessages, vendor: anthropic(), usage: readMessagesUsage, tool: messagesTool()},
		// Counting goes through compressed as well, so that the count is of what would be sent.
		{name: "count_tokens", suffix: "/v1/messages/count_tokens", read: readMessages, vendor: anthropic(), tool: messagesTool()},
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
