// Package cli is what all commands share: mistakes in the command line, groups, figures and bars on
// a terminal.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A usageError is a mistake in the command line; run exits with 2 for it.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// Usage makes an error a mistake in the command line.
func Usage(err error) error { return usageError{err} }

// Usagef is fmt.Errorf for mistakes in the command line.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// ExitStatus is what a process ends with for err.
func ExitStatus(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

// Group makes a command of the commands under it: alone it shows its help, and a name that it does
// not know is a mistake.
func Group(cmd *cobra.Command, under ...*cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
		}
		return Usagef("unknown command %q%s; `%s --help` lists them",
			strings.TrimPrefix(cmd.CommandPath()+" "+args[0], "pith "), hint, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(under...)
	return cmd
}

// Help is the command that shows what another does. A name that is none is a mistake.
func Help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show what a command does",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if asked.HasSubCommands() {
				if err := asked.ValidateArgs(rest); err != nil {
					return err
				}
			}
			return asked.Help()
		},
	}
}

// wanted says what a flag of a type takes.
var wanted = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, 0 or more",
	"float64": "a number such as 0.25", "float64Slice": "numbers such as 2,5.6",
	"duration": "a duration such as 800ms, 2s or 24h", "bool": "true or false",
	"size": "a size such as 64MiB (B, KiB, MiB or GiB) or a number of bytes",
}

// FlagError says what is wrong with a flag in our words: the parser's speak of Go's functions.
func FlagError(cmd *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if want := wanted[bad.GetFlag().Value.Type()]; want != "" {
			err = fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
		}
	}
	return Usagef("%w; see `%s --help`", err, cmd.CommandPath())
}

// Ratios adds the flag --ratios, whose help shows the standard ones as one would write them.
func Ratios(f *pflag.FlagSet, ratios *[]float64, standard []float64, usage string) {
	f.Float64SliceVar(ratios, "ratios", standard, usage)
	shown := make([]string, len(standard))
	for i, ratio := range standard {
		shown[i] = strconv.FormatFloat(ratio, 'g', -1, 64)
	}
	f.Lookup("ratios").DefValue = strings.Join(shown, ",")
}

// NoArguments refuses arguments.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// Exactly is cobra.ExactArgs with our exit status.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return Usagef("%s needs %s; see `%s --help`", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// AtMostOne is cobra.MaximumNArgs(1) with our exit status.
func AtMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return Usagef("%s takes one argument at most, got %q besides", cmd.CommandPath(), args[1])
	}
	return nil
}

// PrintAs writes v as JSON or lets text write it.
func PrintAs(w io.Writer, format string, v any, text func(io.Writer) error) error {
	switch format {
	case "text":
		return text(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	return Usagef("--format %q is neither text nor json", format)
}

// release is the version that a release build sets by -ldflags "-X
// pith/cmd/pith/cli.release=v1.2.3".
var release string

// Version is the release's, or the module's, which the toolchain takes from the tag or the commit
// that it builds.
func Version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
