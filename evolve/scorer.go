package evolve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A ScorerSpec says how a written answer is judged.
type ScorerSpec struct {
	// Type is exact, last_number, regex, contains, parses, command or likelihood.
	//
	//	exact       the answer, white space trimmed, equals the reference
	//	last_number the last number in the answer equals the last in the reference; thousands
	//	            separators are ignored
	//	regex       Pattern matches the answer
	//	contains    the answer holds the reference
	//	parses      the answer, or its first fenced block, is code of Language without errors
	//	command     Command prints a number from 0 to 1; it reads {"output","answer","fields"} on
	//	            standard input
	//	likelihood  nothing is written: how probable the reference is after the prompt, per byte
	//	            (needs an LM)
	Type     string   `yaml:"type"`
	Pattern  string   `yaml:"pattern"`
	Language string   `yaml:"language"`
	Command  []string `yaml:"command"`
}

// A SyntaxChecker says whether code is free of syntax errors.
type SyntaxChecker interface {
	Parses(ctx context.Context, language, code string) (bool, error)
}

// A Scorer judges a written answer from 0 to 1.
type Scorer func(ctx context.Context, output string, ex Example) (float64, error)

// likelihood is the scorer that needs no written answer.
const likelihood = "likelihood"

func (s ScorerSpec) check() error {
	switch s.Type {
	case "exact", "last_number", "contains", likelihood:
		return nil
	case "regex":
		if _, err := regexp.Compile(s.Pattern); err != nil || s.Pattern == "" {
			return fmt.Errorf("scorer regex needs a valid pattern, not %q", s.Pattern)
		}
		return nil
	case "parses":
		if s.Language == "" {
			return errors.New("scorer parses needs a language")
		}
		return nil
	case "command":
		if len(s.Command) == 0 {
			return errors.New("scorer command needs a command")
		}
		return nil
	case "":
		return errors.New("a task needs labels or a scorer")
	}
	return fmt.Errorf("scorer type %q is not exact, last_number, regex, contains, parses, command "+
		"or likelihood", s.Type)
}

func (s ScorerSpec) needsAnswer() bool {
	return s.Type == "exact" || s.Type == "last_number" || s.Type == "contains" || s.Type == likelihood
}

// Scorer builds the judge. syntax is needed for parses only.
func (s ScorerSpec) Scorer(syntax SyntaxChecker) (Scorer, error) {
	switch s.Type {
	case "exact":
		return yesNo(
			func(out string, ex Example) bool { return strings.TrimSpace(out) == strings.TrimSpace(ex.Answer) }), nil
	case "contains":
		return yesNo(func(out string, ex Example) bool { return strings.Contains(out, ex.Answer) }), nil
	case "last_number":
		return yesNo(func(out string, ex Example) bool {
			got, ok := lastNumber(out)
			want, has := lastNumber(ex.Answer)
			return ok && has && got == want
		}), nil
	case "regex":
		re, err := regexp.Compile(s.Pattern)
		if err != nil {
			return nil, fmt.Errorf("scorer regex: %w", err)
		}
		return yesNo(func(out string, _ Example) bool { return re.MatchString(out) }), nil
	case "parses":
		if syntax == nil {
			return nil, errors.New("scorer parses: no syntax checker at hand")
		}
		return s.parses(syntax), nil
	case "command":
		return s.command, nil
	}
	return nil, fmt.Errorf("scorer %q judges no written answers", s.Type)
}

func yesNo(judge func(output string, ex Example) bool) Scorer {
	return func(_ context.Context, output string, ex Example) (float64, error) {
		if judge(output, ex) {
			return 1, nil
		}
		return 0, nil
	}
}

var number = regexp.MustCompile(`[-+]?\d[\d,]*(?:\.\d+)?`)

// lastNumber returns the last number of a text as a value, so that 1,200.0 and 1200 agree.
func lastNumber(text string) (float64, bool) {
	all := number.FindAllString(text, -1)
	if len(all) == 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(all[len(all)-1], ",", ""), 64)
	return v, err == nil
}

var fence = regexp.MustCompile("(?s)```[^\n]*\n(.*?)```")

func (s ScorerSpec) parses(syntax SyntaxChecker) Scorer {
	return func(ctx context.Context, output string, _ Example) (float64, error) {
		code := output
		if m := fence.FindStringSubmatch(output); m != nil {
			code = m[1]
		}
		if strings.TrimSpace(code) == "" {
			return 0, nil // nothing parses, but nothing was written either
		}
		ok, err := syntax.Parses(ctx, s.Language, code)
		if err != nil || !ok {
			return 0, err
		}
		return 1, nil
	}
}

// commandTimeout ends a judge that hangs.
const commandTimeout = 30 * time.Second

func (s ScorerSpec) command(ctx context.Context, output string, ex Example) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	in, err := json.Marshal(struct {
		Output string            `json:"output"`
		Answer string            `json:"answer"`
		Fields map[string]string `json:"fields"`
	}{output, ex.Answer, ex.Fields})
	if err != nil {
		return 0, fmt.Errorf("scorer command: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Stdin = bytes.NewReader(in)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("scorer command %s: %w: %s", s.Command[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	score, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || !(score >= 0 && score <= 1) {
		return 0, fmt.Errorf("scorer command %s printed %q, want a number from 0 to 1", s.Command[0], out)
	}
	return score, nil
}
