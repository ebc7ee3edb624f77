package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	cookieName  = "pith_dashboard"
	oneTimeLife = 10 * time.Minute
	sessionLife = 12 * time.Hour
	// maxSessions bounds the browsers that are let in; the one that would end first goes.
	maxSessions = 64
)

// sessions are who may look: by hashes, so that a look into memory gives no key away and a
// comparison takes as long whatever is wrong.
type sessions struct {
	token  [sha256.Size]byte
	closed bool // there is no token

	mu   sync.Mutex
	once map[[sha256.Size]byte]time.Time
	open map[[sha256.Size]byte]time.Time
}

func newSessions(token string) *sessions {
	return &sessions{
		token: sha256.Sum256([]byte(token)), closed: token == "",
		once: map[[sha256.Size]byte]time.Time{}, open: map[[sha256.Size]byte]time.Time{},
	}
}

// isToken reports that text is the token.
func (s *sessions) isToken(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return !s.closed && subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

func (s *sessions) allow(key string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.once[sha256.Sum256([]byte(key))] = until
}

// redeem uses a one-time key up.
func (s *sessions) redeem(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(key))
	until, ok := s.once[sum]
	delete(s.once, sum)
	return ok && time.Now().Before(until)
}

// begin makes a session and returns its cookie.
func (s *sessions) begin(r *http.Request) *http.Cookie {
	secret := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxSessions {
		var first [sha256.Size]byte
		soonest := time.Time{}
		for key, until := range s.open {
			if soonest.IsZero() || until.Before(soonest) {
				first, soonest = key, until
			}
		}
		delete(s.open, first)
	}
	s.open[sha256.Sum256([]byte(secret))] = time.Now().Add(sessionLife)
	return &http.Cookie{
		Name: cookieName, Value: secret, Path: "/dashboard", MaxAge: int(sessionLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
}

// may reports that a request comes from somebody who was let in.
func (s *sessions) may(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.isToken(token)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.open[sha256.Sum256([]byte(cookie.Value))])
}

// closed lets in only those who may look.
func (d *Dashboard) closed(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.sessions.may(r) {
			http.Error(
				w,
				"the dashboard wants its token (admin.token) or the one-time link that pith serve --dashboard prints",
				http.StatusUnauthorized,
			)
			return
		}
		next(w, r)
	})
}

// page shows the dashboard to those who may look, and the form to all others.
func (d *Dashboard) page(w http.ResponseWriter, r *http.Request) {
	if key := r.URL.Query().Get("key"); key != "" && d.sessions.redeem(key) {
		http.SetCookie(w, d.sessions.begin(r))
		http.Redirect(w, r, "/dashboard", http.StatusSeeOther) // away from the key
		return
	}
	if d.sessions.may(r) {
		http.ServeFileFS(w, r, assets, "static/page.html")
		return
	}
	d.ask(w, r)
}

// ask shows the form.
func (d *Dashboard) ask(w http.ResponseWriter, _ *http.Request) {
	form, err := assets.ReadFile("static/login.html")
	if err != nil { // it is part of the program
		panic(err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write(form) // the client is gone: nobody is left to tell
}

// login lets in who sends the token.
func (d *Dashboard) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if !d.sessions.isToken(r.PostFormValue("token")) {
		d.ask(w, r)
		return
	}
	http.SetCookie(w, d.sessions.begin(r))
	http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
}
