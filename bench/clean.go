package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"pith/bench/sources"
)

// Files that the training recipe leaves in its folder: what it read, by package, by repository and
// by content.
const (
	corpusManifest     = "corpus_manifest.json"
	corpusRepositories = "repositories.txt"
	corpusFingerprints = "fingerprints.bin"
	corpusQuestions    = "questions.json"
)

// A Corpus is what the embedded models were trained on.
type Corpus struct {
	// packages are "kind name", simple the last parts of their names; repositories are plain names.
	packages, simple, repositories map[string]bool
	// bits is the Bloom filter of the runs of lines; nil where there is none.
	bits []byte
}

// A Suspect is what was found out about one repository of a benchmark.
type Suspect struct {
	Repo string `json:"repo"`
	// Name says which name of the corpus it has, if any.
	Name string `json:"name,omitempty"`
	// Runs are the sampled runs of lines of its files, Shared those that the corpus has too.
	Runs   int `json:"runs"`
	Shared int `json:"shared"`
}

// A repository is part of the corpus when it shares so many of its runs, and so many in all: copies
// of single functions are everywhere.
const (
	sharedShare = 0.05
	leastShared = 3
)

// Trained reports that the repository is part of the corpus.
func (s Suspect) Trained() bool {
	return s.Name != "" || s.Shared >= leastShared && float64(s.Shared) >= sharedShare*float64(s.Runs)
}

// ReadCorpus reads what the training recipe left in its folder. The manifest must be there; without
// fingerprints only names are compared.
func ReadCorpus(folder string) (Corpus, error) {
	c := Corpus{packages: make(map[string]bool), simple: make(map[string]bool), repositories: make(map[string]bool)}
	raw, err := os.ReadFile(filepath.Join(folder, corpusManifest))
	if err != nil {
		return c, err
	}
	var manifest struct {
		Packages []struct {
			Kind, Name string
			HeldOut    bool `json:"held_out"`
		}
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return c, fmt.Errorf("%s: %w", corpusManifest, err)
	}
	for _, p := range manifest.Packages {
		if !p.HeldOut {
			c.packages[p.Kind+" "+p.Name] = true
			if !strings.HasSuffix(p.Kind, "-std") { // fmt is also a C++ library
				c.simple[simplePackage(p.Name)] = true
			}
		}
	}
	names, err := os.ReadFile(filepath.Join(folder, corpusRepositories))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	for name := range strings.FieldsSeq(string(names)) {
		c.repositories[strings.ToLower(name)] = true
	}
	if err := c.addQuestions(filepath.Join(folder, corpusQuestions)); err != nil {
		return c, err
	}
	c.bits, err = readFingerprints(filepath.Join(folder, corpusFingerprints))
	return c, err
}

// addQuestions adds the packages that the weights were fitted on questions about.
func (c *Corpus) addQuestions(file string) error {
	sets, err := ReadQuestions(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, s := range sets {
		if r, err := sources.ParseRelease(s.Package); err == nil { // ReadQuestions has complained
			c.packages[r.Kind+" "+r.Name] = true
			c.simple[simplePackage(r.Name)] = true
		}
	}
	return err
}

const fingerprintMagic = "PITHFP1\n"

func readFingerprints(file string) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	bits, ok := bytes.CutPrefix(raw, []byte(fingerprintMagic))
	if !ok || len(bits) == 0 {
		return nil, fmt.Errorf("%s: no fingerprints of this version; make them again with training.fingerprints", file)
	}
	return bits, nil
}

// vague are last parts of package names that say nothing about a repository.
var vague = []string{
	"core", "common", "client", "server", "sdk", "api", "utils", "node", "runtime", "parse", "exp",
	"tools", "text", "net",
}

var versionTail = regexp.MustCompile(`(/v\d+|[-.]?\d+)$`)

// simplePackage is the last part of a package's name, without version: gin, commons-lang, otel.
func simplePackage(name string) string {
	name = versionTail.ReplaceAllString(strings.ToLower(name), "")
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(name, ":", "/")), ".js")
}

// named returns the name of the corpus that a repository has, "" where it has none. A repository is
// "gin", or "registry name@version".
func (c Corpus) named(repo string) string {
	kind, rest, isPackage := strings.Cut(repo, " ")
	if isPackage {
		if at := strings.LastIndex(rest, "@"); at > 0 {
			rest = rest[:at]
		}
		if c.packages[kind+" "+rest] {
			return kind + " " + rest
		}
	} else {
		rest = kind
	}
	simple := simplePackage(rest)
	switch {
	case c.repositories[strings.ToLower(rest)] || c.repositories[simple]:
		return "repository " + simple
	case !isPackage && c.simple[simple] && !slices.Contains(vague, simple):
		return "package " + simple
	}
	return ""
}

// Check looks up every repository of the cases.
func (c Corpus) Check(cases []Case) []Suspect {
	seen := make(map[string]map[[sha256.Size]byte]bool)
	for _, one := range cases {
		runs := seen[one.Repo]
		if runs == nil {
			runs = make(map[[sha256.Size]byte]bool)
			seen[one.Repo] = runs
		}
		for _, f := range one.Files {
			for _, m := range fingerprints([]byte(f.Content)) {
				runs[m] = true
			}
		}
	}
	var list []Suspect
	for repo, runs := range seen {
		s := Suspect{Repo: repo, Name: c.named(repo), Runs: len(runs)}
		for m := range runs {
			if c.has(m) {
				s.Shared++
			}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Suspect) int { return strings.Compare(a.Repo, b.Repo) })
	return list
}

// How training/fingerprints.py makes a fingerprint: the digest of six lines' letters, of one run in
// thirty-two.
const (
	runLines    = 6
	leastRun    = 60
	runSample   = 8
	bloomHashes = 6
)

var (
	notWord      = regexp.MustCompile(`[^A-Za-z0-9_]+`)
	commentSigns = [][]byte{[]byte("//"), []byte("#"), []byte("*"), []byte("/*")}
)

// fingerprints returns the digests of the sampled runs of a text's lines.
func fingerprints(text []byte) [][sha256.Size]byte {
	var lines [][]byte
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		line = bytes.Trim(line, " \t\n\r\v\f")
		isComment := slices.ContainsFunc(commentSigns, func(sign []byte) bool { return bytes.HasPrefix(line, sign) })
		if line = notWord.ReplaceAll(line, nil); len(line) > 0 && !isComment {
			lines = append(lines, line)
		}
	}
	var found [][sha256.Size]byte
	for i := 0; i+runLines <= len(lines); i++ {
		run := bytes.Join(lines[i:i+runLines], nil)
		if len(run) < leastRun {
			continue
		}
		if digest := sha256.Sum256(run); digest[16] < runSample {
			found = append(found, digest)
		}
	}
	return found
}

// has reports that the filter holds a digest.
func (c Corpus) has(digest [sha256.Size]byte) bool {
	if c.bits == nil {
		return false
	}
	start, step := binary.BigEndian.Uint64(digest[:8]), binary.BigEndian.Uint64(digest[8:16])|1
	for i := range uint64(bloomHashes) {
		place := (start + i*step) % uint64(len(c.bits)*8)
		if c.bits[place>>3]&(1<<(place&7)) == 0 {
			return false
		}
	}
	return true
}

// CleanReport lists what was found out about the repositories of a benchmark.
type CleanReport struct {
	Repositories []Suspect `json:"repositories"`
	// ByName reports that there were no fingerprints, so that only names were compared.
	ByName bool `json:"by_name"`
}

// Report checks the cases.
func (c Corpus) Report(cases []Case) CleanReport { return CleanReport{c.Check(cases), c.bits == nil} }

// Trained lists the names of the repositories that are part of the corpus.
func (r CleanReport) Trained() []string {
	var names []string
	for _, s := range r.Repositories {
		if s.Trained() {
			names = append(names, s.Repo)
		}
	}
	return names
}

// WriteText prints the report as a table.
func (r CleanReport) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "repository\truns\tshared\tverdict\n")
	for _, s := range r.Repositories {
		verdict := "clean"
		switch {
		case s.Name != "":
			verdict = "trained on, as " + s.Name
		case s.Trained():
			verdict = "trained on, by content"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", s.Repo, s.Runs, s.Shared, verdict)
	}
	if r.ByName {
		fmt.Fprintln(t, "names only: there are no fingerprints of the corpus")
	}
	return t.Flush()
}
