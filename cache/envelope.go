package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// An envelope is how a value lies in Redis, which may lose, swap and damage what it holds:
//
//	format byte | flags byte | key id (4 bytes) | seal | body
//
// The body is the value, compressed if that is worth it. Without a secret the seal is a checksum
// over all other parts and the value's key. With one, seal and body are AES-256-GCM (nonce in
// front) with the other parts and the key as associated data. Either way a value answers for its
// own key only: go-redis before 9.7.3 could hand a reply to another request (CVE-2025-29923), and
// what happened once is checked for.
const (
	envelopeFormat = 1
	headerSize     = 6
	sumSize        = 16

	flagZstd   = 1 << 0
	flagSealed = 1 << 1

	// compressFrom is the value size in bytes from which compression pays for its time.
	compressFrom = 512
)

// errUnreadable marks a value that is not one of ours for this key: damaged, foreign, of another
// secret or format.
var errUnreadable = errors.New("unreadable value")

// An envelope wraps and unwraps values. It is safe for concurrent use.
type envelope struct {
	max   int // of a value, in bytes, uncompressed
	keyID [4]byte
	name  []byte      // nil without a secret
	seal  cipher.AEAD // nil without a secret
	enc   *zstd.Encoder
	dec   *zstd.Decoder
}

// newEnvelope returns an envelope for values of at most maxBytes. If secret is not empty, values
// are encrypted.
func newEnvelope(secret []byte, maxBytes int) (*envelope, error) {
	e := &envelope{max: maxBytes}
	var err error
	// Without a stream neither has a goroutine, so there is nothing to close. The decoder refuses
	// to grow past the bound, whatever size a frame claims.
	if e.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithLowerEncoderMem(true)); err != nil {
		return nil, fmt.Errorf("start compressor: %w", err)
	}
	if e.dec, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(maxBytes))); err != nil {
		return nil, fmt.Errorf("start decompressor: %w", err)
	}
	if len(secret) == 0 {
		return e, nil
	}
	return e, e.setSecret(secret)
}

// setSecret derives one key for each use, so that none reveals another.
func (e *envelope) setSecret(secret []byte) error {
	derive := func(use string, size int) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "pith cache "+use, size)
		if err != nil {
			panic(fmt.Sprintf("cache: derive key: %v", err)) // only for a size beyond 255 hashes
		}
		return key
	}
	block, err := aes.NewCipher(derive("value", 32))
	if err != nil {
		return fmt.Errorf("start cipher: %w", err)
	}
	if e.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return fmt.Errorf("start cipher: %w", err)
	}
	e.name = derive("name", sha256.Size)
	copy(e.keyID[:], derive("id", len(e.keyID)))
	return nil
}

// nameOf is the name in Redis of a key. Under a secret it is keyed, so that a change of the secret
// looks like an empty cache.
func (e *envelope) nameOf(key string) string {
	if e.name == nil {
		return "pith:" + key
	}
	h := hmac.New(sha256.New, e.name)
	h.Write([]byte(key))
	return "pith:" + hex.EncodeToString(h.Sum(nil))
}

// nameWith is nameOf with a tag by which a cluster puts all keys of an owner into one slot.
func (e *envelope) nameWith(owner, key string) string {
	tag := sha256.Sum256([]byte(e.nameOf("owner " + owner)))
	return "pith:{" + hex.EncodeToString(tag[:8]) + "}" + strings.TrimPrefix(e.nameOf(key), "pith:")
}

// wrap returns the form of value that Redis holds under key.
func (e *envelope) wrap(key string, value []byte) []byte {
	header := make([]byte, headerSize, headerSize+sumSize+len(value)+len(key))
	header[0] = envelopeFormat
	copy(header[2:], e.keyID[:])
	body := value
	if len(value) >= compressFrom {
		if small := e.enc.EncodeAll(value, nil); len(small) < len(value) {
			body = small
			header[1] |= flagZstd
		}
	}
	if e.seal != nil {
		header[1] |= flagSealed
		return e.seal.Seal(header, nil, body, associated(header, key))
	}
	sum := checksum(header, key, body)
	return append(append(header, sum[:]...), body...)
}

// unwrap returns the value that wrap was given for key, or errUnreadable.
func (e *envelope) unwrap(key string, wrapped []byte) ([]byte, error) {
	if len(wrapped) < headerSize || wrapped[0] != envelopeFormat || [4]byte(wrapped[2:headerSize]) != e.keyID {
		return nil, errUnreadable
	}
	header, body := wrapped[:headerSize], wrapped[headerSize:]
	body, err := e.open(header, key, body)
	if err != nil {
		return nil, err
	}
	if header[1]&flagZstd != 0 {
		if body, err = e.dec.DecodeAll(body, nil); err != nil {
			return nil, errUnreadable
		}
	}
	if len(body) > e.max {
		return nil, errUnreadable
	}
	return body, nil
}

func (e *envelope) open(header []byte, key string, body []byte) ([]byte, error) {
	if sealed := header[1]&flagSealed != 0; sealed != (e.seal != nil) {
		return nil, errUnreadable
	}
	if e.seal != nil {
		plain, err := e.seal.Open(nil, nil, body, associated(header, key))
		if err != nil {
			return nil, errUnreadable
		}
		return plain, nil
	}
	if len(body) < sumSize || [sumSize]byte(body) != checksum(header, key, body[sumSize:]) {
		return nil, errUnreadable
	}
	return body[sumSize:], nil
}

func associated(header []byte, key string) []byte {
	return append(append(make([]byte, 0, len(header)+len(key)), header...), key...)
}

// checksum finds damage and mix-ups, not malice: that takes a secret.
func checksum(header []byte, key string, body []byte) [sumSize]byte {
	h := sha256.New()
	h.Write(header)
	name := sha256.Sum256([]byte(key)) // of fixed length, so that key and body cannot shift
	h.Write(name[:])
	h.Write(body)
	return [sumSize]byte(h.Sum(nil))
}
