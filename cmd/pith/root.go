package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pith/cmd/pith/benchmarks"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/models"
	"pith/cmd/pith/pruning"
	"pith/configs"
)

func rootCommand() *cobra.Command {
	root := cli.Group(&cobra.Command{
		Use:           "pith",
		Short:         "A proxy in front of LLM APIs that keeps the pith of a prompt",
		Version:       cli.Version(),
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
		configCommand(), models.Command(), benchmarks.Command(), pruning.Command(), keyCommand(),
		wrapCommand(), manualCommand())
	root.SetFlagErrorFunc(cli.FlagError)
	root.SetHelpCommand(cli.Help())
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cli.Group(cmd)
			for _, shell := range cmd.Commands() {
				shell.Args = cli.NoArguments
			}
		}
	}
	return root
}
