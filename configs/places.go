package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// placed returns the places to write to.
func (c *Config) placed() map[string]string {
	if c.places == nil {
		c.places = make(map[string]string)
	}
	return c.places
}

// Place says where the setting at path was given: file and line, a variable or a flag; "" for a
// default.
func (c Config) Place(path string) string { return c.places[path] }

// At puts the place where the setting at path was given in front of err, where there is one.
func (c Config) At(path string, err error) error {
	if place := c.places[path]; err != nil && place != "" {
		return fmt.Errorf("%s: %s: %w", place, path, err)
	}
	return err
}

// Set gives the setting at path the value that text stands for, as a flag does; place is what
// errors will call the flag.
func (c *Config) Set(path, text, place string) error {
	for _, b := range c.bindings() {
		if b.path != path {
			continue
		}
		c.places = maps.Clone(c.places)
		c.placed()[path] = place
		if err := set(b.field, text); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		return nil
	}
	return fmt.Errorf("there is no setting %s", path)
}

// listOf returns the list of the path of an entry: "keys" of "keys[0].".
func listOf(entry string) string {
	list, _, _ := strings.Cut(entry, "[")
	return list
}

// otherVariables are PITH_ variables that are no settings.
var otherVariables = []string{"PITH_EVOLVE_KEY", "PITH_EVOLVE_REDIS"}

// Unknown returns a line for each PITH_ variable of environ (os.Environ) that nothing reads, with
// the nearest name that something does. What Kubernetes sets for a service called pith,
// PITH_SERVICE_HOST, PITH_PORT and their like, is passed over.
func Unknown(environ []string) []string {
	known := slices.Clone(otherVariables)
	for _, b := range new(Config).bindings() {
		known = append(known, b.env)
		if _, secret := b.field.(*Secret); secret {
			known = append(known, b.env+envFileSuffix)
		}
	}
	var lines []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "PITH_") || slices.Contains(known, name) || ofKubernetes(name) {
			continue
		}
		line := fmt.Sprintf("the variable %s is no setting", name)
		if best := nearest(name, known); best != "" {
			line += fmt.Sprintf(" (did you mean %s?)", best)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func ofKubernetes(name string) bool {
	return name == "PITH_PORT" || strings.HasPrefix(name, "PITH_PORT_") || strings.HasPrefix(name, "PITH_SERVICE_")
}

// nearest returns the one of known that is most like name, or "" where none is near.
func nearest(name string, known []string) string {
	best, distance := "", len(name)/2+1 // farther ones help nobody
	for _, k := range known {
		d := levenshtein.ComputeDistance(name, k)
		if strings.HasPrefix(k, name) { // the end was forgotten
			d /= 2
		}
		if d < distance {
			best, distance = k, d
		}
	}
	return best
}
