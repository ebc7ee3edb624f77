package configs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pith/configs"
)

var update = flag.Bool("update", false, "rewrite drop-in.yaml and the reference")

// Each example loads and is valid once it has the secrets that it asks for; its "#key: value" lines
// and its "default X" comments are the defaults.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("examples: %v, %v", paths, err)
	}
	defaults := make(map[string]string)
	for _, k := range configs.Default().Keys() {
		defaults[k.Path] = k.Value
	}
	commented := regexp.MustCompile(`^(\s+)#(\w+: .*)$`)
	annotated := regexp.MustCompile(`^\s+(\w+):.*# default ([^;\s]+)`)
	for _, path := range paths {
		c, err := configs.Load(path, []string{"PITH_CACHE_SECRET=0123456789abcdef", "ANTHROPIC_API_KEY=sk-ant-1"})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var asDefaults strings.Builder // the file with the defaults in it and nothing else
		section := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			if name, ok := strings.CutSuffix(line, ":"); ok && !strings.ContainsAny(name, " #") {
				section = name
				asDefaults.WriteString(line + "\n")
			} else if section == "upstreams" || section == "keys" {
				continue // lists are empty by default
			} else if m := commented.FindStringSubmatch(line); m != nil {
				asDefaults.WriteString(m[1] + m[2] + "\n")
			} else if m := annotated.FindStringSubmatch(line); m != nil {
				if want := defaults[section+"."+m[1]]; strings.Trim(m[2], `"`) != want {
					t.Errorf("%s: %s.%s is said to be %s by default, and is %q", path, section, m[1], m[2], want)
				}
			} else if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
				t.Errorf("%s: %q does not name its default", path, line)
			}
		}
		if got, err := load(t, asDefaults.String()); err != nil ||
			!reflect.DeepEqual(got.Keys(), configs.Default().Keys()) || len(got.Upstreams)+len(got.VirtualKeys) > 0 {
			t.Errorf("%s: the commented settings are not the defaults: %v\n%+v", path, err, got)
		}
	}
}

// drop-in.yaml and the reference table are made from the table of keys: run with -update after a
// change.
func TestReference(t *testing.T) {
	golden(t, "drop-in.yaml", dropIn())
	golden(t, filepath.Join("testdata", "reference.md"), reference())
}

func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the table of keys says (%v): run `make golden`", path, err)
	}
}

func dropIn() string {
	var b strings.Builder
	b.WriteString("# Pith as a drop-in proxy: every setting with its default. Remove the # in front of a key to " +
		"change it.\n" + `#   pith serve --config configs/drop-in.yaml
` + "# Each can also come from the environment, under the name in brackets. A secret can stand in a file of " +
		"its own: key_file: path,\n" + `# or the variable with _FILE behind.
`)
	section := ""
	for _, k := range configs.Default().Keys() {
		name, key, _ := strings.Cut(k.Path, ".")
		if name != section {
			section = name
			fmt.Fprintf(&b, "\n%s:\n", name)
		}
		value := k.Value
		if value == "" {
			value = `""`
		}
		fmt.Fprintf(&b, "  # %s [%s]\n  #%s: %s\n", k.Help, k.Env, key, value)
	}
	for _, s := range configs.Sections() {
		fmt.Fprintf(&b, "\n# %s\n%s:\n", s.Help, s.Path)
		dash := "-"
		for _, k := range s.Keys {
			_, key, _ := strings.Cut(k.Path, ".")
			fmt.Fprintf(&b, "  #%s %s:  # %s\n", dash, key, k.Help)
			dash = " "
		}
	}
	return b.String()
}

func reference() string {
	var b strings.Builder
	b.WriteString("Settings with a dagger need a restart; the others take effect on SIGHUP and when the " +
		"file changes.\n\n" +
		"| key | environment | default | meaning |\n|---|---|---|---|\n")
	for _, k := range configs.Default().Keys() {
		dagger := ""
		if configs.IsFixed(k.Path) {
			dagger = " †"
		}
		fmt.Fprintf(&b, "| `%s`%s | `%s` | %s | %s |\n", k.Path, dagger, k.Env, k.Value, k.Help)
	}
	for _, s := range configs.Sections() {
		fmt.Fprintf(&b, "\n`%s`: %s.\n\n| key of an entry | default | meaning |\n|---|---|---|\n", s.Path, s.Help)
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimPrefix(k.Path, s.Path+"."), k.Value, k.Help)
		}
	}
	return b.String()
}
