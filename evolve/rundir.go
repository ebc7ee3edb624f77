package evolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a run directory.
const (
	specFile       = "run.json"        // what was asked for; never changes
	memoFile       = "memo"            // every outcome, appended to
	checkpointFile = "checkpoint.json" // the generations so far
	resultFile     = "result.json"     // the end, once reached
)

// A Spec is what was asked for, in the words of the command line, so that a run can be taken up again from its directory
// alone. Keys and passwords are no part of it.
type Spec struct {
	Task      string    `json:"task"` // absolute path
	Algorithm Algorithm `json:"algorithm"`
	Objective Objective `json:"objective"`
	Seed      uint64    `json:"seed"`
	Reference bool      `json:"reference,omitempty"`
	Halving   bool      `json:"halving,omitempty"`
	Racing    bool      `json:"racing,omitempty"`
	// MaxPrompts and MinLength are those of Options.
	MaxPrompts int `json:"max_prompts,omitempty"`
	MinLength  int `json:"min_length,omitempty"`
	// Units is tokens or words.
	Units   string      `json:"units"`
	Backend BackendSpec `json:"backend"`
}

// A BackendSpec names the model: a local directory (empty: the embedded one) or an endpoint.
type BackendSpec struct {
	ModelDir string `json:"model_dir,omitempty"`
	Device   string `json:"device,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Model    string `json:"model,omitempty"`
}

// A checkpoint is written after each generation.
type checkpoint struct {
	// Fingerprint is over everything that decides the run.
	Fingerprint string     `json:"fingerprint"`
	Generations []Progress `json:"generations"`
	Spent       Spent      `json:"spent"`
}

// A RunDir is the directory of one run. Its lock is the memo's.
type RunDir struct {
	path string
	Spec Spec
	memo *Memo
	// saved is the checkpoint on disk; a resumed run is checked against it while it plays the same generations again.
	saved checkpoint
}

// Errors of run directories.
var (
	ErrRunExists = errors.New("run directory is already in use")
	ErrNoRun     = errors.New("not a run directory")
	// ErrDiverged means that a resumed run is not the run that was killed: task, data, model or program changed.
	ErrDiverged = errors.New("the resumed run differs from its checkpoint")
)

// CreateRun makes a directory for a new run.
func CreateRun(path string, spec Spec) (*RunDir, error) {
	if _, err := os.Stat(filepath.Join(path, specFile)); err == nil {
		return nil, fmt.Errorf("%w: %s (take it up again with resume)", ErrRunExists, path)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	if err := writeJSON(filepath.Join(path, specFile), spec); err != nil {
		return nil, err
	}
	return OpenRun(path)
}

// OpenRun opens the directory of an earlier run and locks it.
func OpenRun(path string) (*RunDir, error) {
	d := &RunDir{path: path}
	if err := readJSON(filepath.Join(path, specFile), &d.Spec); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	if err := readJSON(filepath.Join(path, checkpointFile), &d.saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var err error
	d.memo, err = OpenMemo(filepath.Join(path, memoFile))
	return d, err
}

// Memo is the run's memory.
func (d *RunDir) Memo() *Memo { return d.memo }

// Spent is what the run has cost up to its last checkpoint.
func (d *RunDir) Spent() Spent { return d.saved.Spent }

// Close releases the directory.
func (d *RunDir) Close() error { return d.memo.Close() }

// note takes in one generation: it is compared with the checkpoint while the run plays what was there, and added to it
// afterwards.
func (d *RunDir) note(p Progress, spent Spent) error {
	if n := p.Generation; n <= len(d.saved.Generations) {
		if d.saved.Generations[n-1].Digest != p.Digest {
			return fmt.Errorf("%w at generation %d", ErrDiverged, n)
		}
		return nil
	}
	d.saved.Generations = append(d.saved.Generations, p)
	return d.save(spent)
}

// save writes the checkpoint. The memo goes first: a checkpoint never speaks of outcomes that a power cut could take away.
func (d *RunDir) save(spent Spent) error {
	if err := d.memo.Sync(); err != nil {
		return fmt.Errorf("sync memo: %w", err)
	}
	d.saved.Spent = spent
	return writeJSON(filepath.Join(d.path, checkpointFile), d.saved)
}

// identify ties the directory to a fingerprint, at the first start, and checks it at every later one.
func (d *RunDir) identify(fingerprint string) error {
	if d.saved.Fingerprint == "" {
		d.saved.Fingerprint = fingerprint
		return d.save(d.saved.Spent)
	}
	if d.saved.Fingerprint != fingerprint {
		return fmt.Errorf("%w: task, data, model or options are not those it began with", ErrDiverged)
	}
	return nil
}

// ReadReport reads the result of a finished run. It needs no lock.
func ReadReport(path string) (*Report, error) {
	var r Report
	err := readJSON(filepath.Join(path, resultFile), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no result yet", ErrNoRun, path)
	}
	return &r, err
}

// ReadProgress reads the generations of a run, finished or not. It needs no lock.
func ReadProgress(path string) ([]Progress, Spent, error) {
	var c checkpoint
	err := readJSON(filepath.Join(path, checkpointFile), &c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Spent{}, fmt.Errorf("%w: %s has no checkpoint", ErrNoRun, path)
	}
	return c.Generations, c.Spent, err
}

// Check says what of the spec makes no sense, before anything is started.
func (s Spec) Check() error {
	_, err := Options{Algorithm: s.Algorithm, Objective: s.Objective}.withDefaults()
	return err
}
