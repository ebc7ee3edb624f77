package wiring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"pith/cmd/pith/cli"
	"pith/configs"
)

// ModelName is what an installed model may be called: a plain name for a folder, not hidden.
var ModelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ModelFolder returns the folder where models are installed, which need not exist yet.
func ModelFolder(cfg configs.Model) (string, error) {
	if cfg.Folder != "" {
		return cfg.Folder, nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", cli.Usagef("no folder for models: %w; set model.folder or PITH_MODELS", err)
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "pith", "models"), nil
}

// findModel returns the folder of the model that cfg.Dir means: itself, or an installed model of
// that name. A model that is broken is done without, and the log says so; one that is not there is
// a typing mistake.
func findModel(cfg configs.Model) (string, error) {
	if info, err := os.Stat(cfg.Dir); cfg.Dir == "" || err == nil && info.IsDir() {
		return cfg.Dir, nil
	}
	if ModelName.MatchString(cfg.Dir) {
		folder, err := ModelFolder(cfg)
		if err != nil {
			return "", err
		}
		dir := filepath.Join(folder, cfg.Dir)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return "", cli.Usagef(
		"model folder %s: not there, and no installed model has that name (`pith model list`); a folder holds "+
			"model.onnx and tokenizer.json", cfg.Dir)
}

// InstalledModels returns the names of the models in folder, sorted.
func InstalledModels(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		// Hidden ones are on their way.
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err == nil && info.IsDir() &&
			!strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
