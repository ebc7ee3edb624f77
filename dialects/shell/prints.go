// Package shell reads command lines and says what they print: which files, whole or in part. It
// knows nothing of agents and runs nothing.
package shell

import (
	"regexp"
	"strconv"
	"strings"
)

// A Output is a piece of what a shell command prints.
type Output struct {
	// Path is the file printed; literal is a line printed where it is empty.
	Path, Literal string
	// Below is the number of lines that tell nothing of whether all of the file was printed; zero:
	// all of it is.
	Below int
	// Headed says that the program writes its own heading above the file: "==> a.go <==".
	Headed bool
}

// Prints reads what a command line prints, where that is files and literal lines and nothing
// else. files lists the files that it reads in any case.
func Prints(line string) (prints []Output, files []string, ok bool) {
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
			if p.Path != "" {
				files = append(files, p.Path)
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
func (c simpleCommand) prints() (out []Output, known bool) {
	name, args := c.words[0], c.words[1:]
	switch name {
	case "cd", "true", ":", "set", "test":
		return nil, true
	case "echo", "printf":
		text := strings.Join(args, " ")
		if name == "printf" {
			text = strings.TrimSuffix(text, `\n`)
		}
		return []Output{{Literal: text}}, !strings.HasPrefix(text, "-e") && !strings.HasPrefix(text, "-n") &&
			!strings.ContainsAny(text, `\%`) && strings.TrimSpace(text) != ""
	case "bash", "sh", "zsh":
		if len(args) == 2 && (args[0] == "-c" || args[0] == "-lc") {
			out, _, known = Prints(args[1])
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

func printAll(files []string, below int, headed bool) (out []Output) {
	for _, file := range files {
		out = append(out, Output{Path: file, Below: below, Headed: headed})
	}
	return out
}

// catArguments splits the arguments of a program that prints files whole. known is false where a
// flag changes the lines.
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
		case name == "bat" || name == "batcat":
			known = known && batPlain.MatchString(a)
		case name == "less" || name == "more":
			known = known && strings.Trim(a, "-NRSFX") == ""
		case name == "gc" || name == "Get-Content":
			known = known && strings.EqualFold(a, "-raw") || strings.EqualFold(a, "-path")
		}
	}
	return files, known
}

// batPlain are bat's flags that leave all lines as they are.
var batPlain = regexp.MustCompile(`^(?:-[pPnf]+|--(?:plain|number|no-pager|force-colorization)|` +
	`--(?:style|color|paging|theme|language|decorations|tabs)=\S+)$`)

var (
	sedRange = regexp.MustCompile(`^(?:(\d+)?(?:,(\d+|\$))?)p(?:;\s*\d+q)?$`)
	awkAll   = regexp.MustCompile(
		`^\s*(?:1|\{\s*print(?:\s+\$0)?\s*;?\s*\}|\{\s*printf?\W.*\bF?NR\b.*\$0\s*\)?;?\s*\})\s*$`)
	headNumber = regexp.MustCompile(`^(?:-n|--lines=?)?-?(\d+)$`)
)

// printsPart reads the arguments of a program that prints parts of files. below is how many lines
// it prints at most.
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
func gitPrints(args []string) (out []Output, known bool) {
	for len(args) > 0 && (args[0] == "--no-pager" || args[0] == "-P") {
		args = args[1:]
	}
	if len(args) > 2 && args[0] == "-C" {
		args = args[2:]
	}
	switch {
	case len(args) == 2 && args[0] == "show",
		len(args) == 3 && args[0] == "cat-file" && (args[1] == "-p" || args[1] == "blob"):
		_, file, ok := strings.Cut(args[len(args)-1], ":")
		if ok && file != "" {
			return []Output{{Path: strings.TrimPrefix(file, "./")}}, true
		}
	}
	return nil, false
}

// filter applies a program at the end of a pipe to what goes into it. It returns false where the
// output is not the files'.
func filter(out []Output, c simpleCommand) bool {
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
		if below > 0 && (out[i].Below == 0 || below < out[i].Below) {
			out[i].Below = below
		}
	}
	return true
}
