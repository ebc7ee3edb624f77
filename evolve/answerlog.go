package evolve

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync"

	"pith/evolve/llm"
)

// answerKey is the first half of a SHA-256: 128 bits are beyond accidental collision.
type answerKey [16]byte

func newAnswerKey(parts ...string) (k answerKey) {
	sum, _ := hex.DecodeString(hashParts(parts...))
	copy(k[:], sum)
	return k
}

const (
	logMagic  = "pith answers 1\n"
	logBody   = 1 + 16 + 4*8 // kind, key, reward, metric, tokens in, tokens out
	logRecord = logBody + 4  // the body and its CRC-32
)

// The kinds of records.
const (
	recordAnswer  = 'a' // an answer, with what it used
	recordBegun   = 'b' // a request goes out, with what it may use
	recordRefused = 'r' // a request came back without an answer, with what it used
)

// An AnswerLog holds the outcomes of questions and what they cost, in memory and, if it has a
// file, across processes. It is the checkpoint of a run: a search is a function of its options and
// of the outcomes, so playing it again on the log brings it back to where it was killed.
//
// The file is only ever appended to. Every record carries a checksum; reading stops at the first
// that fails, which is where a kill tore the last write, and what follows is cut off. A request
// that costs is entered before it goes out: where a kill came before its answer, it counts as
// having used all that it might. It is safe for concurrent use.
type AnswerLog struct {
	mu   sync.RWMutex
	seen map[answerKey]Outcome
	// begun holds, for each question, the requests that are under way.
	begun map[answerKey][]llm.Usage
	used  llm.Usage
	file  *os.File // nil: in memory only
}

// ErrAnswerLog means that a file is not an answer log or is in use.
var ErrAnswerLog = errors.New("unusable answer log")

// NewAnswerLog returns one that lives in memory.
func NewAnswerLog() *AnswerLog {
	return &AnswerLog{seen: map[answerKey]Outcome{}, begun: map[answerKey][]llm.Usage{}}
}

// OpenAnswerLog reads the file at path, or makes it, and holds a lock on it until Close.
func OpenAnswerLog(path string) (*AnswerLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open answer log: %w", err)
	}
	l := NewAnswerLog()
	l.file = f
	if err := l.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// readUsage is what the log at path says was used. It needs no lock.
func readUsage(path string) (llm.Usage, error) {
	src, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a run that asked nothing yet has none
		return llm.Usage{}, fmt.Errorf("read answer log: %w", err)
	}
	l := NewAnswerLog()
	l.readAll(src)
	return l.used, nil
}

func (l *AnswerLog) load() error {
	if err := lock(l.file); err != nil {
		return fmt.Errorf("%w: %s is in use by another run: %w", ErrAnswerLog, l.file.Name(), err)
	}
	src, err := io.ReadAll(l.file)
	if err != nil {
		return fmt.Errorf("read answer log: %w", err)
	}
	if len(src) < len(logMagic) && bytes.HasPrefix([]byte(logMagic), src) {
		// New, or killed before its first line was complete.
		if _, err := l.file.WriteAt([]byte(logMagic), 0); err != nil {
			return fmt.Errorf("start answer log: %w", err)
		}
		_, err = l.file.Seek(0, io.SeekEnd)
		return err
	}
	if !bytes.HasPrefix(src, []byte(logMagic)) {
		return fmt.Errorf("%w: %s does not begin with %q", ErrAnswerLog, l.file.Name(), logMagic)
	}
	good := l.readAll(src)
	if err := l.file.Truncate(int64(good)); err != nil {
		return fmt.Errorf("cut off a torn record: %w", err)
	}
	_, err = l.file.Seek(int64(good), io.SeekStart)
	return err
}

// readAll takes in the whole records of a file and returns the number of bytes up to the first that
// is not.
func (l *AnswerLog) readAll(src []byte) (good int) {
	good = len(logMagic)
	for good+logRecord <= len(src) && l.read(src[good:good+logRecord]) {
		good += logRecord
	}
	// What was under way when the log ended may have been paid for.
	for _, open := range l.begun {
		for _, u := range open {
			l.used = l.used.Plus(u)
		}
	}
	clear(l.begun)
	return good
}

// read takes in one record and says whether it is whole.
func (l *AnswerLog) read(rec []byte) bool {
	body := rec[:logBody]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(rec[logBody:]) {
		return false
	}
	key := answerKey(body[1:17])
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(body[17+8*i:]) }
	used := llm.Usage{In: int64(word(2)), Out: int64(word(3))}
	switch body[0] {
	case recordBegun:
		l.begun[key] = append(l.begun[key], used)
		return true
	case recordAnswer:
		l.seen[key] = Outcome{math.Float64frombits(word(0)), math.Float64frombits(word(1))}
	}
	l.settle(key, used)
	return true
}

// settle ends one request under way.
func (l *AnswerLog) settle(key answerKey, used llm.Usage) {
	if open := l.begun[key]; len(open) > 1 {
		l.begun[key] = open[:len(open)-1]
	} else {
		delete(l.begun, key)
	}
	l.used = l.used.Plus(used)
}

func appendRecord(buf []byte, kind byte, key answerKey, o Outcome, used llm.Usage) []byte {
	start := len(buf)
	buf = append(buf, kind)
	buf = append(buf, key[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(o.Reward))
	buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(o.Metric))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(used.In))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(used.Out))
	return binary.LittleEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf[start:]))
}

// write appends records to the file, in one write.
func (l *AnswerLog) write(records []byte) error {
	if l.file == nil || len(records) == 0 {
		return nil
	}
	if _, err := l.file.Write(records); err != nil {
		return fmt.Errorf("append to answer log: %w", err)
	}
	return nil
}

// GetAll returns the outcomes that are known, and the questions that are not.
func (l *AnswerLog) GetAll(qs []question) (out []Outcome, missing []question) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out = make([]Outcome, len(qs))
	for i, q := range qs {
		o, ok := l.seen[q.key]
		if !ok {
			missing = append(missing, q)
		}
		out[i] = o
	}
	return out, missing
}

// Len is the number of outcomes.
func (l *AnswerLog) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.seen)
}

// Used is what all questions used, those included whose answers a kill took away.
func (l *AnswerLog) Used() llm.Usage {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.used
}

// Begin enters a request that goes out and may use as much as held. Without cost there is nothing
// to enter.
func (l *AnswerLog) Begin(q question, held llm.Usage) error {
	if held == (llm.Usage{}) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[q.key] = append(l.begun[q.key], held)
	return l.write(appendRecord(nil, recordBegun, q.key, Outcome{}, held))
}

// Refuse enters that a request which began came back without an answer, for what it used.
func (l *AnswerLog) Refuse(q question, used llm.Usage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(q.key, used)
	return l.write(appendRecord(nil, recordRefused, q.key, Outcome{}, used))
}

// Put enters the outcomes of questions asked together, and what they used, in one write. It returns
// how many of them were new: the first outcome of a question stands.
func (l *AnswerLog) Put(qs []question, outcomes []Outcome, used llm.Usage) (fresh int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var records []byte
	for i, q := range qs {
		spent := llm.Usage{}
		if i == 0 {
			spent = used
		}
		kind := byte(recordAnswer)
		if _, ok := l.seen[q.key]; ok {
			if spent == (llm.Usage{}) {
				continue
			}
			kind = recordRefused
		} else {
			fresh++
			l.seen[q.key] = outcomes[i]
		}
		l.settle(q.key, spent)
		records = appendRecord(records, kind, q.key, outcomes[i], spent)
	}
	return fresh, l.write(records)
}

// Sync makes what was put survive a power cut.
func (l *AnswerLog) Sync() error {
	if l.file == nil {
		return nil
	}
	return l.file.Sync()
}

// Close releases the file.
func (l *AnswerLog) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
