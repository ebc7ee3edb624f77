package configs

import (
	"maps"
	"reflect"
	"strings"
)

// fixed are the settings, by the beginnings of their paths, of what is opened or loaded once:
// listeners, the model, parse processes, stores. Everything else takes effect in a running Pith.
var fixed = [...]string{
	"server.listen", "server.tls_", "server.h2c", "server.drain_", "limits.connections",
	"model.", "scorer.", "parsers.", "cache.", "retrieval.memory_bytes", "prompts.", "tracing.", "log.", "admin.",
	"workspace.",
}

// IsFixed reports that a change of the setting at path needs a restart.
func IsFixed(path string) bool {
	for _, f := range fixed {
		if strings.HasPrefix(path, f) {
			return true
		}
	}
	return false
}

// Reload returns what a Pith that runs with c can take over of next, the paths that change with it,
// and the paths whose change waits for a restart: those are as in c.
func (c Config) Reload(next Config) (merged Config, changed, waiting []string) {
	merged = next
	merged.places = maps.Clone(next.places)
	old, now := c.bindings(), merged.bindings()
	for i, b := range now {
		was, is := reflect.ValueOf(old[i].field).Elem(), reflect.ValueOf(b.field).Elem()
		switch {
		case reflect.DeepEqual(was.Interface(), is.Interface()):
		case IsFixed(b.path):
			is.Set(was)
			merged.placed()[b.path] = c.places[b.path]
			waiting = append(waiting, b.path)
		default:
			changed = append(changed, b.path)
		}
	}
	if !reflect.DeepEqual(c.Upstreams, next.Upstreams) {
		changed = append(changed, "upstreams")
	}
	if !reflect.DeepEqual(c.VirtualKeys, next.VirtualKeys) {
		changed = append(changed, "keys")
	}
	return merged, changed, waiting
}
