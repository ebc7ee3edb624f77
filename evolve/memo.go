package evolve

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync"
)

// memoKey is the first half of a SHA-256: 128 bits are beyond accidental collision.
type memoKey [16]byte

func newMemoKey(parts ...string) (k memoKey) {
	sum, _ := hex.DecodeString(hashParts(parts...))
	copy(k[:], sum[:sha256.Size/2])
	return k
}

const (
	memoMagic  = "pith memo 1\n"
	memoRecord = 16 + 8 + 8 + 4 // key, reward, metric, CRC-32 of the three
)

// A Memo remembers outcomes, in memory and, if it has a file, across processes. It is the checkpoint of a run: a search is
// a function of its options and of the outcomes, so playing it again on the memo brings it back to where it was killed.
//
// The file is only ever appended to. Every record carries a checksum; reading stops at the first that fails, which is where
// a kill tore the last write, and what follows is cut off. It is safe for concurrent use.
type Memo struct {
	mu   sync.RWMutex
	seen map[memoKey]Outcome
	file *os.File // nil: in memory only
}

// ErrMemo means that a file is not a memo or is in use.
var ErrMemo = errors.New("unusable memo file")

// NewMemo returns one that lives in memory.
func NewMemo() *Memo { return &Memo{seen: map[memoKey]Outcome{}} }

// OpenMemo reads the file at path, or makes it, and holds a lock on it until Close.
func OpenMemo(path string) (*Memo, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open memo: %w", err)
	}
	m := &Memo{seen: map[memoKey]Outcome{}, file: f}
	if err := m.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

func (m *Memo) load() error {
	if err := lock(m.file); err != nil {
		return fmt.Errorf("%w: %s is in use by another run: %w", ErrMemo, m.file.Name(), err)
	}
	src, err := io.ReadAll(m.file)
	if err != nil {
		return fmt.Errorf("read memo: %w", err)
	}
	if len(src) < len(memoMagic) && bytes.HasPrefix([]byte(memoMagic), src) {
		// New, or killed before its first line was complete.
		if _, err := m.file.WriteAt([]byte(memoMagic), 0); err != nil {
			return fmt.Errorf("start memo: %w", err)
		}
		_, err = m.file.Seek(0, io.SeekEnd)
		return err
	}
	if !bytes.HasPrefix(src, []byte(memoMagic)) {
		return fmt.Errorf("%w: %s does not begin with %q", ErrMemo, m.file.Name(), memoMagic)
	}
	good := len(memoMagic)
	for good+memoRecord <= len(src) && m.read(src[good:good+memoRecord]) {
		good += memoRecord
	}
	if err := m.file.Truncate(int64(good)); err != nil {
		return fmt.Errorf("cut off a torn record: %w", err)
	}
	_, err = m.file.Seek(int64(good), io.SeekStart)
	return err
}

// read takes in one record and says whether it is whole.
func (m *Memo) read(rec []byte) bool {
	body := rec[:memoRecord-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(rec[memoRecord-4:]) {
		return false
	}
	m.seen[memoKey(body[:16])] = Outcome{
		Reward: math.Float64frombits(binary.LittleEndian.Uint64(body[16:])),
		Metric: math.Float64frombits(binary.LittleEndian.Uint64(body[24:])),
	}
	return true
}

// GetAll returns the outcomes that are remembered, and the questions that are not.
func (m *Memo) GetAll(qs []question) (out []Outcome, missing []question) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out = make([]Outcome, len(qs))
	for i, q := range qs {
		o, ok := m.seen[q.key]
		if !ok {
			missing = append(missing, q)
		}
		out[i] = o
	}
	return out, missing
}

// Len is the number of outcomes.
func (m *Memo) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.seen)
}

// Put remembers the outcomes of questions, in one write, and returns how many of them were new: the first outcome of a question
// stands.
func (m *Memo) Put(qs []question, outcomes []Outcome) (fresh int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var buf []byte
	for i, q := range qs {
		if _, ok := m.seen[q.key]; ok {
			continue
		}
		fresh++
		m.seen[q.key] = outcomes[i]
		start := len(buf)
		buf = append(buf, q.key[:]...)
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(outcomes[i].Reward))
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(outcomes[i].Metric))
		buf = binary.LittleEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf[start:]))
	}
	if m.file == nil || len(buf) == 0 {
		return fresh, nil
	}
	if _, err := m.file.Write(buf); err != nil {
		return fresh, fmt.Errorf("append to memo: %w", err)
	}
	return fresh, nil
}

// Sync makes what was put survive a power cut.
func (m *Memo) Sync() error {
	if m.file == nil {
		return nil
	}
	return m.file.Sync()
}

// Close releases the file.
func (m *Memo) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
