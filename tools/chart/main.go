// Command chart checks the Helm chart with Helm's own libraries: it lints the chart, renders it with
// the default values and with each example, and decodes every object strictly against the types of
// the Kubernetes API, so that a field that does not exist, or of another type, is an error.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart DIR")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(dir string) error {
	var errs []error
	for _, m := range lint.All(dir, nil, "pith", true).Messages {
		if m.Severity >= support.WarningSev {
			errs = append(errs, fmt.Errorf("lint: %s: %w", m.Path, m.Err))
		}
	}
	c, err := loader.LoadDir(dir)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	examples, err := filepath.Glob(filepath.Join(dir, "examples", "*.yaml"))
	if err != nil || len(examples) == 0 {
		return errors.Join(append(errs, fmt.Errorf("no examples in %s: %w", dir, err))...)
	}
	for _, name := range append([]string{""}, examples...) {
		kinds, err := render(c, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("with %s: %w", orDefault(name), err))
			continue
		}
		fmt.Printf("%-22s %d objects: %s\n", orDefault(name), len(kinds), strings.Join(kinds, " "))
	}
	return errors.Join(errs...)
}

func orDefault(name string) string {
	if name == "" {
		return "default values"
	}
	return filepath.Base(name)
}

// render renders the chart with the values in a file and returns the kinds of its objects, sorted.
func render(c *chart.Chart, file string) ([]string, error) {
	given := chartutil.Values{}
	if file != "" {
		var err error
		if given, err = chartutil.ReadValuesFile(file); err != nil {
			return nil, err
		}
	}
	release := chartutil.ReleaseOptions{Name: "pith", Namespace: "llm", Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(c, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, values)
	if err != nil {
		return nil, err
	}
	var kinds []string
	var errs []error
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		for _, doc := range strings.Split(text, "\n---") {
			kind, err := decode([]byte(doc))
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w\n%s", name, err, doc))
			}
			if kind != "" {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	return kinds, errors.Join(errs...)
}

// decode reads one object into its type, whose every field must be known.
func decode(doc []byte) (kind string, err error) {
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
	if d, ok := into.(*appsv1.Deployment); ok {
		return head.Kind, hardened(d)
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
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil ||
			*s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
			errs = append(errs, fmt.Errorf("container %s is not confined", c.Name))
		}
		if c.ReadinessProbe == nil && c.Name == "pith" {
			errs = append(errs, errors.New("pith has no readiness probe"))
		}
		for _, e := range c.Env {
			secret := strings.Contains(e.Name, "SECRET") || strings.Contains(e.Name, "TOKEN") || strings.HasSuffix(e.Name, "_KEY") || e.Name == "PITH_REDIS_URL"
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
