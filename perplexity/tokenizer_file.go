package perplexity

import (
	"encoding/json"
	"fmt"
	"strings"

	"pith/perplexity/onnxgraph"
)

// ErrUnsupported marks a model or tokenizer of a kind that this package does not run. The message
// says which part.
var ErrUnsupported = onnxgraph.ErrUnsupported

// tokenizerFile holds the parts of tokenizer.json that decide how text is encoded.
type tokenizerFile struct {
	Normalizer   *component `json:"normalizer"`
	PreTokenizer *component `json:"pre_tokenizer"`
	Post         *component `json:"post_processor"`
	Model        struct {
		Type         string            `json:"type"`
		Dropout      *float64          `json:"dropout"`
		Prefix       string            `json:"continuing_subword_prefix"`
		Suffix       string            `json:"end_of_word_suffix"`
		ByteFallback bool              `json:"byte_fallback"`
		Vocab        map[string]int32  `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
	} `json:"model"`
	AddedTokens []struct {
		ID      int32  `json:"id"`
		Content string `json:"content"`
	} `json:"added_tokens"`
}

// component is a normalizer, pre-tokenizer or post-processor; the fields are those of all the kinds
// that are understood.
type component struct {
	Type             string      `json:"type"`
	Normalizers      []component `json:"normalizers"`
	PreTokenizers    []component `json:"pretokenizers"`
	Processors       []component `json:"processors"`
	Pattern          struct{ Regex string }
	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	AddPrefixSpace   bool   `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	IndividualDigits bool   `json:"individual_digits"`
	Single           []struct {
		SpecialToken *struct{ ID string }
	} `json:"single"`
}

func parseTokenizerFile(data []byte) (*tokenizerFile, error) {
	var f tokenizerFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	m := f.Model
	switch {
	case m.Type != "BPE":
		return nil, fmt.Errorf("tokenizer.json: model type %q: %w (byte-level BPE is)", m.Type, ErrUnsupported)
	case m.Prefix != "" || m.Suffix != "" || m.ByteFallback:
		return nil, fmt.Errorf("tokenizer.json: subword prefix, word suffix or byte fallback: %w", ErrUnsupported)
	case m.Dropout != nil && *m.Dropout != 0:
		return nil, fmt.Errorf("tokenizer.json: dropout: %w", ErrUnsupported)
	}
	return &f, nil
}

// flatten lists a component's parts, with "Sequence" components replaced by what they hold.
func (c *component) flatten() []component {
	if c == nil {
		return nil
	}
	if c.Type != "Sequence" {
		return []component{*c}
	}
	var parts []component
	for _, list := range [][]component{c.Normalizers, c.PreTokenizers, c.Processors} {
		for i := range list {
			parts = append(parts, list[i].flatten()...)
		}
	}
	return parts
}

// nfc tells whether text is normalised to NFC first (Qwen).
func (f *tokenizerFile) nfc() (bool, error) {
	found := false
	for _, n := range f.Normalizer.flatten() {
		if n.Type != "NFC" {
			return false, fmt.Errorf("tokenizer.json: normalizer %q: %w", n.Type, ErrUnsupported)
		}
		found = true
	}
	return found, nil
}

// splitter returns the cutter for the pre-tokenizer, and whether each digit is cut off first.
func (f *tokenizerFile) splitter() (s splitter, isolate bool, err error) {
	known, byteLevel := false, false
	for _, p := range f.PreTokenizer.flatten() {
		switch {
		case p.Type == "Split" && p.Behavior == "Isolated" && !p.Invert && !known:
			if s, known = patterns[p.Pattern.Regex]; !known {
				return s, false, fmt.Errorf("tokenizer.json: split pattern %q: %w", p.Pattern.Regex, ErrUnsupported)
			}
		case p.Type == "Digits" && p.IndividualDigits && !known:
			isolate = true
		case p.Type == "ByteLevel" && !p.AddPrefixSpace:
			byteLevel = true
			if p.UseRegex == nil || *p.UseRegex {
				if known {
					return s, false, fmt.Errorf("tokenizer.json: two split patterns: %w", ErrUnsupported)
				}
				s, known = patterns[gpt2Pattern], true
			}
		default:
			return s, false,
				fmt.Errorf("tokenizer.json: pre-tokenizer %q with these settings: %w", p.Type, ErrUnsupported)
		}
	}
	if !known || !byteLevel {
		return s, false, fmt.Errorf("tokenizer.json: pre-tokenizer without byte-level split: %w", ErrUnsupported)
	}
	return s, isolate, nil
}

// bos returns the id of the special token that the post-processor puts first, or -1.
func (f *tokenizerFile) bos() int32 {
	for _, p := range f.Post.flatten() {
		if p.Type != "TemplateProcessing" || len(p.Single) == 0 || p.Single[0].SpecialToken == nil {
			continue
		}
		name := p.Single[0].SpecialToken.ID
		for _, a := range f.AddedTokens {
			if a.Content == name {
				return a.ID
			}
		}
	}
	return -1
}

// A vocabulary holds tokens by rank, the order in which BPE makes them, and by id, the number the
// model knows them by.
type vocabulary struct {
	ranks  map[string]int // token's bytes -> rank
	ids    []int32        // rank -> id
	bytes  []string       // id -> token's bytes; empty for special tokens
	length []uint16       // id -> number of bytes
	single [256]int32     // byte -> id of the token that is just this byte
	bos    int32          // -1 for none
}

// maxVocabulary bounds token ids, and so the tables by id, whatever a file says; the largest
// vocabularies have 262,144 tokens.
const maxVocabulary = 1 << 22

// vocabulary turns the file's vocabulary and merges into ranks. tiktoken merges the pair whose join
// has the lowest rank; with the place of the first merge that makes a token as its rank, that is
// the pair that comes first in the list of merges.
func (f *tokenizerFile) vocabulary() (vocabulary, error) {
	size := int32(0)
	for _, id := range f.Model.Vocab {
		size = max(size, min(id, maxVocabulary)+1)
	}
	for _, a := range f.AddedTokens {
		size = max(size, min(a.ID, maxVocabulary)+1)
	}
	if size > maxVocabulary {
		return vocabulary{}, fmt.Errorf("tokenizer.json: token ids above %d: %w", maxVocabulary, ErrUnsupported)
	}
	v := vocabulary{ranks: map[string]int{}, bytes: make([]string, size), length: make([]uint16, size), bos: f.bos()}
	spelled := byteSpelling()
	for r, b := range spelled {
		id, ok := f.Model.Vocab[string(r)]
		if !ok || id < 0 {
			return v, fmt.Errorf("tokenizer.json: no token for byte %#02x, so not byte-level: %w", b, ErrUnsupported)
		}
		v.single[b] = id
	}
	for b, id := range v.single {
		v.add(string([]byte{byte(b)}), id)
	}
	for i, raw := range f.Model.Merges {
		token, err := mergedToken(raw)
		if err != nil {
			return v, fmt.Errorf("tokenizer.json: merge %d: %w", i, err)
		}
		id, ok := f.Model.Vocab[token]
		if !ok || id < 0 {
			return v, fmt.Errorf("tokenizer.json: merge %d makes %q, which is not in the vocabulary", i, token)
		}
		text, err := unspell(token, spelled)
		if err != nil {
			return v, fmt.Errorf("tokenizer.json: merge %d: %w", i, err)
		}
		if _, again := v.ranks[text]; !again {
			v.add(text, id)
		}
	}
	return v, nil
}

func (v *vocabulary) add(text string, id int32) {
	v.ranks[text] = len(v.ids)
	v.ids = append(v.ids, id)
	v.bytes[id] = text
	v.length[id] = uint16(len(text))
}

// mergedToken returns what a merge makes. Merges are written as ["a","b"] or, in older files, as "a
// b".
func mergedToken(raw json.RawMessage) (string, error) {
	var pair [2]string
	if len(raw) > 0 && raw[0] == '[' {
		if err := json.Unmarshal(raw, &pair); err != nil {
			return "", err
		}
		return pair[0] + pair[1], nil
	}
	var line string
	if err := json.Unmarshal(raw, &line); err != nil {
		return "", err
	}
	left, right, ok := strings.Cut(line, " ")
	if !ok {
		return "", fmt.Errorf("%q is not a pair", line)
	}
	return left + right, nil
}

// byteSpelling is GPT-2's table that spells each byte as one printable character: printable Latin-1
// as itself, the rest in order from U+0100.
func byteSpelling() map[rune]byte {
	table := make(map[rune]byte, 256)
	next := rune(256)
	for b := range 256 {
		switch {
		case '!' <= b && b <= '~', 0xA1 <= b && b <= 0xAC, 0xAE <= b:
			table[rune(b)] = byte(b)
		default:
			table[next] = byte(b)
			next++
		}
	}
	return table
}

func unspell(token string, spelled map[rune]byte) (string, error) {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		b, ok := spelled[r]
		if !ok {
			return "", fmt.Errorf("token %q has %q, which spells no byte", token, r)
		}
		out = append(out, b)
	}
	return string(out), nil
}
