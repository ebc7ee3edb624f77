package benchmarks

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/bench/fleet"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/gateway"
)

func fleetCommand() *cobra.Command {
	var flags commonFlags
	var measure fleet.Fleet
	cmd := &cobra.Command{
		Use: "fleet",
		Short: "Run several Pith processes on one Redis under load; kill, add and restart them, and have the " +
			"Redis fail over",
		Long: `Start replicas of this program and real Redis servers on loopback. Measured are: how many
blocks are known with 1, 2 and more replicas, with and without Redis; what Redis does for a request,
against a model on paper, which then computes 100 replicas at 10,000 requests a second; how exactly
an allowance holds over all replicas; whether it does, answers are lost and older turns change while
replicas are killed, added and restarted and the Redis fails over by its sentinels; and how throughput of new
code grows from one to two processes with a remote scorer that is not the limit.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if _, err := flags.load(); err != nil {
				return err
			}
			if measure.Pith, err = os.Executable(); err != nil {
				return err
			}
			if measure.Redis, err = findRedis(measure.Redis); err != nil {
				return err
			}
			for i := range measure.Keys {
				measure.Keys[i] = gateway.NewKey()
				hash := gateway.HashKey(measure.Keys[i])
				measure.Hashes[i] = wiring.HashScheme + hex.EncodeToString(hash[:])
			}
			measure.Progress = phases(cmd)
			report, err := measure.Run(cmd.Context())
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), report)
		},
	}
	flags.addCommon(cmd, "text or json")
	cmd.Flags().StringVar(&measure.Redis, "redis-server", "", "redis-server or valkey-server (default: the one "+
		"in the PATH, or what scripts/fetch-redis left)")
	cmd.Flags().IntVar(&measure.Replicas, "replicas", 4, "processes that share the load")
	cmd.Flags().IntVar(&measure.Clients, "clients", 8, "conversations at the same time")
	cmd.Flags().IntVar(&measure.Turns, "turns", 6, "turns of each, every one with new code")
	cmd.Flags().IntVar(&measure.Seconds, "seconds", 20, "how long the allowance and the throughput are measured")
	return cmd
}

// findRedis returns the server's program.
func findRedis(given string) (string, error) {
	for _, name := range []string{given, os.Getenv("PITH_REDIS_SERVER"), "redis-server", filepath.Join(".deps",
		"redis", "redis-server")} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", cli.Usagef("no redis-server: run scripts/fetch-redis, or name one with --redis-server")
}
