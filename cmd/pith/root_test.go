package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
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
