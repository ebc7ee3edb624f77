package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"pith/bench/sources"
	"pith/compress"
	"pith/parsers"
)

// HistoryOptions say which cases to make of a clone. The zero value of each field means its
// default.
type HistoryOptions struct {
	// Rev is where to begin, going back. If empty, HEAD.
	Rev string
	// Cases is how many to make. If zero, 100.
	Cases int
	// Commits bounds how many are looked at. If zero, 20,000.
	Commits int
	// Progress is told how far the search is. May be nil.
	Progress func(phase string, done, total int)
}

// What makes a commit a case: few files and functions, changed inside functions for the most part.
const (
	mostChangedFiles   = 3
	mostNeeded         = 5
	leastNeededLines   = 3
	mostNeededLines    = 150
	insideOverOutside  = 2
	historyBytes       = 60_000
	mostHistoryBytes   = 120_000
	mostHistoryContext = 24
)

// CasesOf makes cases of the newest commits of a local clone: the message is the question, the
// files that it changed, as they were before, and their neighbours are the context, the lines that
// it changed inside functions are what is needed. The clone is only read, through the git command.
func CasesOf(ctx context.Context, folder string, splitter compress.Splitter, opt HistoryOptions) ([]Case, error) {
	if opt.Rev == "" {
		opt.Rev = "HEAD"
	}
	if opt.Cases == 0 {
		opt.Cases = 100
	}
	if opt.Commits == 0 {
		opt.Commits = 20000
	}
	if opt.Progress == nil {
		opt.Progress = func(string, int, int) {}
	}
	repo, err := openClone(ctx, folder)
	if err != nil {
		return nil, err
	}
	commits, err := repo.commits(ctx, opt.Rev, opt.Commits)
	if err != nil {
		return nil, err
	}
	h := historian{repo, splitter}
	var cases []Case
	var unread error
	for _, at := range commits {
		c, ok, err := h.make(ctx, at)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			unread = err // a shallow or partial clone lacks what this commit needs
			continue
		}
		if ok {
			cases = append(cases, c)
			opt.Progress("commits", len(cases), opt.Cases)
		}
		if len(cases) == opt.Cases {
			break
		}
	}
	if len(cases) == 0 {
		err := fmt.Errorf("none of %d commits of %s makes a case: wanted are commits without a merge that change one "+
			"to five functions of "+
			"up to three source files, with at least five words for a message", len(commits), folder)
		return nil, errors.Join(err, unread)
	}
	return cases, nil
}

// A historian makes cases of commits.
type historian struct {
	repo     clone
	splitter compress.Splitter
}

// make makes a commit's case; false where the commit is none.
func (h historian) make(ctx context.Context, at commit) (Case, bool, error) {
	query := question(at.message)
	if query == "" {
		return Case{}, false, nil
	}
	changes, err := h.repo.changes(ctx, at, mostChangedFiles)
	if err != nil || len(changes) == 0 {
		return Case{}, false, err
	}
	c := Case{Repo: h.repo.name, Commit: at.hash[:12], Query: query, Changed: make(map[string][]int)}
	inside, outside, size := 0, 0, 0
	for _, ch := range changes {
		text, ok, err := h.text(ctx, ch.blob)
		if err != nil || !ok {
			return Case{}, false, err
		}
		parsed, err := h.splitter.Parse(ctx, ch.path, []byte(text))
		if err != nil {
			return Case{}, false, err
		}
		if parsed.Fallback != "" {
			return Case{}, false, nil
		}
		in, out := c.add(ch, text, parsed)
		inside, outside, size = inside+in, outside+out, size+len(text)
		c.Files = append(c.Files, compress.File{Path: ch.path, Content: text})
		if c.Language == "" && in > 0 {
			c.Language = parsed.Language
		}
	}
	if len(c.Needed) == 0 || len(c.Needed) > mostNeeded || inside < insideOverOutside*outside ||
		size > mostHistoryBytes {
		return Case{}, false, nil
	}
	for _, n := range c.Needed {
		if lines := n.End - n.Start + 1; lines < leastNeededLines || lines > mostNeededLines {
			return Case{}, false, nil
		}
		c.Named = c.Named || names(query, n.Name)
	}
	if err := h.neighbours(ctx, &c, at, size); err != nil {
		return Case{}, false, err
	}
	candidates, err := h.functions(ctx, c.Files)
	return c, err == nil && candidates >= leastCandidates, err
}

// add notes the functions of a file that a change touches and the lines in them, and returns how
// many lines were changed inside functions and outside. Of lines that were only put in, the two
// between which they stand count.
func (c *Case) add(ch change, text string, parsed parsers.File) (inside, outside int) {
	lines := strings.Split(text, "\n")
	functions := functionsOf(parsed, lines)
	touched := make(map[int]bool)
	mark := func(line int) (int, bool) {
		if line < 1 || line > len(lines) || strings.TrimSpace(lines[line-1]) == "" {
			return 0, false
		}
		at := slices.IndexFunc(functions, func(f Function) bool { return f.Start <= line && line <= f.End })
		if at >= 0 {
			touched[at] = true
			c.Changed[ch.path] = append(c.Changed[ch.path], line)
		}
		return at, true
	}
	count := func(at int) {
		if at >= 0 {
			inside++
		} else {
			outside++
		}
	}
	for _, line := range ch.before {
		if at, ok := mark(line); ok {
			count(at)
		}
	}
	for _, line := range ch.after {
		// Between two functions is in neither, though the lines around are.
		before := slices.IndexFunc(functions, func(f Function) bool { return f.Start <= line && line < f.End })
		if before >= 0 {
			mark(line)
			mark(line + 1)
		}
		count(before)
	}
	for at, f := range functions {
		if touched[at] {
			f.Path = ch.path
			c.Needed = append(c.Needed, f)
		}
	}
	if changed := c.Changed[ch.path]; len(changed) > 0 {
		slices.Sort(changed)
		c.Changed[ch.path] = slices.Compact(changed)
	}
	return inside, outside
}

// functionsOf lists a file's functions from the first line of their header on, without the blank
// lines behind.
func functionsOf(parsed parsers.File, lines []string) []Function {
	var list []Function
	for _, c := range parsed.Chunks {
		if c.Kind != parsers.KindFunction {
			continue
		}
		start, end := c.StartLine, c.EndLine
		if c.SignatureStart < c.SignatureEnd {
			start = c.SignatureStart
		}
		for end > start+1 && strings.TrimSpace(lines[end-1]) == "" {
			end--
		}
		list = append(list, Function{Name: c.Name, Start: start + 1, End: end})
	}
	return list
}

// neighbours adds files of the changed ones' folders, then of the folders above, until the context
// is full, and sorts all by path, so that where the answer stands says nothing.
func (h historian) neighbours(ctx context.Context, c *Case, at commit, size int) error {
	have := make(map[string]bool)
	var folders []string
	for _, f := range c.Files {
		have[f.Path] = true
		folders = append(folders, folderOf(f.Path))
	}
	for i := 0; i < len(folders); i++ {
		if up := folderOf(folders[i]); folders[i] != "" && !slices.Contains(folders, up) {
			folders = append(folders, up)
		}
	}
	for _, folder := range distinctStrings(folders) {
		blobs, err := h.repo.tree(ctx, at.parent, folder)
		if err != nil {
			return err
		}
		for _, b := range blobs {
			if have[b.path] || !isHistorySource(b.path) || size+b.size > historyBytes ||
				len(c.Files) >= mostHistoryContext {
				continue
			}
			text, ok, err := h.text(ctx, b.hash)
			if err != nil {
				return err
			}
			if ok {
				have[b.path] = true
				size += len(text)
				c.Files = append(c.Files, compress.File{Path: b.path, Content: text})
			}
		}
	}
	slices.SortFunc(c.Files, func(a, b compress.File) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

func folderOf(file string) string {
	if dir := path.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// distinctStrings keeps the first of each, in order.
func distinctStrings(list []string) []string {
	seen := make(map[string]bool)
	return slices.DeleteFunc(list, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

func (h historian) functions(ctx context.Context, files []compress.File) (int, error) {
	n := 0
	for _, f := range files {
		parsed, err := h.splitter.Parse(ctx, f.Path, []byte(f.Content))
		if err != nil {
			return 0, err
		}
		for _, c := range parsed.Chunks {
			if c.Kind == parsers.KindFunction {
				n++
			}
		}
	}
	return n, nil
}

// text reads a blob; false where it is not UTF-8 or nobody wrote it by hand.
func (h historian) text(ctx context.Context, hash string) (string, bool, error) {
	raw, err := h.repo.read(ctx, hash)
	if err != nil {
		return "", false, err
	}
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return "", false, nil
	}
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	return text, sources.IsHandwritten(text), nil
}

// isHistorySource reports that a path is one of code that is neither a test nor somebody else's.
func isHistorySource(file string) bool {
	ext := path.Ext(file)
	known := sources.Languages[ext] != "" || slices.Contains([]string{".h", ".hh", ".tsx", ".jsx"}, ext)
	if !known || sources.IsTest(path.Base(file)) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(folderOf(file), "/"), func(part string) bool {
		return slices.Contains(sources.SkippedFolders, part)
	})
}
