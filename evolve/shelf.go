package evolve

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// A Shelf is a folder of artefacts in use. It is safe for concurrent use.
type Shelf struct {
	dir string
	opt ShelfOptions
	now atomic.Pointer[[]shelved]
}

// ShelfOptions say what a Shelf's artefacts may be used for.
type ShelfOptions struct {
	// AnyModel allows them for models that their fitness was not measured on.
	AnyModel bool
	// Count counts the tokens of a text as the model does. If nil, nothing is counted.
	Count func(model, text string) int
}

type shelved struct {
	*Artefact
	target string // tokenizer and model that the artefact is for; see fits
}

// A Find is an original prompt in a text.
type Find struct {
	Task  string
	Edits []Edit
	// Original and Pruned are the tokens of what the edits replace and of what they put there.
	Original, Pruned int
}

// OpenShelf reads the artefacts in dir, its files ending in .json. A file that must not be used is left out, and the error, which
// names each of them, does not keep the others from their use; the Shelf is nil only where dir itself cannot be read.
func OpenShelf(dir string, opt ShelfOptions) (*Shelf, error) {
	s := &Shelf{dir: dir, opt: opt}
	err := s.Reload()
	if s.now.Load() == nil {
		return nil, err
	}
	return s, err
}

// Reload reads the folder anew. The artefacts change all at once, for whatever is looked for next.
func (s *Shelf) Reload() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	var all []shelved
	var errs []error
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		a, err := LoadArtefact(filepath.Join(s.dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, shelved{Artefact: a, target: a.Provenance.Target})
	}
	// The longest template that is found in a text is the one it was made from; names only make the order whole.
	slices.SortStableFunc(all, func(a, b shelved) int {
		return cmp.Or(cmp.Compare(len(b.Template), len(a.Template)), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Sum, b.Sum))
	})
	s.now.Store(&all)
	return errors.Join(errs...)
}

// Dir is the folder that the Shelf was opened with.
func (s *Shelf) Dir() string { return s.dir }

// Len is the number of artefacts in use.
func (s *Shelf) Len() int { return len(*s.now.Load()) }

// Find looks for the original of an artefact in a text that is meant for model. The result depends on nothing but the artefacts
// and its arguments.
func (s *Shelf) Find(model, text string) (Find, bool) {
	for _, a := range *s.now.Load() {
		if !s.fits(a.Artefact, model) {
			continue
		}
		if edits, ok := a.Edits(text); ok {
			return s.counted(Find{Task: a.Task, Edits: edits}, model, text), true
		}
	}
	return Find{}, false
}

// fits says whether an artefact may be used for model. A mask over the tokens of one tokenizer says nothing about a model that
// cuts its text elsewhere; a mask over words is cut alike for all.
func (s *Shelf) fits(a *Artefact, model string) bool {
	if a.Provenance.Tokenizer != tokenizerWords && a.Provenance.Tokenizer != tokenizerOf(model) {
		return false
	}
	return s.opt.AnyModel || a.Provenance.Target == model && model != ""
}

func (s *Shelf) counted(f Find, model, text string) Find {
	if s.opt.Count == nil {
		return f
	}
	for _, e := range f.Edits {
		f.Original += s.opt.Count(model, text[e.Start:e.End])
		f.Pruned += s.opt.Count(model, e.Text)
	}
	return f
}
