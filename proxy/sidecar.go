package proxy

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin/render"
	"github.com/tidwall/gjson"

	"pith/dialects"
	"pith/internal/apierror"
)

// A sidecarAnswer is the answer of POST /v1/compress. Tokens are those of the blocks that went
// through the engine.
type sidecarAnswer struct {
	Messages     json.RawMessage `json:"messages"`
	TokensBefore int             `json:"tokens_before"`
	TokensAfter  int             `json:"tokens_after"`
	// Ratio is before / after; 1 where nothing was compressed.
	Ratio    float64 `json:"compression_ratio"`
	Decision string  `json:"decision"`
	// Hashes are those of the markers in Messages. LiteLLM offers the model its retrieval tool
	// where there are some.
	Hashes []string `json:"ccr_hashes,omitempty"`
}

// compressMessages serves POST /v1/compress {messages, model?}. The X-Pith headers steer it as they
// steer the proxy. It fails open as well: what cannot be compressed comes back as it was.
func (s *Server) compressMessages(x *exchange, w http.ResponseWriter, r *http.Request) error {
	d := dialects.Sidecar()
	x.dialect = d.Name
	want, err := takeControl(r.Header, s.opts.Compression.Mode)
	if err != nil {
		return err
	}
	body, err := s.receiveBody(x, r)
	defer x.answered()
	if err != nil {
		return err
	}
	if !json.Valid(body) || !gjson.GetBytes(body, "messages").IsArray() {
		return apierror.BadRequest("body: want a JSON object with messages")
	}
	out := body
	x.report = report{decision: decisionPass, reason: reasonOff}
	if want.mode != ModeOff {
		o := settings{control: want, tenant: x.tenant, share: x.share, alone: true}
		out, x.report = s.shorten(r.Context(), d, body, o)
	}
	x.report.writeTo(w.Header())
	return render.PureJSON{Data: sidecarAnswer{
		Messages:     json.RawMessage(gjson.GetBytes(out, "messages").Raw),
		TokensBefore: x.report.original,
		TokensAfter:  x.report.compressed,
		Ratio:        x.report.ratio(),
		Decision:     x.report.String(),
		Hashes:       x.report.hashes,
	}}.Render(w)
}
