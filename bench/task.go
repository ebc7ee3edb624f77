package bench

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"pith/bench/sources"
	"pith/compress"
	"pith/parsers"
)

// A Task is one question with a known answer: a function's description, and files that hold the
// function without it.
type Task struct {
	Package  string
	HeldOut  bool
	Language string
	// Function is the name of the one that answers.
	Function string
	// Query is the doc comment without the function's name.
	Query string
	// Files are the context, in the order of their paths.
	Files []compress.File

	needle lineRange
	defs   []lineRange
	parsed []parsers.File
}

// codebase is the task's files with their chunks.
func (t Task) codebase() codebase { return codebase{t.Files, t.parsed} }

// A lineRange is a run of lines of one of a task's files. key is the line that must be seen to know
// what stands there.
type lineRange struct {
	file  int
	lines span
	key   int
}

// Bounds on needles and contexts. A needle of three lines is found by its name or not at all; one
// of more than sixty cannot fit a tenth of a context.
const (
	leastNeedleLines = 4
	mostNeedleLines  = 60
	leastCandidates  = 10
	mostFiles        = 12
	neighbourTries   = 40
)

// A taskMaker builds tasks from a package's files.
type taskMaker struct {
	splitter compress.Splitter
	// contextBytes bounds the files of a task together.
	contextBytes int
	// stripAll removes every function's description from the context, not only the needle's.
	stripAll bool
}

// A draft is a source file with its chunks, as they stand before descriptions are taken out.
type draft struct {
	path   string
	lines  []string
	parsed parsers.File
}

// make builds a task around the documented function of the file paths[at] that pick chooses. It
// reports false where pick wants none, or the file and its neighbours have too few functions to
// choose from or another one described alike.
func (m taskMaker) make(
	ctx context.Context, pkg sources.Package, paths []string, at int, pick func([]needle) (needle, bool),
) (Task, bool, error) {
	own, ok, err := m.read(ctx, pkg.FS, paths[at], m.contextBytes)
	if !ok || err != nil {
		return Task{}, false, err
	}
	chosen, ok := pick(needlesOf(own))
	if !ok {
		return Task{}, false, nil
	}
	drafts, err := m.neighbours(ctx, pkg.FS, paths, at, own)
	if err != nil {
		return Task{}, false, err
	}
	if describedAlike(drafts, own.path, chosen) {
		return Task{}, false, nil
	}
	task := Task{
		Package: pkg.Name, HeldOut: pkg.HeldOut, Language: own.parsed.Language,
		Function: chosen.name, Query: chosen.query,
	}
	for _, d := range drafts {
		if err := m.add(ctx, &task, d, d.path == own.path, chosen); err != nil {
			return Task{}, false, err
		}
	}
	if len(task.candidates()) < leastCandidates || task.needle.lines.len() < leastNeedleLines {
		return Task{}, false, nil
	}
	task.defs = task.codebase().definitions([]lineRange{task.needle})
	return task, true, nil
}

func (m taskMaker) read(ctx context.Context, fsys fs.FS, name string, limit int) (draft, bool, error) {
	text, ok := sources.Read(fsys, name, limit)
	if !ok {
		return draft{}, false, nil
	}
	parsed, err := m.splitter.Parse(ctx, name, []byte(text))
	if err != nil {
		return draft{}, false, fmt.Errorf("parse %s: %w", name, err)
	}
	return draft{name, strings.SplitAfter(text, "\n"), parsed}, parsed.Fallback == "", nil
}

// neighbours reads the files nearest to paths[at] in path order until the context is full, and
// returns all with own among them, sorted by path, so that where the needle stands says nothing.
func (m taskMaker) neighbours(ctx context.Context, fsys fs.FS, paths []string, at int, own draft) ([]draft, error) {
	drafts := []draft{own}
	room := m.contextBytes - own.size()
	for step := 1; step <= neighbourTries && len(drafts) < mostFiles; step++ {
		i := at + (step+1)/2
		if step%2 == 0 {
			i = at - step/2
		}
		if i < 0 || i >= len(paths) {
			continue
		}
		d, ok, err := m.read(ctx, fsys, paths[i], room)
		if err != nil {
			return nil, err
		}
		if ok && d.parsed.Language == own.parsed.Language {
			drafts = append(drafts, d)
			room -= d.size()
		}
	}
	slices.SortFunc(drafts, func(a, b draft) int { return strings.Compare(a.path, b.path) })
	return drafts, nil
}

func (d draft) size() int {
	n := 0
	for _, line := range d.lines {
		n += len(line)
	}
	return n
}

// add puts a file into the task, descriptions taken out as asked, and notes where the needle now
// stands.
func (m taskMaker) add(ctx context.Context, task *Task, d draft, own bool, chosen needle) error {
	var out []span
	if m.stripAll {
		out = descriptions(d)
	} else if own {
		out = []span{chosen.comment}
	}
	text := without(d.lines, out)
	parsed := d.parsed
	if len(out) > 0 {
		var err error
		if parsed, err = m.splitter.Parse(ctx, d.path, []byte(text)); err != nil {
			return fmt.Errorf("parse %s: %w", d.path, err)
		}
	}
	index := len(task.Files)
	task.Files = append(task.Files, compress.File{Path: d.path, Language: parsed.Language, Content: text})
	task.parsed = append(task.parsed, parsed)
	if !own {
		return nil
	}
	key := chosen.key - removedBefore(out, chosen.key)
	for _, c := range parsed.Chunks {
		if c.Kind == parsers.KindFunction && c.StartLine <= key && key < c.EndLine {
			task.needle = lineRange{index, span{c.StartLine, c.EndLine}, key}
		}
	}
	return nil
}

// answer is the code of the needle.
func (t Task) answer() string {
	lines := strings.SplitAfter(t.Files[t.needle.file].Content, "\n")
	return strings.Join(lines[t.needle.lines.start:t.needle.lines.end], "")
}

// candidates are the functions that compete with the needle, the needle included.
func (t Task) candidates() []lineRange {
	var all []lineRange
	for i, f := range t.parsed {
		for _, c := range f.Chunks {
			if c.Kind == parsers.KindFunction {
				all = append(all, lineRange{i, span{c.StartLine, c.EndLine}, c.SignatureStart})
			}
		}
	}
	return all
}
