package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// schemas writes one JSON schema a kind, as kubeconform reads them, strict: a field that is not
// there is refused. They come from the OpenAPI document of Kubernetes and a definition of a custom
// resource.
func schemas(openAPI, resource, out string) error {
	data, err := os.ReadFile(openAPI)
	if err != nil {
		return err
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(data, &api); err != nil {
		return fmt.Errorf("%s: %w", openAPI, err)
	}
	for name, definition := range api.Definitions {
		shut(definition)
		switch name[strings.LastIndex(name, ".")+1:] {
		case "IntOrString":
			api.Definitions[name] = map[string]any{"type": []string{"string", "integer"}}
		case "Quantity":
			api.Definitions[name] = map[string]any{"type": []string{"string", "number"}}
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(api.Definitions)) {
		kinds, _ := api.Definitions[name]["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue // a part of others, or a list of options that belongs to all groups
		}
		kind := kinds[0].(map[string]any)
		used := map[string]any{}
		reach(api.Definitions, name, used)
		schema := map[string]any{"$ref": "#/definitions/" + name, "definitions": used}
		if err := write(out, kind["kind"], kind["group"], kind["version"], schema); err != nil {
			return err
		}
	}
	return custom(resource, out)
}

// custom writes the schema of a custom resource.
func custom(resource, out string) error {
	data, err := os.ReadFile(resource)
	if err != nil {
		return err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return fmt.Errorf("%s: %w", resource, err)
	}
	for _, v := range crd.Spec.Versions {
		schema := v.Schema.OpenAPIV3Schema
		// The API server adds what every object has.
		schema["properties"].(map[string]any)["metadata"] = map[string]any{
			"type": "object", "x-kubernetes-preserve-unknown-fields": true,
		}
		shut(schema)
		if err := write(out, crd.Spec.Names.Kind, crd.Spec.Group, v.Name, schema); err != nil {
			return err
		}
	}
	return nil
}

// write names a schema as kubeconform does.
func write(out string, kind, group, version any, schema map[string]any) error {
	first, _, _ := strings.Cut(fmt.Sprint(group), ".")
	name := fmt.Sprint(kind, "-", first, "-", version, ".json")
	if first == "" {
		name = fmt.Sprint(kind, "-", version, ".json")
	}
	data, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, strings.ToLower(name)), data, 0o644)
}

// shut has every object of a schema refuse fields that it does not name.
func shut(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		for _, inner := range s {
			shut(inner)
		}
		if _, ok := s["properties"].(map[string]any); ok && s["x-kubernetes-preserve-unknown-fields"] == nil {
			s["additionalProperties"] = false
		}
		if s["x-kubernetes-int-or-string"] == true {
			s["type"] = []string{"string", "integer"}
		}
	case []any:
		for _, inner := range s {
			shut(inner)
		}
	}
}

// reach copies into used what the definition called name needs.
func reach(all map[string]map[string]any, name string, used map[string]any) {
	if used[name] != nil {
		return
	}
	used[name] = all[name]
	var follow func(any)
	follow = func(schema any) {
		switch s := schema.(type) {
		case map[string]any:
			if ref, ok := s["$ref"].(string); ok {
				reach(all, strings.TrimPrefix(ref, "#/definitions/"), used)
			}
			for _, inner := range s {
				follow(inner)
			}
		case []any:
			for _, inner := range s {
				follow(inner)
			}
		}
	}
	follow(all[name])
}
