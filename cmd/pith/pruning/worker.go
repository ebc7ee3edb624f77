package pruning

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/evolve"
	"pith/evolve/llm"
	"pith/evolve/workers"
)

// redisVariable names the Redis of distributed runs where no flag does; a URL with a password is
// better off there, for flags show in process lists.
const redisVariable = "PITH_EVOLVE_REDIS"

func redisURL(flag string) string {
	if flag != "" {
		return flag
	}
	return os.Getenv(redisVariable)
}

func workerCommand() *cobra.Command {
	var (
		backend     evolve.BackendSpec
		redis, conf string
		concurrency int
	)
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Evaluate prompts for runs on other machines",
		Long: "Evaluate prompts for runs on other machines: takes evaluations from a queue in Redis,\n" +
			"asks its own model and answers.\n\n" +
			"Start as many as there are GPUs or endpoints, and the run itself with --redis. \n" +
			"A worker needs neither task nor data, only the run's model; it may come\n" +
			"and go at any time. Prompts and answers lie in Redis unencrypted.",
		Example: "  pith evolve worker --redis redis://10.0.0.5:6379 --model-dir models/smol --device cuda:1\n" +
			"  pith evolve worker --redis redis://10.0.0.5:6379 --endpoint http://127.0.0.1:11434/v1 " +
			"--endpoint-model qwen2.5",
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			url := redisURL(redis)
			if url == "" {
				return cli.Usagef("a worker needs --redis (or %s)", redisVariable)
			}
			if (backend.Endpoint == "") != (backend.Model == "") {
				return cli.Usagef("--endpoint and --endpoint-model belong together")
			}
			opt := workers.Options{URL: url, Concurrency: concurrency}
			release, err := equipWorker(&opt, backend, conf, func(reason string) {
				if reason != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), "waiting:", reason)
				}
			})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, release()) }()
			return work(cmd, opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(
		&redis,
		"redis",
		"",
		"Redis that the runs use, redis://[user:password@]host:port[/db] (or "+redisVariable+")",
	)
	f.IntVar(&concurrency, "concurrency", 1, "jobs at once")
	f.StringVar(&conf, "config", "", "configuration file, for the local model's settings")
	addBackendFlags(cmd, &backend)
	return cmd
}

// work does jobs until the user interrupts.
func work(cmd *cobra.Command, opt workers.Options) error {
	w := cmd.ErrOrStderr()
	jobs, busy := 0, time.Duration(0)
	opt.OnReady = func() { fmt.Fprintf(w, "serving model %q; interrupt to stop\n", opt.Backend.ID) }
	opt.OnJob = func(took time.Duration, err error) {
		if err != nil {
			fmt.Fprintln(w, "job failed:", err)
			return
		}
		jobs++
		busy += took
	}
	if err := workers.Serve(cmd.Context(), opt); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d jobs done in %.1f s of work\n", jobs, busy.Seconds())
	return nil
}

// addBackendFlags adds the flags that name a model.
func addBackendFlags(cmd *cobra.Command, b *evolve.BackendSpec) {
	f := cmd.Flags()
	f.StringVar(&b.ModelDir, "model-dir", "", "folder of a local model; empty for the embedded one")
	f.StringVar(&b.Device, "device", "", "auto, cpu, cuda or cuda:N, for a local model; only auto falls back")
	f.StringVar(
		&b.Endpoint,
		"endpoint",
		"",
		"base URL of an OpenAI-compatible endpoint, up to and with /v1 (its key is read from "+
			keyVariables[0]+" or "+keyVariables[1]+")",
	)
	f.StringVar(&b.Model, "endpoint-model", "", "model to ask there")
}

// equipWorker gives a worker its model.
func equipWorker(
	opt *workers.Options, b evolve.BackendSpec, config string, onWait func(reason string),
) (release func() error, err error) {
	if b.Endpoint != "" {
		endpoint, err := llm.NewEndpoint(llm.EndpointOptions{
			BaseURL: b.Endpoint, Model: b.Model, Key: endpointKey(), Concurrency: opt.Concurrency, OnWait: onWait,
		})
		if err != nil {
			return nil, err
		}
		opt.Backend = endpoint.Backend(b.Endpoint)
		opt.Backend.ID = sharedID(b.Model)
		return func() error { return nil }, nil
	}
	cfg, err := wiring.LoadConfig(config, wiring.Overrides{ModelDir: b.ModelDir, Device: b.Device})
	if err != nil {
		return nil, err
	}
	model, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return nil, fmt.Errorf("open the local model (or name an --endpoint): %w", err)
	}
	opt.Backend = localBackend(model)
	return model.Close, nil
}

// sharedID names an endpoint's model where several endpoints serve it.
func sharedID(model string) string { return "endpoint model " + model }
