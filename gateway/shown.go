package gateway

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"pith/internal/escapes"
)

var (
	// madeKey is what NewKey returns.
	madeKey = regexp.MustCompile(`(?i)pith-[a-z2-7]{26}`)
	// packed is what may be base64 of a key.
	packed = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}`)
	// oneAlphabet makes the base64 of URLs that of everything else.
	oneAlphabet = strings.NewReplacer("-", "+", "_", "/")
)

// shows reports that a text has a virtual key in it, the one that the client showed or another: as
// it is, escaped, or in base64, as user and password are sent. Names of headers come with other
// capitals than they had.
func (c *Client) shows(text string) bool {
	return c.secret != "" && slices.ContainsFunc(escapes.Readings(text), func(reading string) bool {
		return c.names(reading) || slices.ContainsFunc(packed.FindAllString(reading, -1), func(run string) bool {
			if len(run)%4 == 1 { // no base64 ends so
				run = run[:len(run)-1]
			}
			plain, err := base64.RawStdEncoding.DecodeString(oneAlphabet.Replace(run))
			return err == nil && c.names(string(plain))
		})
	})
}

// names reports a text with a virtual key in it as it is.
func (c *Client) names(text string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(c.secret)) || madeKey.MatchString(text)
}
