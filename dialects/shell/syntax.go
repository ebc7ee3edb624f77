package shell

import (
	"regexp"
	"strings"
)

// A simpleCommand is one program with its words, without redirections.
type simpleCommand struct {
	words []string
	// pipes says that its output goes into the next command, either that it runs where the one
	// before failed.
	pipes, either bool
	// input is the file that it reads by redirection.
	input string
}

// splitShell cuts a command line into its commands. ok is false for what is not plain: expansions,
// globs, substitutions, output into files, loops.
func splitShell(line string) (list []simpleCommand, ok bool) {
	s := shellReader{rest: strings.TrimSpace(line)}
	for s.ok = true; s.ok && s.rest != ""; {
		s.next()
	}
	s.end()
	return s.list, s.ok && len(s.list) > 0
}

// A shellReader reads a command line from left to right.
type shellReader struct {
	rest string
	ok   bool
	list []simpleCommand
	now  simpleCommand
	// word is what is being read; begun tells an empty word from none.
	word   strings.Builder
	begun  bool
	target bool // the next word is a file for input
	words  int  // of all commands
}

func (s *shellReader) next() {
	c := s.rest[0]
	switch {
	case c == '\'' || c == '"':
		s.quoted(c)
	case c == '\\' && len(s.rest) > 1:
		if s.rest[1] != '\n' {
			s.put(s.rest[1:2])
		}
		s.rest = s.rest[2:]
	case strings.IndexByte("$`*?{}()[!", c) >= 0:
		s.ok = false
	case c == '#' && !s.begun: // a comment
		end := strings.IndexByte(s.rest, '\n')
		if end < 0 {
			end = len(s.rest)
		}
		s.rest = s.rest[end:]
	case c == ' ' || c == '\t':
		s.endWord()
		s.rest = strings.TrimLeft(s.rest, " \t")
	case strings.IndexByte(";|&\n", c) >= 0:
		s.operator()
	case c == '<' || c == '>':
		s.redirect()
	default:
		n := strings.IndexAny(s.rest[1:], "'\"\\$`*?{}()[! \t;|&\n<>") + 1
		if n == 0 {
			n = len(s.rest)
		}
		s.put(s.rest[:n])
		s.rest = s.rest[n:]
	}
}

func (s *shellReader) put(text string) {
	s.word.WriteString(text)
	s.begun = true
}

func (s *shellReader) quoted(quote byte) {
	end := strings.IndexByte(s.rest[1:], quote)
	if end < 0 || quote == '"' && strings.ContainsAny(s.rest[1:1+end], "$`\\") {
		s.ok = false
		return
	}
	s.put(s.rest[1 : 1+end])
	s.rest = s.rest[end+2:]
}

func (s *shellReader) operator() {
	s.endWord()
	switch {
	case strings.HasPrefix(s.rest, "||"):
		s.end()
		s.now.either = true
		s.rest = s.rest[2:]
	case strings.HasPrefix(s.rest, "|&"),
		strings.HasPrefix(s.rest, "&") && !strings.HasPrefix(s.rest, "&&") && !strings.HasPrefix(s.rest, "&>"):
		s.ok = false
	case strings.HasPrefix(s.rest, "&>"):
		s.redirect()
		return
	case s.rest[0] == '|':
		s.now.pipes = true
		s.end()
		s.rest = s.rest[1:]
	default:
		s.end()
		s.rest = strings.TrimLeft(s.rest, ";&\n")
	}
	s.rest = strings.TrimLeft(s.rest, " \t\n")
}

// MaxWords bounds a command line that is taken apart: nobody prints so many files to see each.
const MaxWords = 200

// longestRedirection is enough of a line to read a redirection that is plain.
const longestRedirection = 64

var redirection = regexp.MustCompile(`^(?:\d?>>?\s*/dev/null|&>\s*/dev/null|\d?>&\d)`)

// redirect reads a redirection: errors into nothing or into the output, or a file for input.
func (s *shellReader) redirect() {
	number := ""
	if s.begun && (s.word.String() == "2" || s.word.String() == "1") { // before it
		number = s.word.String()
		s.word.Reset()
		s.begun = false
	}
	head := number + s.rest[:min(len(s.rest), longestRedirection)]
	if m := redirection.FindString(head); m != "" && !strings.HasPrefix(m, ">") && !strings.HasPrefix(m, "1>") &&
		!strings.HasPrefix(m, "&>") {
		s.endWord()
		s.rest = s.rest[len(m)-len(number):]
		return
	}
	if number != "" || s.rest[0] != '<' || strings.HasPrefix(s.rest, "<<") || strings.HasPrefix(s.rest, "<(") {
		s.ok = false
		return
	}
	s.endWord()
	s.target = true
	s.rest = strings.TrimLeft(s.rest[1:], " \t")
}

func (s *shellReader) endWord() {
	if !s.begun {
		return
	}
	if s.words++; s.words > MaxWords {
		s.ok = false
	}
	if s.target {
		s.now.input, s.target = s.word.String(), false
	} else {
		s.now.words = append(s.now.words, s.word.String())
	}
	s.word.Reset()
	s.begun = false
}

// end ends a command.
func (s *shellReader) end() {
	s.endWord()
	if len(s.now.words) > 0 {
		s.list = append(s.list, s.now)
	}
	s.now = simpleCommand{}
}
