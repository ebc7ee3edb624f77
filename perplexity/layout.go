package perplexity

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// A Layout turns text into a model's tokens as the model itself does, without its weights: those
// are elsewhere.
type Layout struct {
	id        string
	maxTokens int
	bos       int32
	tokenizer *Tokenizer
}

// OpenLayout reads the side-car and the tokenizer of a model's folder. The graph, which need not be
// there, is not read.
func OpenLayout(fsys fs.FS) (*Layout, error) {
	data, err := fs.ReadFile(fsys, "pith.json")
	if err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	var car sideCar
	if err := json.Unmarshal(data, &car); err != nil {
		return nil, fmt.Errorf("pith.json: %w", err)
	}
	tok, err := fs.ReadFile(fsys, "tokenizer.json")
	if err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	if got := checksum(tok); got != car.TokenizerSHA256 {
		return nil, &ChecksumError{File: "tokenizer.json", Got: got, Want: car.TokenizerSHA256}
	}
	l := &Layout{bos: -1, id: checksum(data), maxTokens: car.MaxTokens}
	if car.BOS != nil {
		l.bos = *car.BOS
	}
	if l.tokenizer, err = NewTokenizer(tok); err != nil {
		return nil, err
	}
	if car.MaxTokens < 2 || l.tokenizer.Size() > car.VocabSize {
		return nil, fmt.Errorf("pith.json: max_tokens %d or vocab_size %d is too small", car.MaxTokens, car.VocabSize)
	}
	return l, nil
}

// ID is a checksum over the side-car, which names the checksums of weights and tokenizer.
func (l *Layout) ID() string { return l.id }

// A Row is a sequence as the network reads it: tokens, and which of them have losses that are
// wanted.
type Row struct {
	IDs []int32
	// Losses are wanted of IDs[From:].
	From int
	plan *plan
}

// Row lays out a sequence in one pass.
func (l *Layout) Row(s Sequence) Row {
	p := cut(s, l.tokenizer.Encode(s.Given), l.tokenizer.Encode(s.Text), l.bos, l.maxTokens)
	r := Row{IDs: p.ids(l.bos), plan: p}
	p.whole(r.IDs, s.WantGiven)
	r.From = len(r.IDs)
	if len(p.scores) > 0 {
		r.From = p.scores[0].from
	}
	return r
}

// Padded is the length to which runs of such rows are filled up, so that many have the same.
func (r Row) Padded() int { return roundUp(max(len(r.IDs), 2)) }

// Losses reads nll, the losses of IDs[From:], back onto the texts.
func (r Row) Losses(nll []float32) (Losses, error) {
	if len(nll) != len(r.IDs)-r.From {
		return Losses{}, fmt.Errorf("%d losses for %d tokens", len(nll), len(r.IDs)-r.From)
	}
	if len(r.plan.scores) > 0 {
		r.plan.scores[0].nll = nll
	}
	return r.plan.losses(), nil
}

// Tensors are the inputs of a run of the row alone, by name, filled up to size tokens.
func (r Row) Tensors(size int) map[string][]int64 {
	ids, mask, positions, targets := make([]int64, size), make([]int64, size), make([]int64, size), make([]int64, size)
	for t := range ids {
		// Padding repeats the last position: there may be none after it.
		positions[t], targets[t] = int64(max(min(t, len(r.IDs)-1), 0)), -1
		if t < len(r.IDs) {
			ids[t], mask[t] = int64(r.IDs[t]), 1
		}
		if next := t + 1; r.From <= next && next < len(r.IDs) {
			targets[t] = int64(r.IDs[next])
		}
	}
	return map[string][]int64{"input_ids": ids, "attention_mask": mask, "position_ids": positions, "targets": targets}
}

// Wanted takes the losses of IDs[From:] out of those of all positions, each standing where the
// token before it does.
func (r Row) Wanted(losses []float32) []float32 {
	if r.From >= len(r.IDs) {
		return nil
	}
	return losses[r.From-1 : len(r.IDs)-1]
}
