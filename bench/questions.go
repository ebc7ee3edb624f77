package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pith/bench/sources"
	"pith/compress"
	"pith/internal/textfile"
)

// A QuestionSet is files of one package with questions about them that a person wrote, who found by
// reading which functions an answer needs.
type QuestionSet struct {
	// Package is registry, name and version: "go github.com/hashicorp/yamux@v0.1.2".
	Package   string     `json:"package"`
	Language  string     `json:"lang"`
	Files     []string   `json:"files"`
	Questions []Question `json:"questions"`
}

// A Question asks, and says what an answer needs.
type Question struct {
	Ask string `json:"ask"`
	// Words is "code" where the question speaks in the words of the code that it needs, or else
	// "other".
	Words string `json:"words"`
	// Needed are "file function" or, where a file has several of the name, "file function@line".
	Needed []string `json:"needed"`
}

// ReadQuestions reads a file of questions. An error names what is wrong with which of them.
func ReadQuestions(file string) ([]QuestionSet, error) {
	raw, err := textfile.Read(file, longestCase)
	if err != nil {
		return nil, err
	}
	var sets []QuestionSet
	if err := json.Unmarshal(raw, &sets); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var errs []error
	for _, s := range sets {
		if _, err := sources.ParseRelease(s.Package); err != nil {
			errs = append(errs, err)
		}
		if len(s.Files) == 0 {
			errs = append(errs, fmt.Errorf("%s: no files", s.Package))
		}
		for _, q := range s.Questions {
			if q.Ask == "" || len(q.Needed) == 0 || q.Words != "code" && q.Words != "other" {
				errs = append(
					errs, fmt.Errorf(`%s: %q wants a question, needed functions, and "code" or "other" for words`,
						s.Package, q.Ask))
			}
		}
	}
	if len(sets) == 0 {
		errs = append(errs, errors.New("no questions"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return sets, nil
}

// QuestionCases makes a case of each question, from packages below the cache folder; those that are
// not there yet are fetched through the registries' own clients.
func QuestionCases(ctx context.Context, sets []QuestionSet, cache string, splitter compress.Splitter) ([]Case, error) {
	var cases []Case
	for _, s := range sets {
		folder, err := sources.FetchRelease(ctx, s.Package, cache)
		if err != nil {
			return nil, fmt.Errorf("fetch %s: %w", s.Package, err)
		}
		made, err := s.cases(ctx, folder, splitter)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Package, err)
		}
		cases = append(cases, made...)
	}
	return cases, nil
}

func (s QuestionSet) cases(ctx context.Context, folder string, splitter compress.Splitter) ([]Case, error) {
	var files []compress.File
	functions := make(map[string][]Function)
	for _, name := range s.Files {
		raw, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		text := strings.ReplaceAll(string(raw), "\r\n", "\n")
		parsed, err := splitter.Parse(ctx, name, []byte(text))
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		files = append(files, compress.File{Path: name, Content: text})
		functions[name] = functionsOf(parsed, strings.Split(text, "\n"))
	}
	var cases []Case
	for i, q := range s.Questions {
		c := Case{
			Repo: s.Package, Language: s.Language, Commit: strconv.Itoa(i + 1), Query: q.Ask,
			Named: q.Words == "code", Files: files,
		}
		for _, needed := range q.Needed {
			f, err := findFunction(functions, needed)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", q.Ask, err)
			}
			c.Needed = append(c.Needed, f)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// findFunction finds "file function" or "file function@line" among a set's functions.
func findFunction(functions map[string][]Function, needed string) (Function, error) {
	file, name, _ := strings.Cut(needed, " ")
	name, at, placed := strings.Cut(name, "@")
	line := 0
	if placed {
		var err error
		if line, err = strconv.Atoi(at); err != nil {
			return Function{}, fmt.Errorf("needed %q: want a line behind the @", needed)
		}
	}
	var found []Function
	for _, f := range functions[file] {
		if f.Name == name && (line == 0 || f.Start <= line && line <= f.End) {
			f.Path = file
			found = append(found, f)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Function{}, fmt.Errorf("needed %q: no such function", needed)
	}
	return Function{}, fmt.Errorf("needed %q: %d functions of that name; add @line, such as @%d", needed,
		len(found), found[0].Start)
}
