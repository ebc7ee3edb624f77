package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
)

func TestVersion(t *testing.T) {
	var out strings.Builder
	root := rootCommand()
	root.SetArgs([]string{"--version"})
	root.SetOut(&out)
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(out.String(), "pith version ") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// Arguments that a command does not take, and names that are none, are mistakes in the command
// line, told of in our words.
func TestArgumentsAreMistakes(t *testing.T) {
	commands := []*cobra.Command{rootCommand()}
	refused := 0
	for at := 0; at < len(commands); at++ {
		cmd := commands[at]
		commands = append(commands, cmd.Commands()...)
		if !cmd.Runnable() {
			continue
		}
		for _, args := range [][]string{nil, make([]string, 40)} {
			err := cmd.ValidateArgs(args)
			if err == nil {
				continue
			}
			refused++
			if cli.ExitStatus(err) != 2 || strings.Contains(err.Error(), "arg(s)") {
				t.Errorf("%s with %d arguments: status %d, %v", cmd.CommandPath(), len(args), cli.ExitStatus(err), err)
			}
		}
	}
	if refused < 40 {
		t.Errorf("%d were refused", refused)
	}
	for _, args := range []string{"completion tcsh", "completion bash zsh", "help frob", "model frob"} {
		root := rootCommand()
		root.SetArgs(strings.Fields(args))
		root.SetOut(io.Discard)
		if err := root.ExecuteContext(t.Context()); cli.ExitStatus(err) != 2 {
			t.Errorf("pith %s: %v, want a mistake in the command line", args, err)
		}
	}
}

// Flags are explained in words: no type of Go's, no default that nobody would write.
func TestHelpSpeaksNoGo(t *testing.T) {
	commands := []*cobra.Command{rootCommand()}
	for at := 0; at < len(commands); at++ {
		cmd := commands[at]
		commands = append(commands, cmd.Commands()...)
		usage := cmd.LocalFlags().FlagUsages()
		for _, word := range []string{"Slice", "[]", ".00000", "<nil>"} {
			if strings.Contains(usage, word) {
				t.Errorf("%s: %q in its help:\n%s", cmd.CommandPath(), word, usage)
			}
		}
		if cmd.Runnable() && cmd.Short == "" {
			t.Errorf("%s: nothing says what it does", cmd.CommandPath())
		}
	}
	if len(commands) < 30 {
		t.Errorf("looked at %d commands", len(commands))
	}
}
