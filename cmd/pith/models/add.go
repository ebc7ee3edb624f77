package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/perplexity"
)

type addFlags struct {
	config, name string
	sums         []string
	maxSize      configs.Size
}

func addCommand() *cobra.Command {
	flags := addFlags{maxSize: 16 << 30}
	cmd := &cobra.Command{
		Use:   "add DIR|URL",
		Short: "Install a model from a folder or from the web",
		Long: `Copy or download a model into the models folder, check it, load it once, and only
then give it its name: what is interrupted is resumed by the same command, and nothing is installed
by half. A URL is that of the folder: pith.json, or model.onnx and tokenizer.json, stand under it.
Checksums come from pith.json or from --sha256; a download without is refused. Then --model-dir NAME
uses it.`,
		Example: `  pith model add ./qwen-nll --name qwen
  pith model add https://models.example.com/qwen-nll
  pith model add https://models.example.com/export --sha256 model.onnx=9f86d08...`,
		Args: cli.Exactly(1, "a folder or a URL"),
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file")
	f.StringVar(&flags.name, "name", "", "name to install it under (default: the last part of DIR or URL)")
	f.StringSliceVar(&flags.sums, "sha256", nil, "FILE=CHECKSUM, or the checksum of model.onnx; may be repeated")
	f.Var(&flags.maxSize, "max-size", "largest file that is accepted")
	return cmd
}

func (m *addFlags) run(cmd *cobra.Command, from string) error {
	cfg, err := wiring.LoadConfig(m.config, wiring.Overrides{})
	if err != nil {
		return err
	}
	folder, err := wiring.ModelFolder(cfg.Model)
	if err != nil {
		return err
	}
	sums, err := parseSums(m.sums)
	if err != nil {
		return err
	}
	source, name, err := m.source(from, len(sums) > 0)
	if err != nil {
		return err
	}
	if m.name != "" {
		name = m.name
	}
	if m.name == "" && !wiring.ModelName.MatchString(name) {
		return cli.Usagef("%s: its last part cannot be a name: give one with --name", from)
	}
	if !wiring.ModelName.MatchString(name) {
		return cli.Usagef("--name %q: want letters, digits, dots, dashes and underscores", name)
	}
	target := filepath.Join(folder, name)
	if _, err := os.Lstat(target); err == nil {
		return cli.Usagef("%s is installed already; remove %s first, or choose another --name", name, target)
	}
	in := install{
		source: source, staging: filepath.Join(folder, "."+name+".part"), sums: sums,
		report: cli.Transfers(cmd.ErrOrStderr()),
	}
	_, in.web = source.(webSource)
	if err := in.run(cmd.Context(), target); err != nil {
		if cmd.Context().Err() != nil {
			return fmt.Errorf("interrupted; the same command goes on where it stopped (what is there: %s)", in.staging)
		}
		return fmt.Errorf("add %s: %w", from, err)
	}
	card, err := perplexity.ReadCard(target)
	if err != nil {
		return err
	}
	printCard(cmd.OutOrStdout(), name, card)
	if card.Contract == perplexity.ContractLogits {
		fmt.Fprintf(cmd.OutOrStdout(), "  `pith model prepare %s` makes a faster one of it\n", target)
	}
	return nil
}

// source tells a URL from a folder, and the name that it suggests.
func (m *addFlags) source(from string, checked bool) (modelSource, string, error) {
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		info, err := os.Stat(from)
		if err != nil || !info.IsDir() {
			return nil, "", cli.Usagef("%s: neither a folder nor an http(s) URL", from)
		}
		full, err := filepath.Abs(from)
		return folderSource{dir: full, max: int64(m.maxSize)}, filepath.Base(full), err
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && !checked && u.Hostname() != "localhost" &&
		(ip == nil || !ip.IsLoopback()) {
		return nil, "", cli.Usagef(
			"%s: anybody on the way could change what comes; use https, or give checksums with --sha256", from)
	}
	return webSource{base: from, max: int64(m.maxSize)}, path.Base(strings.TrimSuffix(u.Path, "/")), nil
}

var hexSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

func parseSums(flags []string) (map[string]string, error) {
	sums := map[string]string{}
	for _, flag := range flags {
		name, sum, found := strings.Cut(flag, "=")
		if !found {
			name, sum = "model.onnx", flag
		}
		sum = strings.ToLower(sum)
		if !hexSum.MatchString(sum) {
			return nil, cli.Usagef("--sha256 %q: want 64 hexadecimal digits, or FILE= and those", flag)
		}
		sums[name] = sum
	}
	return sums, nil
}

// An install is one model on its way into its folder.
type install struct {
	source  modelSource
	web     bool
	staging string
	sums    map[string]string
	report  func(phase string, done, total int64)
}

func (in *install) run(ctx context.Context, target string) error {
	if err := os.MkdirAll(in.staging, 0o755); err != nil {
		return err
	}
	verified, err := in.manifest(ctx)
	if err != nil {
		return err
	}
	prefix, err := in.graph(ctx)
	if err != nil {
		return err
	}
	weights, err := in.weights()
	if err != nil {
		return err
	}
	for _, name := range weights {
		if err := in.fetch(ctx, prefix+name, name); err != nil {
			return err
		}
	}
	for _, name := range []string{"tokenizer.json", "config.json", "LICENSE", "README.md"} {
		needed := name == "tokenizer.json" || name == "config.json" && !verified
		if err := in.fetch(ctx, name, name); err != nil && (needed || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	in.report("check", 0, 0)
	if err := try(ctx, in.staging); err != nil {
		return err
	}
	return os.Rename(in.staging, target)
}

// manifest gets the side-car and its checksums. Without one a download needs those of the command
// line.
func (in *install) manifest(ctx context.Context) (verified bool, err error) {
	err = in.fetch(ctx, "pith.json", "pith.json")
	if errors.Is(err, fs.ErrNotExist) {
		if in.web && in.sums["model.onnx"] == "" {
			return false, errors.New("there is no pith.json with checksums; give that of model.onnx with --sha256")
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	data, err := os.ReadFile(in.file("pith.json"))
	if err != nil {
		return false, err
	}
	sums, err := perplexity.Checksums(data)
	if err != nil {
		return false, err
	}
	maps.Copy(sums, in.sums) // what was typed wins
	in.sums = sums
	return true, nil
}

// graph gets the graph from either place where exports have it and returns the folder that was.
func (in *install) graph(ctx context.Context) (prefix string, err error) {
	for _, prefix = range []string{"", "onnx/"} {
		if err = in.fetch(ctx, prefix+"model.onnx", "model.onnx"); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return prefix, err
}

// weights returns the files beside the graph that it needs.
func (in *install) weights() ([]string, error) {
	graph, err := os.ReadFile(in.file("model.onnx"))
	if err != nil {
		return nil, err
	}
	names, err := perplexity.WeightFiles(graph)
	if err != nil {
		return nil, fmt.Errorf("model.onnx: %w", err)
	}
	return names, nil
}

func (in *install) file(name string) string { return filepath.Join(in.staging, name) }

// fetch gets one file, unless an earlier try has left the right one.
func (in *install) fetch(ctx context.Context, from, name string) error {
	sum := in.sums[name]
	if sum != "" && fileSum(ctx, in.file(name)) == sum {
		return nil
	}
	return in.source.get(ctx, from, in.file(name), sum, func(done, total int64) { in.report(name, done, total) })
}

// try loads the model in dir and scores a line with it.
func try(ctx context.Context, dir string) error {
	m, err := perplexity.OpenDir(dir, perplexity.Options{Device: "cpu"})
	if err != nil {
		return err
	}
	return errors.Join(scoreLine(ctx, m), m.Close())
}
