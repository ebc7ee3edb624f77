package main

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/gateway"
)

func keyCommand() *cobra.Command {
	var name string
	create := &cobra.Command{
		Use:   "new",
		Short: "Make a key: print it once, and the lines for the configuration, which hold its hash only",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := gateway.NewKey()
			hash := gateway.HashKey(key)
			_, err := fmt.Fprintf(cmd.OutOrStdout(), `%s

# The line above is the key, for the client; it cannot be shown again. For the configuration:
keys:
  - name: %q
    hash: %s%s
`, key, name, wiring.HashScheme, hex.EncodeToString(hash[:]))
			return err
		},
	}
	create.Flags().StringVar(&name, "name", "a client", "whose key it is")
	return cli.Group(&cobra.Command{Use: "key", Short: "Virtual keys, by which Pith knows its clients"}, create)
}
