package benchmarks

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/bench/costs"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/tokens"
)

func sessionCommand() *cobra.Command {
	var flags commonFlags
	var measure costs.Session
	var root string
	cmd := &cobra.Command{
		Use:   "session [FILE...]",
		Short: "Price whole conversations at a provider that caches prompts",
		Long: "Price whole conversations at a provider that caches prompts: plain, through Pith, and rewritten for " +
			"each new question.\n" +
			"Without arguments, the conversations in e2e/testdata/conversations.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := flags.load()
			if err != nil {
				return err
			}
			conversations, err := readConversations(args, root)
			if err != nil {
				return err
			}
			engine, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, engine.Close()) }()
			measure.Counters = wiring.NewCounters(tokens.New())
			measure.Progress = phases(cmd)
			measure.Handler = func(upstream *url.URL) (http.Handler, error) {
				server, _, err := measuredServer(cfg, engine, upstream, slog.New(slog.DiscardHandler))
				if err != nil {
					return nil, err
				}
				return server.Handler(), nil
			}
			report, err := measure.Run(cmd.Context(), conversations)
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), report)
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&root, "root", ".", "folder below which the files stand that conversations show")
	f.DurationVar(&measure.ToolTime, "tool-time", 0, "time before a tool's result is sent (default 5s)")
	f.DurationVar(&measure.ThinkTime, "think-time", 0, "time before a person's next message (default 1m)")
	return cmd
}

func readConversations(files []string, root string) ([]costs.Conversation, error) {
	if len(files) == 0 {
		pattern := filepath.Join(root, "e2e/testdata/conversations/*.json")
		files, _ = filepath.Glob(pattern) // the pattern is well formed
		if len(files) == 0 {
			return nil, cli.Usagef("no conversations in %s: name files, or the checkout with --root", pattern)
		}
	}
	var out []costs.Conversation
	for _, file := range files {
		c, err := costs.ReadConversation(file, root)
		if err != nil {
			return nil, cli.Usage(err)
		}
		out = append(out, c)
	}
	return out, nil
}
