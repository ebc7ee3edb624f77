// Command chart checks what Helm makes of the chart: it decodes every object strictly against the
// types of the Kubernetes API, so that a field that does not exist, or of another type, is an
// error, and holds the pods to what the chart promises. And it writes the schemas that kubeconform
// reads.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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

// check reads what Helm made of the chart with each file of values, in the folder objects of out,
// and leaves Pith's configurations in out.
func check(dir, out string) error {
	examples, err := filepath.Glob(filepath.Join(dir, "examples", "*.yaml"))
	if err != nil || len(examples) == 0 {
		return fmt.Errorf("no examples in %s: %w", dir, err)
	}
	var errs []error
	for _, name := range append([]string{""}, examples...) {
		as := orDefault(name)
		kinds, err := examine(dir, name, filepath.Join(out, "objects", as), filepath.Join(out, as))
		if err != nil {
			errs = append(errs, fmt.Errorf("with %s: %w", as, err))
			continue
		}
		fmt.Printf("%-14s %2d objects: %s\n", as, len(kinds), strings.Join(kinds, " "))
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

// examine looks at what the chart makes of the values in a file and returns the kinds of its
// objects, sorted. Pith's configuration goes to the file config.
func examine(dir, file, objects, config string) ([]string, error) {
	values, err := read(filepath.Join(dir, "values.yaml"))
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
	}
	data, err := os.ReadFile(objects)
	if err != nil {
		return nil, err
	}
	var kinds []string
	var errs []error
	for doc := range strings.SplitSeq(string(data), "\n---") {
		kind, err := decode([]byte(doc), config)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w\n%s", err, doc))
		}
		if kind != "" {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds, errors.Join(errs...)
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
