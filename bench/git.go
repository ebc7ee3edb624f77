package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// A clone reads a local repository through git. Nothing is written to it and nothing is fetched:
// what a shallow or partial clone lacks is an error of that one reading.
type clone struct {
	path string
	name string
}

// openClone finds the repository that path is in.
func openClone(ctx context.Context, path string) (clone, error) {
	c := clone{path: path}
	if _, err := exec.LookPath("git"); err != nil {
		return c, errors.New("no git command in PATH; install git")
	}
	if _, err := os.Stat(path); err != nil {
		return c, err
	}
	dir, err := c.git(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return c, err
	}
	folder := filepath.Clean(strings.TrimSpace(string(dir)))
	if filepath.Base(folder) == ".git" {
		folder = filepath.Dir(folder)
	}
	c.name = strings.TrimSuffix(filepath.Base(folder), ".git")
	return c, nil
}

// git runs a command and returns what it printed.
func (c clone) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(
		ctx, "git",
		append([]string{"-C", c.path, "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"}, args...)...)
	for _, entry := range os.Environ() {
		// A hook's GIT_DIR and the like name another repository.
		if !strings.HasPrefix(entry, "GIT_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	// TestHistoryFetchesNothing: no protocol of this name exists, so a partial clone cannot fetch
	// what it lacks.
	cmd.Env = append(cmd.Env, "GIT_ALLOW_PROTOCOL=none", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("git %s in %s: %w: %s", args[0], c.path, err, strings.TrimSpace(complaint.String()))
	}
	return out.Bytes(), nil
}

// A commit is one with a parent that is there.
type commit struct {
	hash, parent, message string
}

// commits lists up to limit commits before rev, newest first, merges and those without a parent
// left out: in a shallow clone those are the oldest ones.
func (c clone) commits(ctx context.Context, rev string, limit int) ([]commit, error) {
	out, err := c.git(ctx, "log", "-z", "--no-merges", "--no-show-signature", "--no-notes", "--no-decorate",
		"--no-color", "--no-patch",
		"--encoding=UTF-8", "--format=%H%n%P%n%B", "--max-count="+strconv.Itoa(limit), "--end-of-options", rev, "--")
	if err != nil {
		return nil, err
	}
	var list []commit
	for record := range strings.SplitSeq(string(out), "\x00") {
		parts := strings.SplitN(record, "\n", 3)
		if len(parts) == 3 && parts[1] != "" {
			list = append(list, commit{parts[0], strings.Fields(parts[1])[0], strings.ToValidUTF8(parts[2], "\ufffd")})
		}
	}
	return list, nil
}

// A change is a file that a commit changed, as it was before.
type change struct {
	path, blob string
	// before are the 1-based lines that were changed or taken out; after a line where something was
	// put in, 0 for the top.
	before, after []int
}

const (
	regularFile    = "100644"
	executableFile = "100755"
)

// changes lists the source files that a commit changed and that were there before, renamed ones
// under their old path. Submodules, links, binary files and additions are none. It returns nil
// where more than most of them are.
func (c clone) changes(ctx context.Context, at commit, most int) ([]change, error) {
	out, err := c.git(ctx, "diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", at.parent, at.hash)
	if err != nil {
		return nil, err
	}
	var list []change
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); {
		// :100644 100644 <old> <new> M, path; of a rename or a copy, old path, new path.
		meta := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(meta) != 5 {
			return nil, fmt.Errorf("git diff-tree: cannot read %q", fields[i])
		}
		path := fields[i+1]
		i += 2
		if meta[4][0] == 'R' || meta[4][0] == 'C' {
			i++
		}
		regular := meta[0] == regularFile || meta[0] == executableFile
		if regular && (meta[4][0] == 'M' || meta[4][0] == 'R') && isHistorySource(path) {
			list = append(list, change{path: path, blob: meta[2]})
		}
	}
	if len(list) > most {
		return nil, nil
	}
	for i := range list {
		if err := c.lines(ctx, at, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// lines notes which lines of the file a commit changed.
func (c clone) lines(ctx context.Context, at commit, ch *change) error {
	out, err := c.git(ctx, "diff-tree", "-r", "-p", "-U0", "-M", "--no-ext-diff", "--no-textconv",
		"--no-color", "--no-prefix",
		"--src-prefix=", "--diff-filter=MR", at.parent, at.hash)
	if err != nil {
		return err
	}
	inside := false
	for line := range strings.SplitSeq(string(out), "\n") {
		switch {
		case strings.HasPrefix(line, "diff --git "):
			inside = false
		case strings.HasPrefix(line, "--- "):
			inside = strings.TrimSuffix(line[len("--- "):], "\t") == ch.path
		case inside && strings.HasPrefix(line, "@@ -"):
			from, count, ok := hunk(line)
			if !ok {
				return fmt.Errorf("git diff-tree: cannot read %q", line)
			}
			if count == 0 {
				ch.after = append(ch.after, from)
			}
			for i := range count {
				ch.before = append(ch.before, from+i)
			}
		}
	}
	return nil
}

// hunk reads "@@ -12,3 +12,4 @@": where lines were before, and how many.
func hunk(line string) (from, count int, ok bool) {
	old, _, _ := strings.Cut(strings.TrimPrefix(line, "@@ -"), " ")
	start, size, two := strings.Cut(old, ",")
	from, err := strconv.Atoi(start)
	if err != nil {
		return 0, 0, false
	}
	if !two {
		return from, 1, true
	}
	count, err = strconv.Atoi(size)
	return from, count, err == nil
}

// A blob is a file of a tree.
type blob struct {
	path, hash string
	size       int
}

// tree lists the regular files that a commit has directly in a folder, "" for the root.
func (c clone) tree(ctx context.Context, at, folder string) ([]blob, error) {
	args := []string{"ls-tree", "-z", "-l", "--full-tree", at}
	if folder != "" {
		args = append(args, "--", folder+"/")
	}
	out, err := c.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	var list []blob
	for record := range strings.SplitSeq(string(out), "\x00") {
		meta, path, ok := strings.Cut(record, "\t")
		f := strings.Fields(meta) // mode, type, hash, size
		if !ok || len(f) != 4 || f[0] != regularFile && f[0] != executableFile {
			continue
		}
		if size, err := strconv.Atoi(f[3]); err == nil {
			list = append(list, blob{path, f[2], size})
		}
	}
	return list, nil
}

func (c clone) read(ctx context.Context, hash string) ([]byte, error) {
	return c.git(ctx, "cat-file", "blob", hash)
}
