package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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
	open map[string]*opening
}

// An opening is an index that is looked after, or on its way to that.
type opening struct {
	// ended is closed when index or err is there.
	ended chan struct{}
	index *index.Index
	err   error

	mu        sync.Mutex
	done, of  int // files of the first look
	listeners map[*func(done, of int)]bool
}

// NewWorkspaces returns workspaces whose files engine compresses. Nothing is open yet.
func NewWorkspaces(engine *Engine, cfg configs.Compress, log *slog.Logger) *Workspaces {
	w := &Workspaces{engine: engine, cfg: cfg, log: log, open: map[string]*opening{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Open returns the index of folders, up to date. Who cannot wait for the first look at them is told
// how far it is, and it goes on for the next who asks.
func (w *Workspaces) Open(ctx context.Context, roots []string, progress func(done, of int)) (*index.Index, error) {
	o, err := w.begin(roots)
	if err != nil {
		return nil, err
	}
	defer o.listen(progress)()
	select {
	case <-o.ended:
		return o.index, o.err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return nil, fmt.Errorf("%w: %d of %d files are done, try again", index.ErrIndexing, o.done, o.of)
}

// begin begins to look after folders, unless that is done already.
func (w *Workspaces) begin(roots []string) (*opening, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return nil, w.ctx.Err()
	}
	key := strings.Join(roots, "\n")
	if o := w.open[key]; o != nil {
		return o, nil
	}
	o := &opening{ended: make(chan struct{}), listeners: map[*func(done, of int)]bool{}}
	w.open[key] = o
	w.done.Go(func() {
		if o.index, o.err = w.firstLook(roots, o.tell); o.err != nil {
			w.forget(key, o.err)
		}
		close(o.ended)
		if o.err != nil {
			return
		}
		if err := o.index.Watch(w.ctx, w.log); err != nil {
			w.log.Warn("the workspace is not watched", "err", err)
		}
	})
	return o, nil
}

// forget has the next who asks for folders begin again.
func (w *Workspaces) forget(key string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, key)
	if w.ctx.Err() == nil {
		w.log.Warn("the workspace could not be indexed", "err", err)
	}
}

// firstLook opens an index and brings it up to date.
func (w *Workspaces) firstLook(roots []string, progress func(done, of int)) (*index.Index, error) {
	folder := ""
	if cache, err := os.UserCacheDir(); err == nil {
		folder = filepath.Join(cache, "pith", "index")
	}
	x, err := index.Open(index.Options{
		Roots: slices.Clone(roots), Parse: w.engine.Pool, Folder: folder, Version: cli.Version(), Engine: w.engineOn,
	})
	if err != nil {
		return nil, err
	}
	if err := x.Refresh(w.ctx, progress); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// tell tells of files that are done.
func (o *opening) tell(done, of int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done, o.of = done, of
	for listener := range o.listeners {
		(*listener)(done, of)
	}
}

// listen has progress told of files, unless it is nil, until stop is called.
func (o *opening) listen(progress func(done, of int)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listeners[&progress] = true
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.listeners, &progress)
	}
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
func (w *Workspaces) Close() {
	w.mu.Lock()
	w.stop()
	w.mu.Unlock()
	w.done.Wait()
	for _, o := range w.open {
		if err := o.index.Close(); err != nil { // the next start makes it anew
			w.log.Warn("the index could not be written", "err", err)
		}
	}
	clear(w.open)
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
func (b *Parts) OpenWorkspace(cfg configs.Config, log *slog.Logger) (closing func(), err error) {
	if cfg.Workspace.Root == "" {
		return func() {}, nil
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
	if _, err := b.workspaces.begin([]string{root}); err != nil {
		return nil, err
	}
	return b.workspaces.Close, nil
}
