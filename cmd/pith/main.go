// Command pith is a proxy in front of LLM APIs that makes prompts smaller, and the tools around it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"pith/cmd/pith/cli"
	"pith/parsers/processes"
)

func main() {
	// A parse worker is this binary run again by processes.Pool; it must reach its loop before
	// anything heavy starts.
	if len(os.Args) == 2 && os.Args[1] == processes.WorkerArg {
		if err := processes.ServeWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// An interruption is the signal that ended the context of main.
type interruption struct{ signal os.Signal }

func (i interruption) Error() string { return i.signal.String() }

// status is what shells report for a process that a signal ended.
func (i interruption) status() int {
	if s, ok := i.signal.(syscall.Signal); ok {
		return 128 + int(s)
	}
	return 1
}

// untilSignal returns a context that ends with the first interrupt or SIGTERM. The second one ends
// the process, as it would have without us.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		signal.Stop(signals)
		cancel(interruption{s})
	}()
	return ctx
}

// run is the program: it returns the exit status, 0 for success, 2 for wrong usage, 128 and the
// signal's number for work that a signal ended, 1 for the rest.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	// Who interrupts knows that they did: only what is to be said beyond that is said.
	stopped, ended := errors.AsType[interruption](context.Cause(ctx))
	if !ended || !errors.Is(err, context.Canceled) && !errors.Is(err, stopped) {
		fmt.Fprintln(errOut, "pith:", err)
	}
	if ended {
		return stopped.status()
	}
	return cli.ExitStatus(err)
}
