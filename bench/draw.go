package bench

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	"pith/bench/sources"
)

// A packageDraw is a package with its files in the order in which tasks are drawn from them.
type packageDraw struct {
	pkg   sources.Package
	paths map[string][]string
	order map[string][]int
	// used holds the descriptions that were tried already.
	used map[string]bool
}

const (
	// perRound is how many tasks of a language a package gives before the next package's turn, so
	// that no large one rules the sample.
	perRound = 3
	// visits is how often a file may be drawn from.
	visits = 10
	// tries bounds the files looked at in one turn: a large package may have no described
	// functions.
	tries = 20
)

// collect draws tasks package by package, in rounds, until each language has its share. Where the
// sources of one do not suffice, the others fill up.
func (r Retention) collect(ctx context.Context, packages []sources.Package, opt RetentionOptions) ([]Task, error) {
	rng := rand.New(rand.NewPCG(opt.Seed, 0))
	var draws []*packageDraw
	for _, pkg := range packages {
		if pkg.HeldOut || !opt.HeldOutOnly {
			draws = append(draws, &packageDraw{pkg: pkg, used: make(map[string]bool)})
		}
	}
	rng.Shuffle(len(draws), func(i, j int) { draws[i], draws[j] = draws[j], draws[i] })
	maker := taskMaker{r.Splitter, opt.ContextBytes, opt.StripAll}
	fair := (opt.Queries + len(opt.Languages) - 1) / len(opt.Languages)
	found := make(map[string]int)
	var tasks []Task
	for _, most := range []int{fair, opt.Queries} {
		for before := -1; before < len(tasks); {
			before = len(tasks)
			for _, s := range draws {
				for _, language := range opt.Languages {
					want := min(perRound, most-found[language], opt.Queries-len(tasks))
					drawn, err := s.draw(ctx, maker, language, want, rng)
					if err != nil {
						return nil, err
					}
					tasks = append(tasks, drawn...)
					found[language] += len(drawn)
				}
				opt.Progress("collecting", len(tasks), opt.Queries)
			}
		}
	}
	return tasks, nil
}

// open lists the package's files once.
func (s *packageDraw) open(rng *rand.Rand) {
	if s.paths != nil {
		return
	}
	s.paths = sources.FilesByLanguage(s.pkg)
	s.order = make(map[string][]int)
	for _, language := range slices.Sorted(maps.Keys(s.paths)) {
		for range visits {
			s.order[language] = append(s.order[language], rng.Perm(len(s.paths[language]))...)
		}
	}
}

// draw takes up to want tasks.
func (s *packageDraw) draw(
	ctx context.Context, maker taskMaker, language string, want int, rng *rand.Rand,
) ([]Task, error) {
	if want <= 0 {
		return nil, nil
	}
	s.open(rng)
	pick := func(found []needle) (needle, bool) {
		found = slices.DeleteFunc(found, func(n needle) bool { return s.used[n.query] })
		if len(found) == 0 {
			return needle{}, false
		}
		chosen := found[rng.IntN(len(found))]
		s.used[chosen.query] = true
		return chosen, true
	}
	var tasks []Task
	for try := 0; try < tries && len(tasks) < want && len(s.order[language]) > 0; try++ {
		at := s.order[language][0]
		s.order[language] = s.order[language][1:]
		task, ok, err := maker.make(ctx, s.pkg, s.paths[language], at, pick)
		if err != nil {
			return nil, err
		}
		if ok && task.Language == language {
			tasks = append(tasks, task)
		}
	}
	return tasks, nil
}
