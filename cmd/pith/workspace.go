package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/index"
	"pith/mcp"
)

// withEngine runs what needs an engine and workspaces for one's own files.
func withEngine(cmd *cobra.Command, config string, run func(*wiring.Workspaces) error) (err error) {
	cfg, err := wiring.LoadConfig(config, wiring.Overrides{})
	if err != nil {
		return err
	}
	cfg.Compress.Deadline = 0
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := wiring.NewEngine(cfg, log, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	w := wiring.NewWorkspaces(engine, cfg.Compress, log)
	defer w.Close()
	return run(w)
}

func mcpCommand() *cobra.Command {
	var config string
	var roots []string
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Serve the workspace's code to a coding agent over MCP",
		Long: `Serve the Model Context Protocol on standard input and output: find_context, read_compressed,
expand and explain. The workspace is what the client names as its roots, or --root, or the
current folder; with --root nothing outside of it is read. Files that .gitignore names, hidden
ones and those that look like secrets are not read. A running pith serve has the same at /mcp
(workspace.root).`,
		Example: `  claude mcp add pith -- pith mcp
  codex mcp add pith -- pith mcp`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for i, root := range roots {
				full, err := filepath.Abs(root)
				if err != nil {
					return err
				}
				if info, err := os.Stat(full); err != nil || !info.IsDir() {
					return cli.Usagef("--root %s: not a folder", root)
				}
				roots[i] = full
			}
			here, err := os.Getwd()
			if err != nil {
				return err
			}
			return withEngine(cmd, config, func(w *wiring.Workspaces) error {
				o := mcp.Options{Version: cli.Version(), Roots: roots, ClientRoots: true, Fallback: here, Open: w.Open}
				err := mcp.New(o).
					RunStdio(cmd.Context())
				if cmd.Context().Err() != nil {
					return nil // the client's way to end it
				}
				return err
			})
		},
	}
	cmd.Flags().StringArrayVar(&roots, "root", nil, "folder that may be read; may be given several times")
	cmd.Flags().StringVar(&config, "config", "", "configuration file")
	return cmd
}

func indexCommand() *cobra.Command {
	var config, question string
	var budget int
	cmd := &cobra.Command{
		Use:   "index [FOLDER]",
		Short: "Show what the index of a workspace holds, or ask it",
		Long: `Bring the index of a folder up to date, as pith mcp does, and say what it holds: files, lines,
bytes, how long it took. With -q it prints the workspace's best code for a question. The index
lies in the user's cache folder.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cli.Usagef("want one folder, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := filepath.Abs(append(args, ".")[0])
			if err != nil {
				return err
			}
			if info, err := os.Stat(root); err != nil || !info.IsDir() {
				return cli.Usagef("%s: not a folder", root)
			}
			return withEngine(cmd, config, func(w *wiring.Workspaces) error {
				stop := cli.Spin(cmd.ErrOrStderr(), "indexing")
				x, err := w.Open(cmd.Context(), []string{root}, nil)
				stop()
				if err != nil {
					return err
				}
				s := x.Status()
				fmt.Fprintf(
					cmd.ErrOrStderr(),
					"%s: %d files, %d lines, %d bytes; %d known from disk, %d left out, %d unreadable; "+
						"looked in %.0f ms\n",
					root,
					s.Files,
					s.Lines,
					s.Bytes,
					s.Loaded,
					s.LeftOut,
					s.Unread,
					s.TookMS,
				)
				if question == "" {
					return nil
				}
				c, err := x.Find(cmd.Context(), index.Question{Question: question, Budget: budget})
				if err != nil {
					return wiring.AsUsage(err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), c.Text)
				for _, note := range c.Notes {
					fmt.Fprintln(cmd.ErrOrStderr(), note)
				}
				fmt.Fprintf(
					cmd.ErrOrStderr(),
					"%d of %d tokens; %d of %d files ranked\n",
					c.Tokens,
					c.Budget,
					c.Considered,
					c.Indexed,
				)
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&question, "query", "q", "", "what code is wanted for")
	cmd.Flags().IntVar(&budget, "budget", 4000, "tokens allowed")
	cmd.Flags().StringVar(&config, "config", "", "configuration file")
	return cmd
}
