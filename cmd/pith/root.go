package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pith/configs"
)

// A usageError is a mistake in the command line; run exits with 2 for it.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func exitStatus(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

// release is the version that a release build sets by -ldflags "-X main.release=v1.2.3".
var release string

// version is the release's, or the module's, which the toolchain takes from the tag or the commit
// that it builds.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func rootCommand() *cobra.Command {
	root := group(&cobra.Command{
		Use:           "pith",
		Short:         "A proxy in front of LLM APIs that keeps the pith of a prompt",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if cmd.Name() == "serve" { // which has a log
				return
			}
			for _, line := range configs.Unknown(os.Environ()) {
				fmt.Fprintln(cmd.ErrOrStderr(), "pith: warning:", line)
			}
		},
	}, serveCommand(), topCommand(), compressCommand(), explainCommand(), mcpCommand(), indexCommand(), doctorCommand(),
		configCommand(), modelCommand(), benchCommand(), evolveCommand(), keyCommand(), wrapCommand(), manualCommand())
	root.SetFlagErrorFunc(flagError)
	return root
}

// group makes a command of the commands under it: alone it shows its help, and a name that it does
// not know is a mistake.
func group(cmd *cobra.Command, under ...*cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
		}
		return usagef("unknown command %q%s; `%s --help` lists them",
			strings.TrimPrefix(cmd.CommandPath()+" "+args[0], "pith "), hint, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(under...)
	return cmd
}

// wanted says what a flag of a type takes.
var wanted = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, 0 or more",
	"float64": "a number such as 0.25", "float64Slice": "numbers such as 2,5.6",
	"duration": "a duration such as 800ms, 2s or 24h", "bool": "true or false",
	"size": "a size such as 64MiB (B, KiB, MiB or GiB) or a number of bytes",
}

// flagError says what is wrong with a flag in our words: the parser's speak of Go's functions.
func flagError(cmd *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if want := wanted[bad.GetFlag().Value.Type()]; want != "" {
			err = fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
		}
	}
	return usagef("%w; see `%s --help`", err, cmd.CommandPath())
}
