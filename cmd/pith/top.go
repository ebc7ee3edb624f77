package main

import (
	"os"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
)

func topCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "top [URL]",
		Short: "Show what a running Pith does, live",
		Long: `Show in the terminal what the dashboard of a running Pith shows: what is saved, decisions by
reason, the state of what it stands on, and the last requests. URL is the address of its admin
listener, with the token in PITH_ADMIN_TOKEN, or the link that pith serve --dashboard prints.
Without one it is PITH_ADMIN_LISTEN.`,
		Example: `  PITH_ADMIN_TOKEN=… pith top http://127.0.0.1:9484
  pith top --once http://127.0.0.1:9484`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cli.Usagef("want one URL, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at := ""
			if listen := os.Getenv("PITH_ADMIN_LISTEN"); listen != "" {
				at = "http://" + listen
			}
			if len(args) > 0 {
				at = args[0]
			}
			if at == "" {
				return cli.Usagef(
					"want the address of an admin listener (admin.listen), or the link that " +
						"pith serve --dashboard prints",
				)
			}
			return wiring.Top(cmd.Context(), cmd.OutOrStdout(), at, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "print the state once and end")
	return cmd
}
