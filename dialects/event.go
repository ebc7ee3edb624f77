package dialects

import "github.com/tidwall/gjson"

// An Event is one message of a Responses answer that comes as events: a stream's, or a WebSocket's.
type Event struct {
	// Item is an item of the output that is done, as JSON, or "".
	Item string
	// Response is the id of the answer where this event ends it, or "".
	Response string
	// Output is the answer's whole output where this event ends it and has it.
	Output gjson.Result
	// Ends says that nothing more comes of the answer. Done says that it came to its end, so that
	// it can be gone on from.
	Ends, Done bool
	// Status is the code of an error that stands for the answer, or 0.
	Status int
}

// ReadEvent reads an event's JSON. What is no event is an Event that says nothing.
func ReadEvent(message []byte) (e Event) {
	// The type is the first member of every event that matters; deltas are most of a stream and end
	// here.
	switch gjson.GetBytes(message, "type").Str {
	case "response.output_item.done":
		e.Item = gjson.GetBytes(message, "item").Raw
	case "response.completed", "response.incomplete":
		e.Ends, e.Done = true, true
		e.Response = gjson.GetBytes(message, "response.id").Str
		e.Output = gjson.GetBytes(message, "response.output")
	case "response.failed", "response.cancelled":
		e.Ends = true
	case "error":
		e.Ends = true
		e.Status = int(gjson.GetBytes(message, "status").Int())
	}
	return e
}

// CreatesResponse reports whether a message that a client sends over a WebSocket of the Responses
// API is a request.
func CreatesResponse(message []byte) bool {
	return gjson.GetBytes(message, "type").Str == "response.create"
}

// WholeAnswer is the one event of a Responses answer that comes as one JSON object.
func WholeAnswer(body []byte) Event {
	root := gjson.ParseBytes(body)
	status := root.Get("status").Str
	return Event{
		Response: root.Get("id").Str, Output: root.Get("output"),
		Ends: true, Done: root.Get("object").Str == "response" && (status == "completed" || status == "incomplete"),
	}
}
