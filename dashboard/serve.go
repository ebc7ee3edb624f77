package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// showState serves GET /dashboard/state.
func (d *Dashboard) showState(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, d.state(r.Context()))
}

// showRequest serves GET /dashboard/requests/{id}: a request that is kept, explained.
func (d *Dashboard) showRequest(w http.ResponseWriter, r *http.Request) {
	a, ok := d.opts.RequestLog.Any(r.Context(), r.PathValue("id"))
	if !ok {
		http.Error(w, "that request is not kept any more, or never was", http.StatusNotFound)
		return
	}
	writeJSON(w, a)
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // the client is gone: nobody is left to tell
}

// stream serves GET /dashboard/events: the state, again with each sample.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case d.streams <- struct{}{}:
		defer func() { <-d.streams }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		data, changed := d.latest()
		if data != nil {
			// The listener's own limit is for answers that end.
			_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // where there is none, none is needed
			if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil || control.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}
