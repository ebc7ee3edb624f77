package perplexity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pith/perplexity/onnxgraph"
)

// Write writes the model into a new folder, in contract nll and with the embedded model's
// tokenizer, whose tokens are fewer than Vocab. It stands there whole or not at all, also where ctx
// ends.
func (r RandomModel) Write(ctx context.Context, dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", dir)
	}
	tokenizer, err := fs.ReadFile(Embedded(), "tokenizer.json")
	if err != nil {
		return err
	}
	logits, weights, err := r.graph()
	if err != nil {
		return err
	}
	onnx := logits.Join() // small: the weights are in a file of their own
	info, err := onnxgraph.Inspect(onnx)
	if err != nil {
		return err
	}
	graph, err := onnxgraph.ToNLL(onnx, info, false)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".pith-random-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	car := sideCar{
		Name: "random weights", Contract: ContractNLL, TokenizerSHA256: checksum(tokenizer), License: "none",
		MaxTokens: r.MaxTokens,
		VocabSize: r.Vocab, Files: map[string]string{},
	}
	if car.SHA256, err = writeMessage(ctx, filepath.Join(temp, "model.onnx"), graph); err != nil {
		return err
	}
	if car.Files[weightsFile], err = writeMessage(ctx, filepath.Join(temp, weightsFile), weights); err != nil {
		return err
	}
	data, err := json.MarshalIndent(car, "", "  ")
	if err != nil {
		return err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(temp, "tokenizer.json"), tokenizer, 0o644),
		os.WriteFile(filepath.Join(temp, "pith.json"), append(data, '\n'), 0o644),
		os.Chmod(temp, 0o755))
	if err != nil {
		return err
	}
	return os.Rename(temp, dir)
}
