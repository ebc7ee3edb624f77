package proxy

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/tidwall/gjson"
)

// sidecarDialect is the body of POST /v1/compress, by which gateways (LiteLLM, Portkey, Kong) have a conversation shortened before
// they send it themselves.
func sidecarDialect() *dialect {
	return &dialect{name: "sidecar", read: readSidecar, vendor: openAI()}
}

// readSidecar reads messages in OpenAI's or in Anthropic's words; the request does not say which. Only the tool calls differ.
func readSidecar(body object) ([]message, error) {
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

// A sidecarAnswer is the answer of POST /v1/compress. Tokens are those of the blocks that went through the engine.
type sidecarAnswer struct {
	Messages     json.RawMessage `json:"messages"`
	TokensBefore int             `json:"tokens_before"`
	TokensAfter  int             `json:"tokens_after"`
	// Ratio is before / after; 1 where nothing was compressed.
	Ratio    float64 `json:"compression_ratio"`
	Decision string  `json:"decision"`
	// Hashes are those of the markers in Messages. LiteLLM offers the model its retrieval tool where there are some.
	Hashes []string `json:"ccr_hashes,omitempty"`
}

// compressMessages serves POST /v1/compress {messages, model?}. The X-Pith headers steer it as they steer the proxy. It fails open
// as well: what cannot be compressed comes back as it was.
func (s *Server) compressMessages(c *gin.Context) {
	answer, err := s.sidecar(c.Writer, c.Request)
	if err != nil {
		writeError(c.Writer, openAIError, err)
		return
	}
	c.PureJSON(http.StatusOK, answer)
}

func (s *Server) sidecar(w http.ResponseWriter, r *http.Request) (sidecarAnswer, error) {
	x := exchangeOf(r.Context())
	d := sidecarDialect()
	x.dialect = d.name
	want, err := takeControl(r.Header, s.opts.Compression.Mode)
	if err != nil {
		return sidecarAnswer{}, err
	}
	hold := s.inFlight.hold()
	defer hold.release()
	body, err := receive(newIdleBody(w, r.Body, s.opts.Limits.BodyIdle), s.opts.Limits.MaxBodyBytes, hold)
	if err != nil {
		return sidecarAnswer{}, err
	}
	if !json.Valid(body) || !gjson.GetBytes(body, "messages").IsArray() {
		return sidecarAnswer{}, &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: "body: want a JSON object with messages"}
	}
	out := body
	x.report = report{decision: decisionPass, reason: reasonOff}
	if want.mode != ModeOff {
		out, x.report = s.squeeze(r.Context(), d, body, order{control: want, tenant: s.tenant(r)})
	}
	x.report.writeTo(w.Header())
	return sidecarAnswer{
		Messages:     json.RawMessage(gjson.GetBytes(out, "messages").Raw),
		TokensBefore: x.report.original,
		TokensAfter:  x.report.compressed,
		Ratio:        x.report.ratio(),
		Decision:     x.report.String(),
		Hashes:       x.report.hashes,
	}, nil
}
