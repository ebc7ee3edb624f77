package wiring

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"

	"pith/cmd/pith/cli"
	"pith/dashboard"
)

// Top prints the states of a dashboard as they come.
func Top(ctx context.Context, out io.Writer, at string, once bool) error {
	base, err := url.Parse(at)
	if err != nil || base.Host == "" {
		return cli.Usagef("%s: want a URL such as http://127.0.0.1:9484", at)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	if base.Query().Has("key") { // used up by this, for a cookie
		res, err := get(ctx, client, base.String())
		if err != nil {
			return err
		}
		_ = res.Body.Close() // the page itself is for browsers
	}
	res, err := get(ctx, client, base.ResolveReference(&url.URL{Path: "/dashboard/events"}).String())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var s dashboard.State
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		if cli.IsTerminal(out) && !once {
			fmt.Fprint(out, "\x1b[H\x1b[2J")
		}
		if err := s.WriteText(out); err != nil || once {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(errors.New("the server ended"), lines.Err())
}

func get(ctx context.Context, client *http.Client, at string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	if token := os.Getenv("PITH_ADMIN_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no Pith answers there: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 512))
		_ = res.Body.Close() // what it said is read
		if res.StatusCode == http.StatusUnauthorized {
			return nil, errors.New(
				"not let in: set PITH_ADMIN_TOKEN to admin.token, or take a fresh link from pith serve --dashboard",
			)
		}
		return nil, fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	return res, nil
}
