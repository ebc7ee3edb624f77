package perplexity

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"

	"pith/perplexity/onnxgraph"
)

// Checksums returns the SHA-256 of each file of a model, in lowercase hex, as its side-car
// (pith.json) gives them.
func Checksums(pithJSON []byte) (map[string]string, error) {
	var car sideCar
	if err := json.Unmarshal(pithJSON, &car); err != nil {
		return nil, fmt.Errorf("pith.json: %w", err)
	}
	if car.SHA256 == "" || car.TokenizerSHA256 == "" {
		return nil, errors.New("pith.json has no checksums of graph and tokenizer")
	}
	sums := map[string]string{"model.onnx": car.SHA256, "tokenizer.json": car.TokenizerSHA256}
	maps.Copy(sums, car.Files)
	return sums, nil
}

// WeightFiles returns the names of the files beside a graph that hold weights of it, sorted; none
// where the graph holds them. Names that lead out of the graph's folder are an error.
func WeightFiles(onnx []byte) ([]string, error) {
	info, err := onnxgraph.Inspect(onnx)
	return info.External, err
}

// ReadCard says what the model in dir, or the embedded one if dir is empty, is, without loading it:
// its files are read and checked, and no device is named.
func ReadCard(dir string) (Card, error) {
	fsys := Embedded()
	if dir != "" {
		fsys = os.DirFS(dir)
	}
	b, err := load(fsys, dir)
	if err != nil {
		return Card{}, err
	}
	return b.card, nil
}
