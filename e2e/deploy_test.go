package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/redis/go-redis/v9"

	"pith/configs"
)

// The Redis of the compose file evicts nothing that a marker of a live conversation names, and its
// Pith is given settings that there are.
func TestComposeKeepsOriginals(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Command     string            `yaml:"command"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var environment []string
	for name := range file.Services["pith"].Environment {
		environment = append(environment, name+"=x")
	}
	if unknown := configs.Unknown(environment); len(environment) == 0 || len(unknown) > 0 {
		t.Errorf("variables %v: %v", environment, unknown)
	}
	words := strings.Fields(strings.ReplaceAll(file.Services["redis"].Command, `""`, "''"))
	if len(words) == 0 || words[0] != "redis-server" {
		t.Fatalf("the command of redis is %q", words)
	}
	for i, word := range words {
		words[i] = strings.Trim(word, "'")
	}
	url, _ := startRedis(t, words[1:]...)
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	policy, err := client.ConfigGet(t.Context(), "maxmemory-policy").Result()
	if err != nil || !slices.Contains([]string{"noeviction", "volatile-ttl"}, policy["maxmemory-policy"]) {
		t.Errorf("eviction is %v, %v", policy, err)
	}
	if most, err := client.ConfigGet(t.Context(), "maxmemory").Result(); err != nil || most["maxmemory"] == "0" {
		t.Errorf("memory is %v, %v", most, err)
	}
}
