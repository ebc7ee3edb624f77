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

	"pith/parsers"
)

func main() {
	// A parse worker is this binary run again by parsers.Pool; it must reach its loop before anything heavy starts.
	if len(os.Args) == 2 && os.Args[1] == parsers.WorkerArg {
		if err := parsers.ServeWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: it returns the exit status, 0 for success, 2 for wrong usage and 1 for the rest.
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
	fmt.Fprintln(errOut, "pith:", err)
	return exitStatus(err)
}
