package tokens

import (
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

// A splitRule is how an encoding splits text before it merges bytes.
type splitRule struct {
	pattern string // as published
	split   *splitter
}

const gptPattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

var specs = map[string]splitRule{
	o200k: {
		pattern: `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|` +
			`'ve|'m|'ll|'d)?` +
			`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|` +
			`'ve|'m|'ll|'d)?` +
			`|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
		split: &splitter{byCase: true},
	},
	cl100k: {
		pattern: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
			`\s*[\r\n]+|\s+(?!\S)|\s+`,
		split: &splitter{},
	},
	p50k: {pattern: gptPattern},
	r50k: {pattern: gptPattern},
}

// A vocabulary counts the tokens of bounded text.
type vocabulary struct {
	ranks map[string]int
	bpe   *tiktoken.Tiktoken
	split *splitter // nil: the library splits all text
}

// load builds a vocabulary from the binary's copy; the library's own constructors fetch one from
// the network. It panics only if the binary was built without it, which a test excludes for every
// encoding.
func load(name string, s splitRule) *vocabulary {
	// The library keeps this map, and of what the map holds now it makes tables for decoding.
	// Counting needs none, and those of o200k_base take 14 MiB: so the map is filled afterwards.
	ranks := map[string]int{}
	core, err := tiktoken.NewCoreBPE(ranks, nil, s.pattern)
	if err != nil {
		panic(fmt.Sprintf("tokens: encoding %s: %v", name, err))
	}
	loaded, err := loader.NewOfflineLoader().LoadTiktokenBpe(name + ".tiktoken")
	if err != nil {
		panic(fmt.Sprintf("tokens: vocabulary %s: %v", name, err))
	}
	maps.Copy(ranks, loaded)
	return &vocabulary{ranks: ranks, bpe: tiktoken.NewTiktoken(core, nil, nil), split: s.split}
}

// count splits ASCII lines by hand and looks the parts up, for the library's regular expression
// takes eight allocations per byte. Parts that are not one token and lines with other characters go
// to the library.
func (v *vocabulary) count(text string) int {
	if v.split == nil {
		return len(v.bpe.EncodeOrdinary(text))
	}
	n := 0
	for line := range lines(text) {
		if !isASCII(line) {
			n += len(v.bpe.EncodeOrdinary(line))
			continue
		}
		for line != "" {
			end := v.split.next(line)
			if _, ok := v.ranks[line[:end]]; ok {
				n++
			} else {
				n += len(v.bpe.EncodeOrdinary(line[:end]))
			}
			line = line[end:]
		}
	}
	return n
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
