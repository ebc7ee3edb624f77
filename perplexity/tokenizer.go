package perplexity

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go"
)

// maxPiece bounds, in bytes, what BPE sees at once: tiktoken-go takes quadratic time in the length
// of a piece (64 KiB of one letter: 2.9 s). Longer pieces, which are not code that anybody reads,
// are cut there, so their tokens may differ from those of other implementations around each cut.
const maxPiece = 2048

// Pieces up to cachedPiece bytes are remembered, in a table of 1<<cacheBits entries where the
// newest wins its slot. Code repeats its words: nearly every piece is found, and the table stays
// under 12 MiB for any input.
const (
	cachedPiece = 32
	cacheBits   = 15
)

// A Token is one token of a text.
type Token struct {
	ID int32
	// Offset is the byte offset of the token's first byte in the text.
	Offset int
}

// A Tokenizer is a model's byte-level BPE, built from its tokenizer.json. Text never turns into
// special tokens: what spells one is encoded as the characters it is made of. It is safe for
// concurrent use.
type Tokenizer struct {
	bpe   *tiktoken.Tiktoken
	vocab vocabulary
	split splitter
	// isolate cuts each digit off before split sees the text (StarCoder, SmolLM).
	isolate bool
	nfc     bool
	seed    maphash.Seed
	cache   []atomic.Pointer[encodedPiece]
}

type encodedPiece struct {
	text string
	ids  []int32
}

// NewTokenizer reads a Hugging Face tokenizer.json. Byte-level BPE with the splitting rules of
// GPT-2, cl100k, Llama 3, Qwen 2, StarCoder and SmolLM is understood; for anything else the error
// wraps ErrUnsupported and names what is not.
func NewTokenizer(data []byte) (*Tokenizer, error) {
	file, err := parseTokenizerFile(data)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{seed: maphash.MakeSeed(), cache: make([]atomic.Pointer[encodedPiece], 1<<cacheBits)}
	if t.vocab, err = file.vocabulary(); err != nil {
		return nil, err
	}
	if t.split, t.isolate, err = file.splitter(); err != nil {
		return nil, err
	}
	if t.nfc, err = file.nfc(); err != nil {
		return nil, err
	}
	// Pieces are cut here, so tiktoken-go's own expression takes each as a whole.
	core, err := tiktoken.NewCoreBPE(t.vocab.ranks, nil, `[\s\S]+`)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t.bpe = tiktoken.NewTiktoken(core, nil, nil)
	return t, nil
}

// BOS returns the token that the tokenizer's post-processor puts before each text, and whether
// there is one.
func (t *Tokenizer) BOS() (id int32, ok bool) { return t.vocab.bos, t.vocab.bos >= 0 }

// Size is one more than the largest token id, special tokens included.
func (t *Tokenizer) Size() int { return len(t.vocab.length) }

// Encode returns the tokens of text; their bytes, joined, are the text (after NFC normalisation
// where the tokenizer asks for it, and then a token inside a changed run of characters has the
// offset where that run begins).
func (t *Tokenizer) Encode(text string) []Token {
	if !t.nfc {
		return t.encode(text)
	}
	plain, origin := normalizeNFC(text)
	tokens := t.encode(plain)
	origin.restore(tokens)
	return tokens
}

// Decode returns the bytes that ids stand for. Special tokens and ids out of range stand for none.
func (t *Tokenizer) Decode(ids []int32) string {
	var out []byte
	for _, id := range ids {
		if id >= 0 && int(id) < len(t.vocab.bytes) {
			out = append(out, t.vocab.bytes[id]...)
		}
	}
	return string(out)
}

func (t *Tokenizer) encode(text string) []Token {
	tokens := make([]Token, 0, len(text)/3+1)
	if !t.isolate {
		return t.appendSpan(tokens, text, 0)
	}
	for i := 0; i < len(text); {
		end := i
		c, size := at(text, end)
		for ; c != number && size > 0; c, size = at(text, end) {
			end += size
		}
		tokens = t.appendSpan(tokens, text[i:end], i)
		tokens = t.appendPiece(tokens, text[end:end+size], end)
		i = end + size
	}
	return tokens
}

// appendSpan splits span, which begins at offset in its text, and appends the tokens of its pieces.
func (t *Tokenizer) appendSpan(tokens []Token, span string, offset int) []Token {
	for i := 0; i < len(span); {
		end := t.split.next(span, i)
		for end-i > maxPiece {
			cut := runeStart(span, i+maxPiece)
			tokens = t.appendPiece(tokens, span[i:cut], offset+i)
			i = cut
		}
		tokens = t.appendPiece(tokens, span[i:end], offset+i)
		i = end
	}
	return tokens
}

// runeStart moves i back to where a character begins, at most three bytes.
func runeStart(s string, i int) int {
	for n := 0; n < utf8.UTFMax-1 && !utf8.RuneStart(s[i]); n++ {
		i--
	}
	return i
}

func (t *Tokenizer) appendPiece(tokens []Token, piece string, offset int) []Token {
	if piece == "" {
		return tokens
	}
	if len(piece) == 1 {
		return append(tokens, Token{ID: t.vocab.single[piece[0]], Offset: offset})
	}
	var slot *atomic.Pointer[encodedPiece]
	if len(piece) <= cachedPiece {
		slot = &t.cache[maphash.String(t.seed, piece)>>(64-cacheBits)]
		if e := slot.Load(); e != nil && e.text == piece {
			return t.appendIDs(tokens, e.ids, offset)
		}
	}
	ids := t.merge(piece)
	if slot != nil {
		slot.Store(
			&encodedPiece{text: string([]byte(piece)), ids: ids},
		) // a copy: the entry must not keep the whole text alive
	}
	return t.appendIDs(tokens, ids, offset)
}

func (t *Tokenizer) appendIDs(tokens []Token, ids []int32, offset int) []Token {
	tokens = slices.Grow(tokens, len(ids))
	for _, id := range ids {
		tokens = append(tokens, Token{ID: id, Offset: offset})
		offset += int(t.vocab.length[id])
	}
	return tokens
}

// merge runs BPE over one piece of valid UTF-8.
func (t *Tokenizer) merge(piece string) []int32 {
	ranks := t.bpe.EncodeOrdinary(piece)
	ids := make([]int32, len(ranks))
	for i, r := range ranks {
		ids[i] = t.vocab.ids[r]
	}
	return ids
}
