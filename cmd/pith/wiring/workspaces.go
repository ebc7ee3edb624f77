package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"pith/cmd/pith/cli"
	"pith/compress"
	"pith/configs"
	"pith/explain"
	"pith/index"
	"pith/mcp"
)

// Workspaces are the indexes of folders, each opened once and kept up to date until they are
// closed.
type Workspaces struct {
	engine *Engine
	cfg    configs.Compress
	log    *slog.Logger

	ctx  context.Context //nolint:containedctx // the watchers' own: it ends with close
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	open map[string]*index.Index
}

// NewWorkspaces returns workspaces whose files engine compresses. Nothing is open yet.
func NewWorkspaces(engine *Engine, cfg configs.Compress, log *slog.Logger) *Workspaces {
	w := &Workspaces{engine: engine, cfg: cfg, log: log, open: map[string]*index.Index{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Open returns the index of folders, up to date.
func (w *Workspaces) Open(ctx context.Context, roots []string, progress func(done, of int)) (*index.Index, error) {
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
		Parse:   w.engine.Pool,
		Folder:  folder,
		Version: cli.Version(),
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
func (w *Workspaces) engineOn(files compress.Splitter) (*compress.Engine, error) {
	on, err := w.engine.With(w.cfg, func(o *compress.Options) { o.Splitter = files })
	if err != nil {
		return nil, err
	}
	return on.Engine, nil
}

// Close ends the watching and writes what is new to disk.
func (w *Workspaces) Close() error {
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
	*Workspaces
	root string
}

// Find waits for the first look at the folder.
func (o oneWorkspace) Find(ctx context.Context, q index.Question) (index.Context, error) {
	x, err := o.index(ctx)
	if err != nil {
		return index.Context{}, err
	}
	return x.Find(ctx, q)
}

// Explain says why a context holds what it holds.
func (o oneWorkspace) Explain(ctx context.Context, tenant, id string) (explain.Account, bool) {
	x, err := o.index(ctx)
	if err != nil {
		return explain.Account{}, false
	}
	return x.Explain(tenant, id)
}

func (o oneWorkspace) index(ctx context.Context) (*index.Index, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	return o.Open(ctx, []string{root}, nil)
}

// OpenWorkspace begins to look at the folder that cfg names, if it names one.
func (b *Parts) OpenWorkspace(cfg configs.Config, log *slog.Logger) (closing func() error, err error) {
	if cfg.Workspace.Root == "" {
		return func() error { return nil }, nil
	}
	root, err := filepath.Abs(cfg.Workspace.Root)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, cli.Usage(cfg.At("workspace.root", fmt.Errorf("%s is not a folder", root)))
	}
	b.workspaces = NewWorkspaces(b.Engine, cfg.Compress, log)
	b.mcp = mcp.New(mcp.Options{Version: cli.Version(), Roots: []string{root}, Open: b.workspaces.Open})
	b.workspaces.done.Go(func() { // a failure is said to who asks
		_, _ = b.workspaces.Open(b.workspaces.ctx, []string{root}, nil)
	})
	return b.workspaces.Close, nil
}
