package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"pith/compress"
	"pith/configs"
	"pith/index"
	"pith/mcp"
)

// workspaces are the indexes of folders, each opened once and kept up to date until they are
// closed.
type workspaces struct {
	engine *engineParts
	cfg    configs.Compress
	log    *slog.Logger

	ctx  context.Context //nolint:containedctx // the watchers' own: it ends with close
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	open map[string]*index.Index
}

func newWorkspaces(engine *engineParts, cfg configs.Compress, log *slog.Logger) *workspaces {
	w := &workspaces{engine: engine, cfg: cfg, log: log, open: map[string]*index.Index{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Open returns the index of folders, up to date.
func (w *workspaces) Open(ctx context.Context, roots []string, progress func(done, of int)) (*index.Index, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := strings.Join(roots, "\n")
	if x := w.open[key]; x != nil {
		return x, nil
	}
	folder := ""
	if cache, err := os.UserCacheDir(); err == nil {
		folder = filepath.Join(cache, "pith", "index")
	}
	x, err := index.Open(index.Options{
		Roots: append(
			[]string(nil),
			roots...),
		Parse:   w.engine.pool,
		Folder:  folder,
		Version: version(),
		Engine:  w.engineOn,
	})
	if err != nil {
		return nil, err
	}
	if err := x.Refresh(ctx, progress); err != nil {
		return nil, err
	}
	w.open[key] = x
	w.done.Go(func() {
		if err := x.Watch(w.ctx, w.log); err != nil {
			w.log.Warn("the workspace is not watched", "err", err)
		}
	})
	return x, nil
}

// engineOn is the engine on the files of a workspace.
func (w *workspaces) engineOn(files compress.Splitter) (*compress.Engine, error) {
	counted, err := index.Counted(modelCounters{w.engine.counters})
	if err != nil {
		return nil, err
	}
	on, err := w.engine.with(w.cfg, func(o *compress.Options) { o.Splitter, o.Counters = files, counted })
	if err != nil {
		return nil, err
	}
	return on.Engine, nil
}

// close ends the watching and writes what is new to disk.
func (w *workspaces) close() error {
	w.stop()
	w.done.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	for _, x := range w.open {
		err = errors.Join(err, x.Close())
	}
	return err
}

// A oneWorkspace is the folder that a server looks after.
type oneWorkspace struct {
	*workspaces
	root string
}

// Find waits for the first look at the folder.
func (o oneWorkspace) Find(ctx context.Context, q index.Question) (index.Context, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return index.Context{}, err
	}
	x, err := o.Open(ctx, []string{root}, nil)
	if err != nil {
		return index.Context{}, err
	}
	return x.Find(ctx, q)
}

// openWorkspace begins to look at the folder that cfg names, if it names one.
func (b *serverParts) openWorkspace(cfg configs.Config, log *slog.Logger) (closing func() error, err error) {
	if cfg.Workspace.Root == "" {
		return func() error { return nil }, nil
	}
	root, err := filepath.Abs(cfg.Workspace.Root)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, usageError{cfg.At("workspace.root", fmt.Errorf("%s is not a folder", root))}
	}
	b.workspaces = newWorkspaces(b.engine, cfg.Compress, log)
	b.mcp = mcp.New(mcp.Options{Version: version(), Roots: []string{root}, Open: b.workspaces.Open}).Handler()
	b.workspaces.done.Go(func() { // a failure is said to who asks
		_, _ = b.workspaces.Open(b.workspaces.ctx, []string{root}, nil)
	})
	return b.workspaces.close, nil
}

// withEngine runs what needs an engine and workspaces for one's own files.
func withEngine(cmd *cobra.Command, config string, run func(*workspaces) error) (err error) {
	cfg, err := loadConfig(config, configChanges{})
	if err != nil {
		return err
	}
	cfg.Compress.Deadline = 0
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := newEngine(cfg, log, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.close()) }()
	w := newWorkspaces(engine, cfg.Compress, log)
	defer func() { err = errors.Join(err, w.close()) }()
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
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for i, root := range roots {
				full, err := filepath.Abs(root)
				if err != nil {
					return err
				}
				if info, err := os.Stat(full); err != nil || !info.IsDir() {
					return usagef("--root %s: not a folder", root)
				}
				roots[i] = full
			}
			here, err := os.Getwd()
			if err != nil {
				return err
			}
			return withEngine(cmd, config, func(w *workspaces) error {
				o := mcp.Options{Version: version(), Roots: roots, ClientRoots: true, Fallback: here, Open: w.Open}
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
				return usagef("want one folder, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := filepath.Abs(append(args, ".")[0])
			if err != nil {
				return err
			}
			if info, err := os.Stat(root); err != nil || !info.IsDir() {
				return usagef("%s: not a folder", root)
			}
			return withEngine(cmd, config, func(w *workspaces) error {
				stop := spin(cmd.ErrOrStderr(), "indexing")
				x, err := w.Open(cmd.Context(), []string{root}, nil)
				stop()
				if err != nil {
					return err
				}
				s := x.Status()
				fmt.Fprintf(
					cmd.ErrOrStderr(),
					"%s: %d files, %d lines, %d bytes; %d known from disk, %d left out; looked in %.0f ms\n",
					root,
					s.Files,
					s.Lines,
					s.Bytes,
					s.Loaded,
					s.LeftOut,
					s.TookMS,
				)
				if question == "" {
					return nil
				}
				c, err := x.Find(cmd.Context(), index.Question{Question: question, Budget: budget})
				if err != nil {
					return asUsage(err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), c.Text)
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
