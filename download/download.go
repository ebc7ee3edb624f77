// Package download fetches one file over HTTP into the file system: resumably, bounded, and checked
// against a checksum.
//
// What is fetched stands in a file of its own, with ".part" behind its name, until all of it is
// there and right; only then does it get its name. The package knows nothing of what the files are
// for.
package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Options bound a download. The zero value of each field is its default.
type Options struct {
	// SHA256 is the checksum that the file must have, in lowercase hex. If empty, whatever arrives
	// is taken, and a part from an earlier call is not resumed: nothing would tell whether it is of
	// the same file.
	SHA256 string
	// MaxBytes is the largest file that is accepted. If zero, 16 GiB.
	MaxBytes int64
	// Stall is how long the server may send nothing. If zero, 30 s.
	Stall time.Duration
	// Attempts is how often in a row a connection may bring nothing new. If zero, 5.
	Attempts int
	// Pause is what is waited before the second attempt; it doubles from there on. If zero, 1 s.
	Pause time.Duration
	// Progress is told how many bytes are there, and how many there will be, or 0. May be nil.
	Progress func(done, total int64)
}

// Errors that no further attempt would mend.
var (
	ErrChecksum = errors.New("wrong checksum")
	ErrTooLarge = errors.New("too large")
	ErrNoSpace  = errors.New("not enough disk space")
	ErrNotFound = errors.New("not found")
)

// errAgain marks what another attempt may mend.
var errAgain = errors.New("connection failed")

// File fetches url into the file named path. When it fails, or ctx ends, path does not exist, and
// the part that arrived is kept for the next call unless it is wrong.
func File(ctx context.Context, url, path string, opt Options) error {
	opt.fill()
	f := &fetch{url: url, part: path + ".part", Options: opt}
	if opt.SHA256 == "" {
		if err := os.Remove(f.part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := f.all(ctx); err != nil {
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	return os.Rename(f.part, path)
}

func (o *Options) fill() {
	if o.MaxBytes == 0 {
		o.MaxBytes = 16 << 30
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Attempts == 0 {
		o.Attempts = 5
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
}

// A fetch is one download under way.
type fetch struct {
	url, part string
	Options

	sum  hash.Hash // of what the part holds
	done int64
}

// all makes attempts until the file is whole.
func (f *fetch) all(ctx context.Context) error {
	out, err := os.OpenFile(f.part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = f.attempts(ctx, out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(f.sum.Sum(nil)); f.SHA256 != "" && got != f.SHA256 {
		return errors.Join(fmt.Errorf("%w: sha256 is %s, want %s", ErrChecksum, got, f.SHA256), os.Remove(f.part))
	}
	return nil
}

func (f *fetch) attempts(ctx context.Context, out *os.File) error {
	f.sum = sha256.New()
	var err error
	if f.done, err = io.Copy(f.sum, out); err != nil {
		return fmt.Errorf("read what is there: %w", err)
	}
	if f.done > 0 && hex.EncodeToString(f.sum.Sum(nil)) == f.SHA256 {
		return nil
	}
	pause := f.Pause
	for failed := 0; ; {
		before := f.done
		err := f.once(ctx, out)
		if err == nil || !errors.Is(err, errAgain) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if f.done > before {
			failed, pause = 0, f.Pause
		}
		if failed++; failed >= f.Attempts {
			return fmt.Errorf("after %d attempts at byte %d: %w", failed, f.done, err)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// once asks for what is missing and appends it.
func (f *fetch) once(ctx context.Context, out *os.File) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(f.Stall, func() { cancel(fmt.Errorf("nothing came for %v", f.Stall)) })
	defer stalled.Stop()
	res, err := f.ask(ctx)
	if err != nil {
		return again(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	total, err := f.place(res, out)
	if err != nil {
		return err
	}
	body := io.LimitReader(res.Body, f.MaxBytes-f.done+1)
	buf := make([]byte, 256<<10)
	for {
		n, err := body.Read(buf)
		stalled.Reset(f.Stall)
		if _, werr := out.Write(buf[:n]); werr != nil {
			return werr
		}
		_, _ = f.sum.Write(buf[:n]) // a hash takes everything
		f.done += int64(n)
		f.Progress(f.done, total)
		switch {
		case f.done > f.MaxBytes:
			return fmt.Errorf("%w: more than %d bytes came", ErrTooLarge, f.MaxBytes)
		case errors.Is(err, io.EOF) && total > 0 && f.done != total:
			return fmt.Errorf("%w: %d of %d bytes came", errAgain, f.done, total)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return again(ctx, err)
		}
	}
}

// again says that an attempt failed for a reason of the connection's, which the cause of ctx's end
// knows best.
func again(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %w", errAgain, err)
}

func (f *fetch) ask(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, err
	}
	// A length that counts compressed bytes would be of no use.
	req.Header.Set("Accept-Encoding", "identity")
	if f.done > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", f.done))
	}
	client := http.Client{CheckRedirect: checkRedirect}
	return client.Do(req)
}

// checkRedirect follows redirects as the standard library does, but never out of encryption.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s", req.URL.Scheme)
	}
	return nil
}

// place looks at what the server is about to send, makes out ready to take it, and returns the size
// of the whole file, 0 if the server does not say. Servers may ignore that a range was asked for,
// or answer with another one.
func (f *fetch) place(res *http.Response, out *os.File) (total int64, err error) {
	switch res.StatusCode {
	case http.StatusOK:
		if err := f.restart(out); err != nil {
			return 0, err
		}
		total = max(res.ContentLength, 0)
	case http.StatusPartialContent:
		var from, to int64
		sent := res.Header.Get("Content-Range")
		n, err := fmt.Sscanf(strings.ToLower(sent), "bytes %d-%d/%d", &from, &to, &total)
		if n < 3 || err != nil || from != f.done || to != total-1 {
			err = fmt.Errorf("%w: asked for bytes from %d on, the server sends %q", errAgain, f.done, sent)
			return 0, errors.Join(err, f.restart(out))
		}
	case http.StatusRequestedRangeNotSatisfiable: // the file has changed, or the part was whole but for its name
		return 0, errors.Join(fmt.Errorf("%w: %s", errAgain, res.Status), f.restart(out))
	case http.StatusNotFound, http.StatusGone:
		return 0, fmt.Errorf("%w: %s", ErrNotFound, res.Status)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusInternalServerError:
		return 0, fmt.Errorf("%w: %s", errAgain, res.Status)
	default:
		return 0, errors.New(res.Status)
	}
	if total > f.MaxBytes {
		return 0, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, total, f.MaxBytes)
	}
	if free, known := Free(f.part); known && total-f.done > free {
		return 0, fmt.Errorf("%w: %d bytes more are needed, %d are free", ErrNoSpace, total-f.done, free)
	}
	_, err = out.Seek(f.done, io.SeekStart)
	return total, err
}

func (f *fetch) restart(out *os.File) error {
	f.sum, f.done = sha256.New(), 0
	return out.Truncate(0)
}
