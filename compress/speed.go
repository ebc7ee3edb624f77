package compress

import (
	"math"
	"time"
)

// A Speed is how much of a text the model reads. Words alone decide about the rest.
type Speed string

// The classes. What they read depends on the text, the query and the budget alone, never on the
// clock or on load, so that the same request keeps giving the same bytes.
const (
	SpeedExact    Speed = "exact"    // every chunk, and every function that is cut
	SpeedBalanced Speed = "balanced" // the chunks that words rank first, and the best of what is cut
	SpeedFast     Speed = "fast"     // fewer chunks, and no function line by line
)

// A class is what a Speed stands for, in tokens of the upstream's tokenizer. The sizes are those
// that keep as many of the needed lines as reading everything does, as measured (bench/RESULTS.md):
// of contexts of 20,000 tokens, reading more than 2,000 keeps no more.
type class struct {
	// chunks bounds what the model reads to rank chunks, queries included.
	chunks int
	// inside bounds the functions whose lines and blocks it reads, and the blocks that it reads of
	// others, queries included.
	inside int
}

func classOf(s Speed) (class, bool) {
	switch s {
	case SpeedExact:
		return class{chunks: math.MaxInt, inside: math.MaxInt}, true
	case SpeedBalanced:
		return class{chunks: 2000, inside: 1500}, true
	case SpeedFast:
		return class{chunks: 1000}, true
	}
	return class{}, false
}

const (
	// commonText is the size in tokens of the text that SuggestSpeed has in mind.
	commonText = 20000
	// insidePasses is about how often the model reads a token of a function that is cut: in its
	// line with the lines before it, and in its block with the query behind.
	insidePasses = 3
)

// SuggestSpeed returns the class that reads most and, on a machine that scores so many tokens a
// second, still needs no more than half the deadline for a text of 20,000 tokens: the other half is
// for busy moments. Without a deadline it is exact.
func SuggestSpeed(tokensPerSecond float64, deadline time.Duration) Speed {
	if deadline <= 0 {
		return SpeedExact
	}
	affordable := tokensPerSecond * deadline.Seconds() / 2
	for _, speed := range []Speed{SpeedExact, SpeedBalanced} {
		k, _ := classOf(speed)
		budget := commonText / 4
		if float64(min(k.chunks, commonText)+insidePasses*min(k.inside, budget)) <= affordable {
			return speed
		}
	}
	return SpeedFast
}
