// Command chart checks the Helm chart: it renders it with the default values and with each example,
// and decodes every object strictly against the types of the Kubernetes API, so that a field that
// does not exist, or of another type, is an error. It renders with the libraries that Helm renders
// with and not with Helm, whose own takes minutes to build.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"dario.cat/mergo"
	"github.com/Masterminds/sprig/v3"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "check":
		err = check(args[1], args[2])
	case len(args) == 4 && args[0] == "schemas":
		err = schemas(args[1], args[2], args[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: chart check DIR OUT | chart schemas OPENAPI RESOURCE OUT")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check renders the chart with each file of values and leaves Pith's configurations in out, the
// objects in the folder objects there.
func check(dir, out string) error {
	examples, err := filepath.Glob(filepath.Join(dir, "examples", "*.yaml"))
	if err != nil || len(examples) == 0 {
		return fmt.Errorf("no examples in %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Join(out, "objects"), 0o755); err != nil {
		return err
	}
	var errs []error
	for _, name := range append([]string{""}, examples...) {
		kinds, err := render(dir, name, filepath.Join(out, orDefault(name)))
		if err != nil {
			errs = append(errs, fmt.Errorf("with %s: %w", orDefault(name), err))
			continue
		}
		fmt.Printf("%-14s %2d objects: %s\n", orDefault(name), len(kinds), strings.Join(kinds, " "))
	}
	return errors.Join(errs...)
}

func orDefault(name string) string {
	if name == "" {
		return "default.yaml"
	}
	return filepath.Base(name)
}

// read reads a YAML file.
func read(name string) (map[string]any, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(data, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}

// render renders the chart with the values in a file and returns the kinds of its objects, sorted.
// Pith's configuration goes to the file config, the objects to the folder objects beside it.
func render(dir, file, config string) ([]string, error) {
	values, err := read(filepath.Join(dir, "values.yaml"))
	if err != nil {
		return nil, err
	}
	about, err := read(filepath.Join(dir, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	if file != "" {
		given, err := read(file)
		if err != nil {
			return nil, err
		}
		if err := unknown("", given, values); err != nil {
			return nil, err
		}
		if err := mergo.Merge(&values, given, mergo.WithOverride); err != nil {
			return nil, err
		}
	}
	// Helm knows a chart's fields by their Go names.
	capital := map[string]any{}
	for k, v := range about {
		capital[strings.ToUpper(k[:1])+k[1:]] = v
	}
	data := map[string]any{
		"Values": values, "Chart": capital,
		"Release": map[string]any{"Name": "pith", "Namespace": "llm", "Service": "Helm"},
	}
	t := template.New("chart").Option("missingkey=error")
	funcs := sprig.TxtFuncMap()
	funcs["include"] = func(name string, data any) (string, error) {
		var b strings.Builder
		err := t.ExecuteTemplate(&b, name, data)
		return b.String(), err
	}
	funcs["toYaml"] = func(v any) (string, error) {
		data, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(data), "\n"), err
	}
	if _, err := t.Funcs(funcs).ParseGlob(filepath.Join(dir, "templates", "*")); err != nil {
		return nil, err
	}
	var kinds []string
	var errs []error
	var objects strings.Builder
	for _, one := range t.Templates() {
		if !strings.HasSuffix(one.Name(), ".yaml") && one.Name() != "NOTES.txt" {
			continue
		}
		var b strings.Builder
		if err := one.Execute(&b, data); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, doc := range strings.SplitSeq(b.String(), "\n---") {
			if one.Name() == "NOTES.txt" {
				break
			}
			kind, err := decode([]byte(doc), config)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w\n%s", one.Name(), err, doc))
			}
			if kind != "" {
				kinds = append(kinds, kind)
				fmt.Fprintf(&objects, "---\n%s\n", doc)
			}
		}
	}
	slices.Sort(kinds)
	name := filepath.Join(filepath.Dir(config), "objects", filepath.Base(config))
	return kinds, errors.Join(append(errs, os.WriteFile(name, []byte(objects.String()), 0o644))...)
}

// unknown tells of values that the chart does not have. Maps that are empty there hold anything.
func unknown(at string, given, values map[string]any) error {
	var errs []error
	for k, v := range given {
		if k == "resources" {
			continue // a device is a resource too
		}
		has, ok := values[k]
		if !ok && len(values) > 0 {
			errs = append(errs, fmt.Errorf("%s%s is no value of the chart", at, k))
		}
		inner, isMap := v.(map[string]any)
		if known, alsoMap := has.(map[string]any); isMap && alsoMap && len(known) > 0 {
			errs = append(errs, unknown(at+k+".", inner, known))
		}
	}
	return errors.Join(errs...)
}

// decode reads one object into its type, whose every field must be known.
func decode(doc []byte, config string) (kind string, err error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct{ Name string }
	}
	if err := yaml.Unmarshal(doc, &head); err != nil || head.Kind == "" {
		return "", err
	}
	types := map[string]any{
		"apps/v1 Deployment":                      &appsv1.Deployment{},
		"autoscaling/v2 HorizontalPodAutoscaler":  &autoscalingv2.HorizontalPodAutoscaler{},
		"networking.k8s.io/v1 Ingress":            &networkingv1.Ingress{},
		"networking.k8s.io/v1 NetworkPolicy":      &networkingv1.NetworkPolicy{},
		"policy/v1 PodDisruptionBudget":           &policyv1.PodDisruptionBudget{},
		"v1 ConfigMap":                            &corev1.ConfigMap{},
		"v1 Service":                              &corev1.Service{},
		"v1 ServiceAccount":                       &corev1.ServiceAccount{},
		"monitoring.coreos.com/v1 ServiceMonitor": &serviceMonitor{},
	}
	into := types[head.APIVersion+" "+head.Kind]
	switch {
	case into == nil:
		return head.Kind, fmt.Errorf("unknown kind %s %s", head.APIVersion, head.Kind)
	case head.Metadata.Name == "":
		return head.Kind, fmt.Errorf("%s without a name", head.Kind)
	}
	if err := yaml.UnmarshalStrict(doc, into); err != nil {
		return head.Kind, err
	}
	switch object := into.(type) {
	case *appsv1.Deployment:
		return head.Kind, hardened(object)
	case *corev1.ConfigMap:
		if text, ok := object.Data["pith.yaml"]; ok {
			return head.Kind, os.WriteFile(config, []byte(text), 0o644)
		}
	}
	return head.Kind, nil
}

// hardened holds the pods to what the chart promises.
func hardened(d *appsv1.Deployment) error {
	var errs []error
	pod := d.Spec.Template.Spec
	for k, v := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[k] != v {
			errs = append(errs, fmt.Errorf("the selector's label %s is not the pod's", k))
		}
	}
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		errs = append(errs, errors.New("a pod may run as root"))
	}
	for _, c := range append(append([]corev1.Container{}, pod.InitContainers...), pod.Containers...) {
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.AllowPrivilegeEscalation == nil ||
			*s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
			errs = append(errs, fmt.Errorf("container %s is not confined", c.Name))
		}
		if c.ReadinessProbe == nil && c.Name == "pith" {
			errs = append(errs, errors.New("pith has no readiness probe"))
		}
		for _, e := range c.Env {
			secret := strings.Contains(e.Name, "SECRET") || strings.Contains(e.Name, "TOKEN") ||
				strings.HasSuffix(e.Name, "_KEY") || e.Name == "PITH_REDIS_URL"
			if secret && e.Value != "" {
				errs = append(errs, fmt.Errorf("%s stands in the pod in plain text", e.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// A serviceMonitor has the fields of the Prometheus operator's type that the chart uses.
type serviceMonitor struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Endpoints []struct {
			Port          string `json:"port"`
			Path          string `json:"path"`
			Interval      string `json:"interval,omitempty"`
			Authorization struct {
				Credentials corev1.SecretKeySelector `json:"credentials"`
			} `json:"authorization"`
		} `json:"endpoints"`
	} `json:"spec"`
}
