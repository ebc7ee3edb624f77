package dialects

import (
	"regexp"
	"strconv"
	"strings"
)

// A print is a piece of what a shell command prints.
type print struct {
	// path is the file printed; literal is a line printed where it is empty.
	path, literal string
	// below is the number of lines that tell nothing of whether all of the file was printed; zero: all of it is.
	below int
	// headed says that the program writes its own heading above the file: "==> a.go <==".
	headed bool
}

// A simpleCommand is one program with its words, without redirections.
type simpleCommand struct {
	words []string
	// pipes says that its output goes into the next command, either that it runs where the one before failed.
	pipes, either bool
	// input is the file that it reads by redirection.
	input string
}

// splitShell cuts a command line into its commands. ok is false for what is not plain: expansions, globs, substitutions, output
// into files, loops.
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
		s.rest = s.rest[max(0, strings.IndexByte(s.rest+"\n", '\n')):]
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
	case strings.HasPrefix(s.rest, "|&"), strings.HasPrefix(s.rest, "&") && !strings.HasPrefix(s.rest, "&&") && !strings.HasPrefix(s.rest, "&>"):
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

var redirection = regexp.MustCompile(`^(?:\d?>>?\s*/dev/null|&>\s*/dev/null|\d?>&\d)`)

// redirect reads a redirection: errors into nothing or into the output, or a file for input.
func (s *shellReader) redirect() {
	if s.begun && (s.word.String() == "2" || s.word.String() == "1") { // the number before it
		s.rest = s.word.String() + s.rest
		s.word.Reset()
		s.begun = false
	}
	if m := redirection.FindString(s.rest); m != "" && !strings.HasPrefix(m, ">") && !strings.HasPrefix(m, "1>") && !strings.HasPrefix(m, "&>") {
		s.endWord()
		s.rest = s.rest[len(m):]
		return
	}
	if s.rest[0] != '<' || strings.HasPrefix(s.rest, "<<") || strings.HasPrefix(s.rest, "<(") {
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

// shellPrints reads what a command line prints, where that is files and literal lines and nothing else. files lists the files that
// it reads in any case.
func shellPrints(line string) (prints []print, files []string, ok bool) {
	list, ok := splitShell(line)
	if !ok {
		return nil, nil, false
	}
	sure := true
	for i := 0; i < len(list); i++ {
		c := list[i]
		instead := c.either && len(prints) > 0 // runs where a file is not there
		out, known := c.prints()
		for c.pipes && i+1 < len(list) {
			i++
			c = list[i]
			known = filter(out, c) && known
		}
		for _, p := range out {
			if p.path != "" {
				files = append(files, p.path)
			}
		}
		sure = sure && known
		if !instead {
			prints = append(prints, out...)
		}
	}
	return prints, files, sure && len(files) > 0
}

// prints reads one command. known is false where it prints something else, or a part.
func (c simpleCommand) prints() (out []print, known bool) {
	name, args := c.words[0], c.words[1:]
	switch name {
	case "cd", "true", ":", "set", "test":
		return nil, true
	case "echo", "printf":
		text := strings.Join(args, " ")
		if name == "printf" {
			text = strings.TrimSuffix(text, `\n`)
		}
		return []print{{literal: text}}, !strings.HasPrefix(text, "-e") && !strings.HasPrefix(text, "-n") && !strings.ContainsAny(text, `\%`) && strings.TrimSpace(text) != ""
	case "bash", "sh", "zsh":
		if len(args) == 2 && (args[0] == "-c" || args[0] == "-lc") {
			out, _, known = shellPrints(args[1])
			return out, known
		}
	case "git":
		return gitPrints(args)
	case "sed", "head", "tail", "awk", "grep":
		files, below, known := printsPart(name, args)
		if c.input != "" {
			files = append(files, c.input)
		}
		return printAll(files, below, len(files) > 1 && (name == "head" || name == "tail")), known && len(files) > 0
	case "cat", "nl", "bat", "batcat", "less", "more", "type", "gc", "Get-Content":
		files, known := catArguments(name, args)
		if c.input != "" {
			files = append(files, c.input)
		}
		return printAll(files, 0, false), known && len(files) > 0
	}
	return nil, false
}

func printAll(files []string, below int, headed bool) (out []print) {
	for _, file := range files {
		out = append(out, print{path: file, below: below, headed: headed})
	}
	return out
}

// catArguments splits the arguments of a program that prints files whole. known is false where a flag changes the lines.
func catArguments(name string, args []string) (files []string, known bool) {
	known = true
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return append(files, args[i+1:]...), known
		case a == "-" || !strings.HasPrefix(a, "-"):
			files = append(files, a)
		case name == "nl" && len(a) == 2 && strings.Contains("bwsnvilfhd", a[1:]):
			known = known && a != "-v" && a != "-i"
			i++
		case name == "cat":
			known = known && (strings.Trim(a, "-nu") == "" || a == "--number")
		case name == "gc" || name == "Get-Content":
			known = known && strings.EqualFold(a, "-raw") || strings.EqualFold(a, "-path")
		}
	}
	return files, known
}

var (
	sedRange   = regexp.MustCompile(`^(?:(\d+)?(?:,(\d+|\$))?)p(?:;\s*\d+q)?$`)
	awkAll     = regexp.MustCompile(`^\s*(?:1|\{\s*print(?:\s+\$0)?\s*;?\s*\}|\{\s*printf?\W.*\bF?NR\b.*\$0\s*\)?;?\s*\})\s*$`)
	headNumber = regexp.MustCompile(`^(?:-n|--lines=?)?-?(\d+)$`)
)

// printsPart reads the arguments of a program that prints parts of files. below is how many lines it prints at most.
func printsPart(name string, args []string) (files []string, below int, known bool) {
	switch name {
	case "head", "tail":
		return headPart(name, args)
	case "sed":
		script := ""
		quiet := false
		for _, a := range args {
			switch {
			case a == "-n" || a == "--quiet" || a == "-ne":
				quiet = true
			case a == "-e" || a == "-E" || a == "-r":
			case script == "":
				script = a
			default:
				files = append(files, a)
			}
		}
		m := sedRange.FindStringSubmatch(script)
		if m == nil || !quiet {
			return files, 0, false
		}
		if m[2] != "" && m[2] != "$" {
			below, _ = strconv.Atoi(m[2])
		}
		return files, below, script == "p" || m[1] == "1" && m[2] != ""
	case "awk":
		if len(args) != 2 || !awkAll.MatchString(args[0]) {
			return nil, 0, false
		}
		return args[1:], 0, true
	default: // grep for anything, which prints all
		if len(args) == 3 && args[0] == "-n" {
			args = args[1:]
		}
		if len(args) != 2 || args[0] != "" && args[0] != "^" {
			return nil, 0, false
		}
		return args[1:], 0, true
	}
}

func headPart(name string, args []string) (files []string, below int, known bool) {
	below, known = 10, name == "head"
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "-n" && i+1 < len(args):
			i++
			a = "-n" + args[i]
			fallthrough
		case strings.HasPrefix(a, "-") || strings.HasPrefix(a, "+"):
			from := strings.TrimPrefix(strings.TrimPrefix(a, "-n"), "--lines=")
			m := headNumber.FindStringSubmatch(a)
			switch {
			case name == "tail" && from == "+1":
				below, known = 0, true
			case name == "head" && m != nil && !strings.HasPrefix(from, "--"):
				below, _ = strconv.Atoi(m[1])
			default:
				known = false
			}
		default:
			files = append(files, a)
		}
	}
	return files, below, known
}

// gitPrints reads git show REV:FILE and its like.
func gitPrints(args []string) (out []print, known bool) {
	for len(args) > 0 && (args[0] == "--no-pager" || args[0] == "-P") {
		args = args[1:]
	}
	if len(args) > 2 && args[0] == "-C" {
		args = args[2:]
	}
	switch {
	case len(args) == 2 && args[0] == "show", len(args) == 3 && args[0] == "cat-file" && (args[1] == "-p" || args[1] == "blob"):
		_, file, ok := strings.Cut(args[len(args)-1], ":")
		if ok && file != "" {
			return []print{{path: strings.TrimPrefix(file, "./")}}, true
		}
	}
	return nil, false
}

// filter applies a program at the end of a pipe to what goes into it. It returns false where the output is not the files'.
func filter(out []print, c simpleCommand) bool {
	name, args := c.words[0], c.words[1:]
	below := 0
	switch name {
	case "cat", "nl", "less", "more":
		files, known := catArguments(name, args)
		return known && (len(files) == 0 || len(files) == 1 && files[0] == "-")
	case "head", "tail", "sed":
		files, n, known := printsPart(name, args)
		if !known || len(files) > 0 {
			return false
		}
		below = n
	default:
		return false
	}
	if below > 0 && len(out) != 1 {
		return false
	}
	for i := range out {
		if below > 0 && (out[i].below == 0 || below < out[i].below) {
			out[i].below = below
		}
	}
	return true
}

// section is the lines that one file's print left in a command's output.
type section struct {
	lines []textLine
	print print
}

// sections shares a command's output out over the files that it prints. ok is false where it cannot be told where one file ends
// and the next begins.
func sections(lines []textLine, prints []print) (list []section, ok bool) {
	if len(prints) == 1 {
		return []section{{lines, prints[0]}}, true
	}
	if list, ok := restarts(lines, prints); ok {
		return list, true
	}
	at, open := 0, -1
	for _, p := range prints {
		mark := p.literal
		if p.headed {
			mark = "==> " + p.path + " <=="
		}
		if mark == "" {
			if open >= 0 {
				return nil, false
			}
			open = len(list)
			list = append(list, section{print: p})
			continue
		}
		i := onlyLine(lines, mark)
		if i < at {
			return nil, false
		}
		if open >= 0 {
			end := i
			if p.headed && end > at && lines[end-1].text == "" {
				end--
			}
			list[open].lines, open = lines[at:end], -1
		} else if i != at {
			return nil, false
		}
		at = i + 1
		if p.path != "" {
			open = len(list)
			list = append(list, section{print: p})
		}
	}
	if open >= 0 {
		list[open].lines = lines[at:]
	} else if at != len(lines) {
		return nil, false
	}
	return list, true
}

// restarts shares out files whose numbers begin anew with each: cat -n a.go; cat -n b.go.
func restarts(lines []textLine, prints []print) (list []section, ok bool) {
	runs := numberedRuns(lines)
	if len(runs) != len(prints) {
		return nil, false
	}
	at := 0
	for i, run := range runs {
		if run.start != at || run.first != 1 || prints[i].path == "" {
			return nil, false
		}
		list = append(list, section{lines[run.start:run.end], prints[i]})
		at = run.end
	}
	return list, at == len(lines)
}

// onlyLine returns the index of the one line that reads text, or -1.
func onlyLine(lines []textLine, text string) int {
	at := -1
	for i := range lines {
		if strings.TrimRight(lines[i].text, "\r") == text {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}
