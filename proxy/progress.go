package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"pith/internal/apierror"
	"pith/internal/panics"
)

// tick is the time between two events of a compression that goes on.
const tick = 250 * time.Millisecond

// A progressEvent tells how long a compression has been going on.
type progressEvent struct {
	Stage     string  `json:"stage"`
	ElapsedMS float64 `json:"elapsed_ms"`
}

// compressStream serves POST /pith/v1/compress to who accepts text/event-stream: progress events
// while the engine works, then one event result, or error.
func (s *Server) compressStream(x *exchange, w http.ResponseWriter, r *http.Request) error {
	type answer struct {
		res compressAnswer
		err error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		a.err = panics.Guard(func() (err error) { a.res, err = s.compressFiles(x, r); return err })
		done <- a
	}()
	rc := http.NewResponseController(w)
	send := func(event string, data any) {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
		}
		text, err := json.Marshal(data)
		if err != nil { // a NaN would be ours
			text = []byte("null")
		}
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text) // the client is gone: nobody is left to tell
		_ = rc.Flush()                                                // likewise
	}
	again := time.NewTicker(tick)
	defer again.Stop()
	for begun := false; ; begun = true {
		select {
		case a := <-done:
			switch {
			case a.err == nil:
				send("result", a.res)
			case !begun: // nothing went out yet: the status says it
				return a.err
			default: // the head is out; the log and the metrics have the reason
				e := apierror.As(a.err)
				send("error", map[string]any{"status": e.Status, "message": e.Msg})
			}
			return nil
		case <-again.C:
			send("progress", progressEvent{"compressing", milliseconds(time.Since(x.start))})
		}
	}
}
