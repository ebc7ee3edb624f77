package llm

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"pith/internal/retryafter"
)

// The few fields of the chat completions API that a search needs. Greedy decoding, so the
// temperature is always sent: left out it means 1.
type (
	chatRequest struct {
		Model       string        `json:"model"`
		Messages    []chatMessage `json:"messages"`
		MaxTokens   int           `json:"max_tokens"`
		Temperature float64       `json:"temperature"`
		Seed        int           `json:"seed"`
		Stop        []string      `json:"stop,omitempty"`
		Logprobs    bool          `json:"logprobs,omitempty"`
		TopLogprobs int           `json:"top_logprobs,omitempty"`
	}
	chatMessage struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	chatAnswer struct {
		Choices []chatChoice `json:"choices"`
		Usage   struct {
			PromptTokens     int64 `json:"prompt_tokens"`
			CompletionTokens int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	chatChoice struct {
		Message  chatMessage `json:"message"`
		Logprobs struct {
			Content []struct {
				TopLogprobs []chatToken `json:"top_logprobs"`
			} `json:"content"`
		} `json:"logprobs"`
	}
	chatToken struct {
		Token   string  `json:"token"`
		Logprob float64 `json:"logprob"`
	}
)

// answerLimit is the most bytes read of an answer.
const answerLimit = 16 << 20

// requestTimeout ends one attempt that nobody answers.
const requestTimeout = 10 * time.Minute

// ErrEndpoint is an endpoint's refusal: nothing is paid for it but what the usage beside it says.
var ErrEndpoint = errors.New("the endpoint refused")

// ErrUnreached means that no connection to an endpoint came about, so that nothing was sent.
var ErrUnreached = errors.New("the endpoint was not reached")

// A chatClient posts chat requests. It sends them again when the endpoint fails, a few times, and
// when it is busy, until it is not.
type chatClient struct {
	url, key string
	http     *http.Client
	retry    failsafe.Executor[rawAnswer]
	notice   Notice
	// answered is set once anything answered, gaveUp while the last request ended without success.
	answered, gaveUp atomic.Bool
}

// rawAnswer is a whole answer: the body is read inside the attempt, so that a connection that
// breaks half-way is tried again.
type rawAnswer struct {
	status     int
	retryAfter string
	body       []byte
}

func newChatClient(opt EndpointOptions) *chatClient {
	c := &chatClient{
		url:  strings.TrimSuffix(opt.BaseURL, "/") + "/chat/completions",
		key:  opt.Key,
		http: &http.Client{Timeout: requestTimeout},
	}
	c.notice.Tell = opt.OnWait
	failures := backoffPolicy(opt).
		HandleIf(func(r rawAnswer, err error) bool {
			return (err != nil || r.failed()) && !c.hopeless(err)
		}).
		WithMaxRetries(cmp.Or(opt.Retries, 5)).
		OnRetryScheduled(func(e failsafe.ExecutionScheduledEvent[rawAnswer]) {
			why := fmt.Sprintf("answers %d", e.LastResult().status)
			if err := e.LastError(); err != nil {
				why = fmt.Sprintf("does not answer (%v)", err)
			}
			c.notice.Set(fmt.Sprintf("the endpoint %s and is asked again a few times", why))
		}).
		Build()
	waits := backoffPolicy(opt).
		HandleIf(func(r rawAnswer, err error) bool { return err == nil && r.busy() }).
		WithMaxRetries(-1).
		OnRetryScheduled(func(e failsafe.ExecutionScheduledEvent[rawAnswer]) {
			status := e.LastResult().status
			c.notice.Set(fmt.Sprintf("the endpoint answers %d %s and is asked again until it does better",
				status, http.StatusText(status)))
		}).
		Build()
	c.retry = failsafe.With(waits, failures)
	return c
}

// backoffPolicy begins a policy of waits that double, or are as long as the endpoint says.
func backoffPolicy(opt EndpointOptions) retrypolicy.Builder[rawAnswer] {
	first := cmp.Or(opt.Backoff, 500*time.Millisecond)
	return retrypolicy.NewBuilder[rawAnswer]().
		AbortOnErrors(context.Canceled, context.DeadlineExceeded).
		WithBackoff(first, max(2*first, 30*time.Second)).
		WithJitterFactor(jitter).
		WithDelayFunc(func(a failsafe.ExecutionAttempt[rawAnswer]) time.Duration {
			return retryAfter(a.LastResult().retryAfter)
		}).
		ReturnLastFailure() // so that the endpoint's own words reach the user
}

// noQuota is in the answer of an endpoint whose account is empty: it has status 429 like a busy
// one, but no waiting helps.
var noQuota = []byte("insufficient_quota")

// busy says whether the endpoint asks to come back later.
func (r rawAnswer) busy() bool {
	return r.status == http.StatusServiceUnavailable ||
		r.status == http.StatusTooManyRequests && !bytes.Contains(r.body, noQuota)
}

// failed says whether the endpoint could not answer and may at another time.
func (r rawAnswer) failed() bool { return r.status >= http.StatusInternalServerError && !r.busy() }

// hopeless says whether a request that failed is not worth another attempt: where another was given
// up since the last success, so that a hundred requests do not each wait for an endpoint that is
// gone, and where no connection was ever had, as nothing is lost yet and the address may be wrong.
func (c *chatClient) hopeless(err error) bool {
	return c.gaveUp.Load() || !c.answered.Load() && unreachable(err)
}

// unreachable says whether no connection came about.
func unreachable(err error) bool {
	if wrong, ok := errors.AsType[*net.OpError](err); ok {
		return wrong.Op == "dial" || wrong.Op == "proxyconnect"
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return untrusted || plain
}

// jitter is the share by which a wait is lengthened or shortened, so that many requests do not come
// back together.
const jitter = 0.2

// maxRetryAfter is the longest wait that an endpoint may ask for.
const maxRetryAfter = time.Hour

// retryAfter reads the header of that name, in seconds or as a date, and lengthens it by as much as
// jitter may take away: nobody comes back early. -1 leaves the wait to the backoff.
func retryAfter(header string) time.Duration {
	wait, ok := retryafter.Parse(header, time.Now())
	if !ok || wait >= maxRetryAfter {
		return -1
	}
	return time.Duration(float64(wait) / (1 - jitter))
}

func (c *chatClient) complete(ctx context.Context, params chatRequest) (chatAnswer, error) {
	body, err := json.Marshal(params)
	if err != nil {
		return chatAnswer{}, err
	}
	attempts := 0
	r, err := c.retry.WithContext(ctx).Get(func() (rawAnswer, error) {
		attempts++
		return c.post(ctx, body)
	})
	c.gaveUp.Store(err != nil && ctx.Err() == nil || r.failed())
	if attempts == 1 && unreachable(err) {
		return chatAnswer{}, fmt.Errorf("%w (is it running, and is its base URL right?): %w", ErrUnreached, err)
	}
	if err != nil {
		return chatAnswer{}, err
	}
	c.notice.Set("")
	if r.status != http.StatusOK {
		return chatAnswer{}, fmt.Errorf("%w: status %d: %s", ErrEndpoint, r.status, firstBytes(r.body, 300))
	}
	var answer chatAnswer
	if err := json.Unmarshal(r.body, &answer); err != nil {
		return chatAnswer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer, nil
}

// post is one attempt.
func (c *chatClient) post(ctx context.Context, body []byte) (r rawAnswer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	c.answered.Store(true)
	r.status, r.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	if r.body, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit)); err != nil {
		return r, fmt.Errorf("read answer: %w", err)
	}
	return r, nil
}

func firstBytes(text []byte, n int) []byte {
	text = bytes.TrimSpace(text)
	return text[:min(n, len(text))]
}
