package dashboard_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"pith/dashboard"
)

func ask(t *testing.T, client *http.Client, method, url, token string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestNobodyLooksWithoutBeingLetIn(t *testing.T) {
	s := newStage(t, 3)
	s.request(t, "kept", "session.go", source(t, "session.go"), "When is a key used up?")
	stranger := &http.Client{}
	for _, path := range []string{"/dashboard/state", "/dashboard/events", "/dashboard/requests/kept"} {
		for _, token := range []string{"", "wrong"} {
			if res, body := ask(
				t,
				stranger,
				http.MethodGet,
				s.server.URL+path,
				token,
				nil,
			); res.StatusCode != http.StatusUnauthorized ||
				strings.Contains(body, "session") {
				t.Errorf("%s with token %q: %d %.200s", path, token, res.StatusCode, body)
			}
		}
	}
	res, page := ask(t, stranger, http.MethodGet, s.server.URL+"/dashboard", "", nil)
	if res.StatusCode != http.StatusUnauthorized || !strings.Contains(page, `action="/dashboard/login"`) {
		t.Errorf("the page: %d %.200s", res.StatusCode, page)
	}
	if policy := res.Header.Get(
		"Content-Security-Policy",
	); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") ||
		strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if res, body := ask(
		t,
		stranger,
		http.MethodGet,
		s.server.URL+"/dashboard/requests/kept",
		"a token of this test",
		nil,
	); res.StatusCode != http.StatusOK ||
		!strings.Contains(body, `"why":`) {
		t.Errorf("with the token: %d %.200s", res.StatusCode, body)
	}
	if res, _ := ask(
		t,
		stranger,
		http.MethodGet,
		s.server.URL+"/dashboard/requests/gone",
		"a token of this test",
		nil,
	); res.StatusCode != http.StatusNotFound {
		t.Errorf("a request that is not kept: %d", res.StatusCode)
	}
}

func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func TestOneTimeLinkOpensOnce(t *testing.T) {
	s := newStage(t, 0)
	link := s.OneTimeURL(s.server.URL)
	first, second := browser(t), browser(t)
	if res, page := ask(
		t,
		first,
		http.MethodGet,
		link,
		"",
		nil,
	); res.StatusCode != http.StatusOK || !strings.Contains(page, "Recent requests") ||
		res.Request.URL.RawQuery != "" {
		t.Errorf("the first: %d at %s", res.StatusCode, res.Request.URL)
	}
	if res, _ := ask(
		t,
		first,
		http.MethodGet,
		s.server.URL+"/dashboard/state",
		"",
		nil,
	); res.StatusCode != http.StatusOK {
		t.Errorf("the first's session: %d", res.StatusCode)
	}
	if res, _ := ask(t, second, http.MethodGet, link, "", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the second: %d", res.StatusCode)
	}
}

func TestFormTakesTheToken(t *testing.T) {
	s := newStage(t, 0)
	client := browser(t)
	for token, want := range map[string]int{
		"": http.StatusUnauthorized, "guess": http.StatusUnauthorized, "a token of this test": http.StatusOK,
	} {
		if res, _ := ask(
			t,
			client,
			http.MethodPost,
			s.server.URL+"/dashboard/login",
			"",
			url.Values{"token": {token}},
		); res.StatusCode != want {
			t.Errorf("token %q: %d, want %d", token, res.StatusCode, want)
		}
	}
}

func TestWithoutTokenNobodyGuessesIt(t *testing.T) {
	d := dashboard.New(dashboard.Options{Gatherer: newStage(t, 0).registry})
	server := newServer(t, d.Handler())
	if res, _ := ask(
		t,
		browser(t),
		http.MethodPost,
		server+"/dashboard/login",
		"",
		url.Values{"token": {""}},
	); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the empty token: %d", res.StatusCode)
	}
}

func TestEventsFollowTheFigures(t *testing.T) {
	s := newStage(t, 0)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/dashboard/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer a token of this test")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	next := func() (state dashboard.State) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &state); err != nil {
					t.Fatal(err)
				}
				return state
			}
		}
		t.Fatal("the stream ended")
		return state
	}
	if s := next(); s.Totals.Requests != 0 || s.Totals.Ratio != 1 || len(s.Decisions) != 0 {
		t.Errorf("before: %+v", s)
	}
	s.count("pith_decisions_total", 3, "dialect", "chat", "decision", "compressed", "reason", "")
	s.count("pith_decisions_total", 1, "dialect", "chat", "decision", "pass", "reason", "no-code")
	s.count("pith_block_tokens_total", 900, "dialect", "chat", "side", "original")
	s.count("pith_block_tokens_total", 300, "dialect", "chat", "side", "compressed")
	s.observe("pith_compress_seconds", .05, 10)
	for {
		state := next()
		if state.Totals.AddedP50 == 0 { // a sample from between
			continue
		}
		if state.Totals.Requests != 4 || state.Totals.Compressed != 3 || state.Totals.Ratio != 3 ||
			state.Decisions[0].Count != 3 {
			t.Errorf("after: %+v", state)
		}
		// Ten observations in the bucket up to 0.1 s.
		if p := state.Totals.AddedP50; p < 10 || p > 100 {
			t.Errorf("half within %v ms", p)
		}
		if last := state.Series[len(state.Series)-1]; last.AddedP50 == nil {
			t.Errorf("the last sample has nothing: %+v", last)
		}
		return
	}
}
