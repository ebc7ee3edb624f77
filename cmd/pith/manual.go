package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"pith/cmd/pith/cli"
)

// manualCommand is for those who build packages; `make man` calls it.
func manualCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   cli.Exactly(1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the date of the build would make each build another
			return doc.GenManTree(
				root, &doc.GenManHeader{Section: "1", Source: "Pith " + cli.Version(), Manual: "Pith"}, args[0])
		},
	}
}
