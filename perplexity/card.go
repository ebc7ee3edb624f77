package perplexity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"pith/perplexity/onnxgraph"
)

// The graph contracts; see the package comment.
const (
	ContractNLL    = onnxgraph.ContractNLL
	ContractLogits = onnxgraph.ContractLogits
)

// A Card says what a loaded model is and where it runs.
type Card struct {
	Name, License string
	// Contract is ContractNLL or ContractLogits.
	Contract string
	// SHA256 and TokenizerSHA256 are the checksums of the graph and of tokenizer.json, in lowercase
	// hex.
	SHA256, TokenizerSHA256 string
	// Verified says that the checksums were checked against a side-car.
	Verified bool
	// MaxTokens is the longest pass.
	MaxTokens int
	VocabSize int
	// TokenWeights and LossWeights are the weights that one token, and one loss, are multiplied by;
	// Numbers is the format that this is done in: Float32, Float16 or Int8.
	TokenWeights, LossWeights int64
	Numbers                   string
	// Device is "cpu" or "cuda:N"; DeviceReason says why, when it is not what was asked for or was
	// chosen automatically.
	Device, DeviceReason string
}

// ErrChecksum is what every ChecksumError is.
var ErrChecksum = errors.New("wrong checksum")

// A ChecksumError names a file whose bytes are not the ones expected.
type ChecksumError struct{ File, Got, Want string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s: sha256 is %s, want %s", e.File, e.Got, e.Want)
}

// Is tells errors.Is that this is an ErrChecksum.
func (e *ChecksumError) Is(target error) bool { return target == ErrChecksum }

// uncheckedMaxTokens caps a pass of a model without a side-car: attention of a plain export takes
// memory in the square of the length, and full logits at 2,048 positions of a 152k vocabulary are
// 1.2 GB already.
const uncheckedMaxTokens = 2048

// sideCar is pith.json.
type sideCar struct {
	Name            string `json:"name"`
	Contract        string `json:"contract"`
	SHA256          string `json:"sha256"`
	TokenizerSHA256 string `json:"tokenizer_sha256"`
	License         string `json:"license"`
	MaxTokens       int    `json:"max_tokens"`
	VocabSize       int    `json:"vocab_size"`
	// BOS is the id of the token put before each pass; null for none.
	BOS *int32 `json:"bos"`
	// Files are the checksums of the files beside the graph that hold weights; none where the graph
	// holds them.
	Files map[string]string `json:"files,omitempty"`
}

// hubConfig holds the fields of a Hugging Face config.json that matter here; GPT-2 names the limit
// n_positions.
type hubConfig struct {
	Name       string `json:"_name_or_path"`
	ModelType  string `json:"model_type"`
	VocabSize  int    `json:"vocab_size"`
	MaxTokens  int    `json:"max_position_embeddings"`
	NPositions int    `json:"n_positions"`
}

// A bundle is a model's files in memory, with what is known about them before a session exists.
type bundle struct {
	card  Card
	onnx  []byte
	path  string // of the graph in the file system; empty where there is none
	graph onnxgraph.Info
	// weights are the checksums of the files beside the graph that hold weights.
	weights   map[string]string
	tokenizer *Tokenizer
	bos       int32 // -1 for none
}

// load reads and checks a model folder. dir is where fsys is in the file system, or empty: weights
// in files of their own are read by the runtime, by path.
func load(fsys fs.FS, dir string) (*bundle, error) {
	onnx, modelFile, err := readFirst(fsys, "model.onnx", "onnx/model.onnx")
	if err != nil {
		return nil, err
	}
	tok, tokFile, err := readFirst(fsys, "tokenizer.json", "onnx/tokenizer.json")
	if err != nil {
		return nil, err
	}
	b := &bundle{onnx: onnx, bos: -1, card: Card{SHA256: checksum(onnx), TokenizerSHA256: checksum(tok)}}
	if dir != "" {
		b.path = filepath.Join(dir, filepath.FromSlash(modelFile))
	}
	if err := b.describe(fsys, modelFile, tokFile); err != nil {
		return nil, err
	}
	if b.graph, err = onnxgraph.Inspect(onnx); err != nil {
		return nil, fmt.Errorf("%s: %w", modelFile, err)
	}
	if err := b.checkWeights(fsys, path.Dir(modelFile)); err != nil {
		return nil, err
	}
	vocab, err := b.graph.Settle(b.card.Contract)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelFile, err)
	}
	b.card.Contract = b.graph.Contract
	if vocab > 0 {
		b.card.VocabSize = vocab // exports pad the vocabulary; config.json may name the unpadded size
	}
	weights, err := onnxgraph.CountWeights(b.onnx, b.card.VocabSize)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelFile, err)
	}
	b.setWeights(weights)
	if b.tokenizer, err = NewTokenizer(tok); err != nil {
		return nil, err
	}
	if id, ok := b.tokenizer.BOS(); ok && b.bos < 0 && !b.card.Verified {
		b.bos = id
	}
	return b, b.checkVocabulary(tokFile)
}

// describe fills the card from pith.json, or from config.json where there is no side-car.
func (b *bundle) describe(fsys fs.FS, modelFile, tokFile string) error {
	data, err := fs.ReadFile(fsys, "pith.json")
	if errors.Is(err, fs.ErrNotExist) {
		return b.describeHub(fsys, path.Dir(modelFile))
	}
	if err != nil {
		return fmt.Errorf("pith.json: %w", err)
	}
	var car sideCar
	if err := json.Unmarshal(data, &car); err != nil {
		return fmt.Errorf("pith.json: %w", err)
	}
	for _, c := range []ChecksumError{
		{modelFile, b.card.SHA256, car.SHA256},
		{tokFile, b.card.TokenizerSHA256, car.TokenizerSHA256},
	} {
		if c.Got != c.Want {
			return &c
		}
	}
	b.weights = car.Files
	if car.MaxTokens < 2 || car.VocabSize < 1 {
		return fmt.Errorf("pith.json: max_tokens %d and vocab_size %d must be positive", car.MaxTokens, car.VocabSize)
	}
	b.card.Name, b.card.License, b.card.Contract = car.Name, car.License, car.Contract
	b.card.MaxTokens, b.card.VocabSize, b.card.Verified = car.MaxTokens, car.VocabSize, true
	if car.BOS != nil {
		b.bos = *car.BOS
	}
	return nil
}

// checkWeights takes the checksums of the files beside the graph, in folder, and holds them to the
// side-car's if there is one.
func (b *bundle) checkWeights(fsys fs.FS, folder string) error {
	want := b.weights
	b.weights = nil
	if len(b.graph.External) == 0 {
		return nil
	}
	if b.path == "" {
		return fmt.Errorf(
			"weights are stored in another file, %s: %w (open the folder by its path)", b.graph.External[0],
			ErrUnsupported,
		)
	}
	b.weights = make(map[string]string, len(b.graph.External))
	for _, name := range b.graph.External {
		sum, err := fileSHA256(fsys, path.Join(folder, name))
		if err != nil {
			return fmt.Errorf("read weights: %w", err)
		}
		if b.card.Verified && sum != want[name] {
			return &ChecksumError{File: name, Got: sum, Want: want[name]}
		}
		b.weights[name] = sum
	}
	return nil
}

func (b *bundle) describeHub(fsys fs.FS, dir string) error {
	data, name, err := readFirst(fsys, "config.json", path.Join(dir, "config.json"))
	if err != nil {
		return fmt.Errorf("neither pith.json nor a Hugging Face config: %w", err)
	}
	var c hubConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	limit := max(c.MaxTokens, c.NPositions)
	if limit < 2 || c.VocabSize < 1 {
		return fmt.Errorf("%s: no max_position_embeddings or vocab_size: %w", name, ErrUnsupported)
	}
	b.card.Name, b.card.License = c.Name, "unknown"
	if b.card.Name == "" {
		b.card.Name = c.ModelType
	}
	b.card.MaxTokens, b.card.VocabSize = min(limit, uncheckedMaxTokens), c.VocabSize
	return nil
}

// checkVocabulary refuses a tokenizer that makes ids the graph has no row for: the runtime would
// fail in the middle of a request.
func (b *bundle) checkVocabulary(tokFile string) error {
	for id, text := range b.tokenizer.vocab.bytes {
		if text != "" && id >= b.card.VocabSize {
			return fmt.Errorf("%s: token %d is out of the model's vocabulary of %d", tokFile, id, b.card.VocabSize)
		}
	}
	if int(b.bos) >= b.card.VocabSize {
		return fmt.Errorf("%s: first token %d is out of the model's vocabulary of %d", tokFile, b.bos, b.card.VocabSize)
	}
	return nil
}

// id is the model's identity for cache keys: everything that decides losses but the device's
// rounding.
func (b *bundle) id() string {
	parts := fmt.Appendf(nil, "%s %s %d %d", b.card.SHA256, b.card.TokenizerSHA256, b.card.MaxTokens, b.bos)
	for _, name := range b.graph.External {
		parts = fmt.Appendf(parts, " %s", b.weights[name])
	}
	return checksum(parts)
}

func readFirst(fsys fs.FS, names ...string) (data []byte, name string, err error) {
	for _, name = range names {
		data, err = fs.ReadFile(fsys, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("read model: %w", err)
	}
	return data, name, nil
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// setWeights tells the card what the graph multiplies by.
func (b *bundle) setWeights(w onnxgraph.Weights) {
	b.card.TokenWeights, b.card.LossWeights = w.Token, w.Loss
	switch {
	case w.Integers:
		b.card.Numbers = Int8
	case b.graph.Half:
		b.card.Numbers = Float16
	default:
		b.card.Numbers = Float32
	}
}
