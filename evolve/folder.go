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

	"pith/evolve/search"
)

// A Folder holds the artefacts that are in use, one file each. It is safe for concurrent use.
type Folder struct {
	dir string
	opt FolderOptions
	now atomic.Pointer[[]*Artefact]
}

// FolderOptions say what a Folder's artefacts may be used for.
type FolderOptions struct {
	// AnyModel allows them for models and tokenizers that their fitness was not measured on.
	AnyModel bool
	// Count counts the tokens of a text as the model does. If nil, nothing is counted.
	Count func(model, text string) int
}

// A Match is an original prompt in a text.
type Match struct {
	Task  string
	Edits []Edit
	// Original and Pruned are the tokens of what the edits replace and of what they put there.
	Original, Pruned int
}

// OpenFolder reads the artefacts in dir, its files ending in .json. A file that must not be used is
// left out, and the error, which names each of them, does not keep the others from their use; the
// Folder is nil only where dir itself cannot be read.
func OpenFolder(dir string, opt FolderOptions) (*Folder, error) {
	f := &Folder{dir: dir, opt: opt}
	err := f.Reload()
	if f.now.Load() == nil {
		return nil, err
	}
	return f, err
}

// Reload reads the folder anew. The artefacts change all at once, for whatever is looked for next.
func (f *Folder) Reload() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	var all []*Artefact
	var errs []error
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		a, err := LoadArtefact(filepath.Join(f.dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if a.Provenance.Target == "" && !f.opt.AnyModel {
			errs = append(
				errs,
				fmt.Errorf(
					"%w: %s was measured on %q, which no request can name; only allowing it "+
						"for any model puts it to use",
					ErrArtefact, e.Name(), a.Provenance.Model,
				),
			)
			continue
		}
		all = append(all, a)
	}
	// The longest template that is found in a text is the one it was made from; names only make the
	// order whole.
	slices.SortStableFunc(all, func(a, b *Artefact) int {
		return cmp.Or(cmp.Compare(len(b.Template), len(a.Template)), cmp.Compare(a.Task, b.Task),
			cmp.Compare(a.Sum, b.Sum))
	})
	f.now.Store(&all)
	return errors.Join(errs...)
}

// Dir is the folder that the Folder was opened with.
func (f *Folder) Dir() string { return f.dir }

// Len is the number of artefacts in use.
func (f *Folder) Len() int { return len(*f.now.Load()) }

// Find looks for the original of an artefact in a text that is meant for model. The result depends
// on nothing but the artefacts and its arguments.
func (f *Folder) Find(model, text string) (Match, bool) {
	for _, a := range *f.now.Load() {
		if !f.fits(a, model) {
			continue
		}
		if edits, ok := a.Edits(text); ok {
			return f.counted(Match{Task: a.Task, Edits: edits}, model, text), true
		}
	}
	return Match{}, false
}

// fits says whether an artefact may be used for model. A mask over the tokens of one tokenizer says
// nothing about a model that cuts its text elsewhere; a mask over words is cut alike for all.
func (f *Folder) fits(a *Artefact, model string) bool {
	if f.opt.AnyModel {
		return true
	}
	p := a.Provenance
	return p.Target == model && model != "" &&
		(p.Tokenizer == search.TokenizerWords || p.Tokenizer == search.TokenizerOf(model))
}

func (f *Folder) counted(found Match, model, text string) Match {
	if f.opt.Count == nil {
		return found
	}
	for _, e := range found.Edits {
		found.Original += f.opt.Count(model, text[e.Start:e.End])
		found.Pruned += f.opt.Count(model, e.Text)
	}
	return found
}
