package proxy

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin/render"

	"pith/dialects"
	"pith/retrieval"
)

// retrieve serves GET /v1/retrieve/{hash}: the lines that a marker's hash stands for. lines=a-b
// asks for other lines of the same file, counted as the markers count; symbol=name asks for a
// function or a class of it. Other parameters are not looked at.
func (s *Server) retrieve(hash string) endpoint {
	return func(x *exchange, w http.ResponseWriter, r *http.Request) error {
		asked := r.URL.Query()
		q := retrieval.Query{Hash: hash, Lines: asked.Get("lines"), Symbol: asked.Get("symbol")}
		e, err := s.originals.Recall(r.Context(), x.tenant, q)
		if err != nil {
			return err
		}
		return render.PureJSON{Data: e}.Render(w)
	}
}

// offerTool offers the model our tool where there is one, unless the conversation passes for
// comparison.
func (s *Server) offerTool(x *exchange, d *dialects.Dialect, body bodyForms) {
	if s.opts.Retrieval.Tool && x.report.reason != reasonHoldout && x.report.reason != reasonMembers &&
		json.Valid(body.plain) {
		if x.tool = s.originals.OfferTool(d.Name, body.short, x.tenant); x.tool != nil {
			x.share.add(len(x.tool.Body))
		}
	}
}
