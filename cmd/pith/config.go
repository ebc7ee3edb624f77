package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/tokens"
)

func configCommand() *cobra.Command {
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a configuration, or what it changes",
		Long: `Read a configuration as ` + "`pith serve --config FILE`" + ` would, with the environment,
and every file that it names. Nothing is started, no server is asked. What differs from the
defaults is listed with the place where it was given.`,
		Args: cli.Exactly(1, "one configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := wiring.LoadConfig(args[0], wiring.Overrides{})
			if err != nil {
				return err
			}
			if err := checkNamed(cfg); err != nil {
				return cli.Usage(err)
			}
			return showChanges(cmd.OutOrStdout(), args[0], cfg)
		},
	}
	return cli.Group(&cobra.Command{Use: "config", Short: "Look at a configuration"}, check)
}

// checkNamed looks at the files and addresses that cfg names. (The folder of the model is looked
// for when cfg is loaded.)
func checkNamed(cfg configs.Config) error {
	var errs []error
	if _, err := loadCertificate(cfg.Server); err != nil {
		errs = append(errs, cfg.At("server.tls_cert", err))
	}
	if _, err := wiring.NewAccounting(cfg.Accounting, tokens.New()); err != nil {
		errs = append(errs, cfg.At("accounting.prices", err))
	}
	if cfg.Prompts.Dir != "" {
		if _, err := os.ReadDir(cfg.Prompts.Dir); err != nil {
			errs = append(errs, cfg.At("prompts.dir", err))
		}
	}
	if cfg.Cache.RedisURL != "" {
		redis, err := cache.NewRedis(
			cache.RedisOptions{URL: string(cfg.Cache.RedisURL), Secret: []byte(cfg.Cache.Secret)})
		if err == nil {
			err = redis.Close()
		}
		errs = append(errs, cfg.At("cache.redis_url", err))
	}
	return errors.Join(errs...)
}

func showChanges(w io.Writer, path string, cfg configs.Config) error {
	fmt.Fprintf(w, "%s: ok\n", path)
	defaults := configs.Default().Keys()
	for i, k := range cfg.Keys() {
		if k.Value != defaults[i].Value {
			fmt.Fprintf(w, "  %s: %s  (%s)\n", k.Path, k.Value, cfg.Place(k.Path))
		}
	}
	_, err := fmt.Fprintf(w, "  %d upstreams, %d keys\n", len(cfg.Upstreams), len(cfg.VirtualKeys))
	return err
}
