package index

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long files must lie still before they are looked at: tools write several.
	settle = 40 * time.Millisecond
	// poll is how often files are looked at where not all folders can be watched.
	poll = 2 * time.Second
	// saveAfter is how long the index must lie still before it is written to disk.
	saveAfter = 10 * time.Second
)

// Watch keeps the index up to date until ctx ends.
func (x *Index) Watch(ctx context.Context, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer func() { _ = watcher.Close() }() // nothing is waited for any more
	watched := map[string]bool{}
	all := true
	look := func() {
		x.refreshing.Lock()
		defer x.refreshing.Unlock()
		folders, err := x.refresh(ctx, nil)
		if err != nil {
			if ctx.Err() == nil {
				log.WarnContext(ctx, "the workspace could not be looked at", "err", err)
			}
			return
		}
		for _, folder := range folders {
			if watched[folder] {
				continue
			}
			if err := watcher.Add(folder); err != nil {
				if all {
					log.WarnContext(
						ctx,
						"not all folders can be watched; changes are looked for every two seconds",
						"err",
						err,
					)
				}
				all = false
				continue
			}
			watched[folder] = true
		}
	}
	look()
	// What changed before its folder was watched.
	still, quiet, tick := time.NewTimer(settle), time.NewTimer(saveAfter), time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-watcher.Events:
			if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
				delete(watched, event.Name) // a folder of that name would be another
			}
			still.Reset(settle)
		case err := <-watcher.Errors:
			log.WarnContext(ctx, "watching the workspace", "err", err)
			still.Reset(settle)
		case <-tick.C:
			if !all {
				look()
			}
		case <-still.C:
			look()
			quiet.Reset(saveAfter)
		case <-quiet.C:
			if err := x.save(); err != nil {
				log.WarnContext(ctx, "the index could not be written", "err", err)
			}
		}
	}
}
