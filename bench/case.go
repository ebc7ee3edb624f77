package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"pith/compress"
	"pith/internal/textfile"
)

// A Case is a question with the files that its answer stands in, and what of them the answer needs.
// A file of cases has one JSON object a line.
type Case struct {
	// Repo is the repository or the package that the files are from; functions of one resemble each
	// other.
	Repo     string `json:"repo"`
	Language string `json:"lang"`
	// Commit is the commit that answers, or another name of the case inside its Repo.
	Commit string `json:"commit"`
	Query  string `json:"query"`
	// Named reports that the query names a needed function or speaks in the words of the code.
	Named  bool            `json:"named"`
	Files  []compress.File `json:"files"`
	Needed []Function      `json:"needed"`
	// Changed are the lines that an answer needs, by path, 1-based. If empty, all lines of Needed
	// that are not blank.
	Changed map[string][]int `json:"changed,omitempty"`
}

// A Function is a run of lines of a file, 1-based and inclusive.
type Function struct {
	Path  string `json:"path"`
	Name  string `json:"name"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

const (
	// longestCase bounds one line of a file of cases, or a file of questions, in bytes: decoded,
	// JSON may take ten times as much.
	longestCase = 16 << 20
	// longestFile bounds a file of cases, unpacked, in bytes: a small one may unpack to anything.
	longestFile = 512 << 20
)

// errLongFile says that a file of cases is none.
var errLongFile = fmt.Errorf("more than %d bytes, unpacked", longestFile)

// ReadCases reads a file of cases, plain or gzipped. An error names the line at fault.
func ReadCases(file string) ([]Case, error) {
	f, err := textfile.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	in, err := plain(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var cases []Case
	left := &io.LimitedReader{R: in, N: longestFile + 1}
	lines := bufio.NewScanner(left)
	lines.Buffer(nil, longestCase)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		cases = append(cases, c)
	}
	err = lines.Err()
	if left.N == 0 {
		err = errLongFile
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: no cases in it", file)
	}
	return cases, nil
}

// WriteCases writes a gzipped file of cases.
func WriteCases(file string, cases []Case) error {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	lines := json.NewEncoder(zip)
	lines.SetEscapeHTML(false)
	for _, c := range cases {
		if err := lines.Encode(c); err != nil {
			return err
		}
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// plain unzips what is zipped.
func plain(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(in)
	magic, err := buffered.Peek(2)
	if err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return buffered, nil //nolint:nilerr // a file of less than two bytes holds no case, which is said later
	}
	return gzip.NewReader(buffered)
}

// check reports what would make a measurement of the case meaningless.
func (c Case) check() error {
	lines := make(map[string]int, len(c.Files))
	for _, f := range c.Files {
		lines[f.Path] = strings.Count(f.Content, "\n") + 1
	}
	var errs []error
	if strings.TrimSpace(c.Query) == "" {
		errs = append(errs, errors.New("no query"))
	}
	if len(c.Needed) == 0 {
		errs = append(errs, errors.New("no needed functions"))
	}
	if len(lines) != len(c.Files) {
		errs = append(errs, errors.New("two files of one path"))
	}
	for _, n := range c.Needed {
		if n.Start < 1 || n.End < n.Start || n.End > lines[n.Path] {
			errs = append(
				errs, fmt.Errorf("needed %s: lines %d-%d are not in %q, which has %d", n.Name, n.Start, n.End,
					n.Path, lines[n.Path]))
		}
	}
	for path, changed := range c.Changed {
		for _, line := range changed {
			if line < 1 || line > lines[path] {
				errs = append(errs, fmt.Errorf("changed line %d is not in %q, which has %d", line, path, lines[path]))
			}
		}
	}
	return errors.Join(errs...)
}
