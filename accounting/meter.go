package accounting

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"pith/dialects/usage"
	"pith/internal/coding"
)

// A meterTransport reads the usage out of answers as they stream by.
type meterTransport struct {
	account *Account
	next    http.RoundTripper
}

// RoundTrip sends req and has its answer metered.
func (t *meterTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		m := newMeter(res, t.account.read)
		t.account.rounds = append(t.account.rounds, m)
		res.Body = m
	}
	return res, nil
}

// What became of an answer's usage. Metrics are labelled with these words.
const (
	usageReported = "reported"
	usageAbsent   = "absent"   // the answer told none
	usageEncoded  = "encoding" // in an encoding that is not decoded
	usageTooLong  = "too-long" // encoded, and longer than is kept to be decoded
)

// maxEncoded is how many bytes of an encoded answer are kept until its end, to be decoded after the
// client has them. Answers of a megabyte of text fit.
const maxEncoded = 256 << 10

// A meter is the body of an answer. What is read passes as it is and when it is; the meter sees a
// copy.
type meter struct {
	io.ReadCloser
	feed     func([]byte)
	encoding string
	encoded  []byte
	tooLong  bool
	usage    usage.Tokens
	reported bool
}

func newMeter(res *http.Response, read usage.Reader) *meter {
	m := &meter{ReadCloser: res.Body, encoding: strings.ToLower(res.Header.Get("Content-Encoding"))}
	m.scan(strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream"), read)
	return m
}

// scan makes the meter read what it is fed.
func (m *meter) scan(events bool, read usage.Reader) {
	m.feed = usage.Scan(events, func(object []byte) {
		m.reported = true
		read(&m.usage, gjson.ParseBytes(object))
	})
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	switch {
	case m.encoding == "" || m.encoding == "identity":
		m.feed(p[:n])
	case len(m.encoded)+n > maxEncoded:
		m.encoded, m.tooLong = nil, true
	case !m.tooLong:
		m.encoded = append(m.encoded, p[:n]...)
	}
	return n, err
}

// end returns what the answer told, and how that went.
func (m *meter) end() (usage.Tokens, string) {
	outcome := usageAbsent
	switch {
	case m.tooLong:
		outcome = usageTooLong
	case len(m.encoded) > 0:
		if err := m.decode(); errors.Is(err, coding.ErrEncoding) {
			outcome = usageEncoded
		}
	}
	m.encoded = nil
	if m.reported {
		outcome = usageReported
	}
	return m.usage, outcome
}

// decode reads what was kept of an encoded answer. One that was cut tells what it told until then.
func (m *meter) decode() error {
	r, err := coding.NewReader(m.encoding, m.encoded)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // a decoder of memory: its errors came with the reads
	_, err = io.Copy(feeder(m.feed), io.LimitReader(r, maxEncoded*coding.MaxExpansion))
	return err
}

type feeder func([]byte)

func (f feeder) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
