package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/fsnotify/fsnotify"

	"pith/cmd/pith/cli"
	"pith/configs"
	"pith/dialects"
	"pith/evolve"
	"pith/tokens"
)

// promptsPause is how long a folder must be quiet before it is read again: editors and copies
// change a file in several steps.
const promptsPause = 200 * time.Millisecond

// openPrompts reads the folder of pruned prompts that cfg names and follows its changes until the
// watcher is closed. Without a folder there is no pruner, and nothing to close.
func openPrompts(ctx context.Context, cfg configs.Prompts, log *slog.Logger) (dialects.Pruner, io.Closer, error) {
	if cfg.Dir == "" {
		return nil, io.NopCloser(nil), nil
	}
	counters := tokens.New()
	folder, err := evolve.OpenFolder(cfg.Dir, evolve.FolderOptions{
		AnyModel: cfg.AnyModel,
		Count:    func(model, text string) int { return counters.For(model).Count(text) },
	})
	if folder == nil {
		return nil, nil, cli.Usagef("prompts.dir: %w", err)
	}
	reportPrompts(log, folder, err)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, fmt.Errorf("watch prompts: %w", err)
	}
	if err := watcher.Add(cfg.Dir); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("watch prompts: %w", err), watcher.Close())
	}
	go followPrompts(ctx, watcher, folder, log)
	return pruner(folder), watcher, nil
}

// followPrompts reads the folder again after each change of it. It ends with its watcher.
func followPrompts(ctx context.Context, watcher *fsnotify.Watcher, folder *evolve.Folder, log *slog.Logger) {
	quiet := time.NewTimer(0)
	<-quiet.C
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err, open := <-watcher.Errors:
			if !open {
				return
			}
			log.Error("watch prompts", "err", err)
		case _, open := <-watcher.Events:
			if !open {
				return
			}
			quiet.Reset(promptsPause)
		case <-quiet.C:
			reportPrompts(log, folder, folder.Reload())
		}
	}
}

// reportPrompts logs what is in use and what is not; err names each file that was left out.
func reportPrompts(log *slog.Logger, folder *evolve.Folder, err error) {
	log.Info("prompts", "dir", folder.Dir(), "in_use", folder.Len())
	if err != nil {
		log.Warn("prompts that are not used; the originals are sent", "err", err)
	}
}

// pruner gives the proxy the folder under its own types.
func pruner(folder *evolve.Folder) dialects.Pruner {
	return func(model, text string) (dialects.PrunedPrompt, bool) {
		found, ok := folder.Find(model, text)
		if !ok {
			return dialects.PrunedPrompt{}, false
		}
		p := dialects.PrunedPrompt{Name: found.Task, Original: found.Original, Compressed: found.Pruned}
		for _, e := range found.Edits {
			p.Cuts = append(p.Cuts, dialects.Cut(e))
		}
		return p, true
	}
}
