package evolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// The files of a run directory.
const (
	specFile        = "run.json"         // what was asked for; never changes
	answersFile     = "answers"          // every outcome and what it cost, appended to
	checkpointFile  = "checkpoint.json"  // the generations so far
	provisionalFile = "provisional.json" // the report of a run that was stopped after its choice
	resultFile      = "result.json"      // the end, once reached
	pageFile        = "report.html"      // either report, to look at

	// oldAnswersFile is where earlier versions kept outcomes, without what they cost.
	oldAnswersFile = "memo"
)

// A checkpoint is written after each generation.
type checkpoint struct {
	// Fingerprint is over everything that decides the run.
	Fingerprint string            `json:"fingerprint"`
	Generations []search.Progress `json:"generations"`
	// Prices are those that the run was last given.
	Prices llm.Prices `json:"prices"`
}

// A RunDir is the directory of one run. Its lock is the answer log's.
type RunDir struct {
	path    string
	Spec    Spec
	answers *AnswerLog
	// saved is the checkpoint on disk; a resumed run is checked against it while it plays the same
	// generations again.
	saved checkpoint
}

// Errors of run directories.
var (
	ErrRunExists = errors.New("run directory is already in use")
	ErrNoRun     = errors.New("not a run directory")
	// ErrUnfinished means that a run has no report yet, not even a provisional one.
	ErrUnfinished = errors.New("the run is not finished")
	// ErrDiverged means that a resumed run is not the run that was killed: task, data, model or
	// program changed.
	ErrDiverged = errors.New("the resumed run differs from its checkpoint")
)

// CreateRun makes a directory for a new run. One in which nothing was asked yet is begun anew: its
// endpoint was wrong, say.
func CreateRun(path string, spec Spec) (*RunDir, error) {
	if exists(filepath.Join(path, specFile)) {
		return beginAnew(path, spec)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	if err := writeJSON(filepath.Join(path, specFile), spec); err != nil {
		return nil, err
	}
	return OpenRun(path)
}

func beginAnew(path string, spec Spec) (*RunDir, error) {
	d, err := OpenRun(path)
	if err != nil {
		return nil, err
	}
	if d.answers.Len() > 0 || d.answers.Used() != (llm.Usage{}) {
		err := fmt.Errorf("%w: %s (take it up again with resume)", ErrRunExists, path)
		return nil, errors.Join(err, d.Close())
	}
	d.Spec, d.saved = spec, checkpoint{}
	if err := writeJSON(filepath.Join(path, specFile), spec); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
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
	if old := filepath.Join(path, oldAnswersFile); exists(old) && !exists(filepath.Join(path, answersFile)) {
		return nil, fmt.Errorf("%w: %s is of an older version; start anew in another directory", ErrNoRun, old)
	}
	var err error
	d.answers, err = OpenAnswerLog(filepath.Join(path, answersFile))
	return d, err
}

// Answers is the run's log.
func (d *RunDir) Answers() *AnswerLog { return d.answers }

// Prices are those that the run was last given.
func (d *RunDir) Prices() llm.Prices { return d.saved.Prices }

// Close releases the directory.
func (d *RunDir) Close() error { return d.answers.Close() }

// note takes in one generation: it is compared with the checkpoint while the run plays what was
// there, and added to it afterwards.
func (d *RunDir) note(p search.Progress) error {
	if n := p.Generation; n <= len(d.saved.Generations) {
		if d.saved.Generations[n-1].Digest != p.Digest {
			return fmt.Errorf("%w at generation %d", ErrDiverged, n)
		}
		return nil
	}
	d.saved.Generations = append(d.saved.Generations, p)
	return d.save()
}

// save writes the checkpoint. The answer log goes first: a checkpoint never speaks of outcomes that
// a power cut could take away.
func (d *RunDir) save() error {
	if err := d.answers.Sync(); err != nil {
		return fmt.Errorf("sync answer log: %w", err)
	}
	return writeJSON(filepath.Join(d.path, checkpointFile), d.saved)
}

// identify ties the directory to a fingerprint, at the first start, and checks it at every later
// one.
func (d *RunDir) identify(fingerprint string, prices llm.Prices) error {
	if d.saved.Fingerprint == "" {
		d.saved.Fingerprint = fingerprint
	}
	if d.saved.Fingerprint != fingerprint {
		return fmt.Errorf("%w: task, data, model or options are not those it began with", ErrDiverged)
	}
	d.saved.Prices = prices
	return d.save()
}

// finish writes a report, provisional or not, and its page.
func (d *RunDir) finish(r *Report) error {
	provisional := filepath.Join(d.path, provisionalFile)
	file := provisional
	if r.Missing == "" {
		file = filepath.Join(d.path, resultFile)
	}
	if err := writeJSON(file, r); err != nil {
		return err
	}
	if r.Missing == "" {
		if err := os.Remove(provisional); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the provisional report: %w", err)
		}
	}
	page, err := r.page()
	if err != nil {
		return err
	}
	return writeAtomic(filepath.Join(d.path, pageFile), page)
}

// ReadReport reads the report of a run: the final one or, for a run that was stopped after its
// choice, the provisional one. It fails with ErrUnfinished where there is neither. It needs no
// lock.
func ReadReport(path string) (*Report, error) {
	if !exists(filepath.Join(path, specFile)) {
		return nil, fmt.Errorf("%w: %s", ErrNoRun, path)
	}
	for _, file := range []string{resultFile, provisionalFile} {
		var r Report
		err := readJSON(filepath.Join(path, file), &r)
		if !errors.Is(err, fs.ErrNotExist) {
			return &r, err
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrUnfinished, path)
}

// ReadProgress reads the generations of a run, finished or not, and what it spent. It needs no
// lock.
func ReadProgress(path string) ([]search.Progress, llm.Spending, error) {
	var c checkpoint
	err := readJSON(filepath.Join(path, checkpointFile), &c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, llm.Spending{}, fmt.Errorf("%w: %s has no checkpoint", ErrNoRun, path)
	}
	if err != nil {
		return nil, llm.Spending{}, err
	}
	used, err := readUsage(filepath.Join(path, answersFile))
	return c.Generations, c.Prices.Of(used), err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
