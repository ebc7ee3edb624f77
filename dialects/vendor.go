package dialects

import "strings"

// A Vendor is a provider whose words an API speaks beside the bodies of its requests.
type Vendor string

// The vendors whose words are known.
const (
	OpenAI    Vendor = "openai"
	Anthropic Vendor = "anthropic"
)

// VendorOf is whose words a request on path is answered in.
func VendorOf(path string) Vendor {
	if d := Of(path); d != nil {
		return d.Vendor
	}
	if strings.Contains(path, "/v1/messages") {
		return Anthropic
	}
	return OpenAI
}

// ErrorBody is the JSON body of an error as the vendor words it, so that its SDK raises its usual
// exception.
func (v Vendor) ErrorBody(kind, msg string) any {
	msg = "pith: " + msg
	if v == Anthropic {
		return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": msg}}
	}
	return map[string]any{"error": map[string]any{"message": msg, "type": kind, "param": nil, "code": nil}}
}
