package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
)

// A clientSetup is a client that `pith wrap` knows how to send through Pith for one run.
type clientSetup struct {
	// program is what is run.
	program string
	// base is the variable in which the client's own base URL may stand, which then is the
	// Upstream.
	base string
	// anthropic says that such a URL is Anthropic's kind: without /v1.
	anthropic bool
	// env and args send the client to Pith at url, http://host:port.
	env  func(url string) []string
	args func(url string) []string
}

// wrappedClients are the clients by their names.
var wrappedClients = map[string]clientSetup{
	"claude": {
		program: "claude", base: "ANTHROPIC_BASE_URL", anthropic: true,
		env: func(url string) []string { return []string{"ANTHROPIC_BASE_URL=" + url} },
	},
	"codex": {
		program: "codex", base: "OPENAI_BASE_URL",
		args: func(url string) []string {
			return []string{
				"-c",
				fmt.Sprintf(
					`model_providers.pith={name="OpenAI through Pith",base_url="%s/v1",wire_api="responses",`+
						`env_key="OPENAI_API_KEY",supports_websockets=true}`, url),
				"-c", `model_provider="pith"`,
			}
		},
	},
	"opencode": {
		program: "opencode",
		env:     func(url string) []string { return []string{"OPENCODE_CONFIG_CONTENT=" + opencodeConfig(url)} },
	},
	"qwen": {
		program: "qwen", base: "OPENAI_BASE_URL",
		env: func(url string) []string { return []string{"OPENAI_BASE_URL=" + url + "/v1"} },
	},
	"aider": {
		program: "aider", base: "OPENAI_API_BASE",
		env: func(url string) []string {
			return []string{"OPENAI_API_BASE=" + url + "/v1", "ANTHROPIC_API_BASE=" + url, "ANTHROPIC_BASE_URL=" + url}
		},
	},
}

// opencodeConfig sends opencode's two providers that speak a dialect of Pith's own to url. It
// stands above the user's files.
func opencodeConfig(url string) string {
	base := map[string]any{"options": map[string]string{"baseURL": url + "/v1"}}
	b, err := json.Marshal(map[string]any{"provider": map[string]any{"openai": base, "anthropic": base}})
	if err != nil { // strings only: cannot happen
		return "{}"
	}
	return string(b)
}

func wrapCommand() *cobra.Command {
	var config, logFile string
	var changes wiring.Overrides
	var names []string
	for name := range wrappedClients {
		names = append(names, name)
	}
	slices.Sort(names)
	cmd := &cobra.Command{
		Use:   "wrap CLIENT [-- ARGS]",
		Short: "Run a coding agent through Pith",
		Long: `Run a coding agent (` + strings.Join(names, ", ") + `) through a Pith of its own
on a free port, for this run alone, and print at the end what was saved, what passed and why.
Signals and the exit status are the client's. Where its base URL is set in the environment, that
is the upstream; else requests for /v1/messages go to Anthropic and all others to OpenAI.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || !slices.Contains(names, args[0]) {
				return cli.Usagef("want a client: %s", strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			client := wrappedClients[args[0]]
			load := func() (configs.Config, error) {
				cfg, err := wiring.LoadConfig(config, changes)
				return client.behind(cfg, changes.Upstream, os.Getenv), err
			}
			cfg, err := load()
			if err != nil {
				return err
			}
			log, err := wrapLog(logFile, cfg.Log)
			if err != nil {
				return err
			}
			args = args[1:]
			if len(args) > 0 && args[0] == "--" {
				args = args[1:]
			}
			return wrap(cmd, configSource{cfg: cfg, path: config, load: load}, client, args, log)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVar(&config, "config", "", "configuration file (see configs/ for examples)")
	f.StringVar(&changes.Upstream, "upstream", "", "base URL of the LLM API, for all requests")
	f.StringVar(&logFile, "log", "", "file to log to (default: no log)")
	return cmd
}

// behind returns cfg with the upstreams of a client that no file and no flag sends elsewhere.
func (w clientSetup) behind(cfg configs.Config, upstream string, getenv func(string) string) configs.Config {
	if upstream != "" || len(cfg.Upstreams) > 0 {
		return cfg
	}
	own := ""
	if w.base != "" {
		own = strings.TrimSuffix(getenv(w.base), "/")
	}
	switch {
	case own == "":
		cfg.Upstreams = []configs.Upstream{{
			Name: "anthropic", URL: "https://api.anthropic.com", Paths: []string{"/v1/messages"},
			WebSocket: "responses",
		}}
	case w.anthropic:
		cfg.Server.Upstream = own
	default: // it ends in /v1, or in whatever that API has in its place
		cfg.Upstreams = []configs.Upstream{
			{Name: "own", URL: own, Paths: []string{"/v1"}, StripPath: true, WebSocket: "responses"},
		}
	}
	return cfg
}

func wrapLog(file string, cfg configs.Log) (*slog.Logger, error) {
	if file == "" {
		return newLogger(io.Discard, cfg), nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, cli.Usage(err)
	}
	return newLogger(f, cfg), nil // open until the process ends
}

// An exitCode is the status with which a wrapped client ended.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// wrap serves, runs the client to its end, and prints what was done.
func wrap(cmd *cobra.Command, src configSource, client clientSetup, args []string, log *slog.Logger) error {
	program, err := exec.LookPath(client.program)
	if err != nil {
		return fmt.Errorf("%s is not installed, or not in PATH", client.program)
	}
	// The client decides when a signal ends the run.
	ctx, stop := context.WithCancel(context.WithoutCancel(cmd.Context()))
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	count := newTallyHandler(log.Handler())
	served := make(chan error, 1)
	go func() { served <- serveOn(ctx, listener, src, slog.New(count)) }()

	url := "http://" + listener.Addr().String()
	// Signals reach the child by themselves; the end of ctx must not kill it.
	child := exec.CommandContext(context.WithoutCancel(ctx), program)
	if client.args != nil {
		child.Args = append(child.Args, client.args(url)...)
	}
	child.Args = append(child.Args, args...)
	child.Env = os.Environ()
	if client.env != nil {
		child.Env = append(child.Env, client.env(url)...)
	}
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	err = runChild(child)
	stop()
	select {
	case serveErr := <-served:
		if serveErr != nil && err == nil {
			err = serveErr
		}
	case <-time.After(5 * time.Second): // a connection that the client left open
	}
	count.print(cmd.ErrOrStderr())
	return err
}

// runChild runs a program to its end and passes signals on. A terminal's own go to it as well:
// Ctrl-C would come twice, which means another thing to most agents.
func runChild(child *exec.Cmd) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if s != os.Interrupt || !isatty.IsTerminal(os.Stdin.Fd()) {
					_ = child.Process.Signal(s) // it may have ended
				}
			case <-done:
				return
			}
		}
	}()
	err := child.Wait()
	close(done)
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitCode(128 + int(status.Signal()))
	}
	return exitCode(ended.ExitCode())
}
