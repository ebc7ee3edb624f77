package sources_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pith/bench/sources"
)

func TestFolderPackagesKeepRegistryNames(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{
		"go/github.com__a__b@v1.2.0", "npm/@scope__c@1.0.0", "maven/org.d__e@2.0",
		"plain/src", "go/github.com__a__b@v1.3.0",
	} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	manifest := filepath.Join(root, "manifest.json")
	if err := os.WriteFile(manifest, []byte(`{"held_out": ["npm @scope/c", "go other"], "packages": []}`),
		0o644); err != nil {
		t.Fatal(err)
	}
	names, err := sources.HeldOut(manifest)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := sources.FolderPackages(root)
	if err != nil {
		t.Fatal(err)
	}
	var got, held []string
	for _, p := range sources.Mark(packages, names) {
		got = append(got, p.Name)
		if p.HeldOut {
			held = append(held, p.Name)
		}
	}
	if want := []string{
		"folder plain", "go github.com/a/b", "maven org.d:e",
		"npm @scope/c",
	}; !slices.Equal(got, want) {
		t.Errorf("packages %q, want %q", got, want)
	}
	if !slices.Equal(held, []string{"npm @scope/c"}) {
		t.Errorf("held out %q, want the one that the manifest names", held)
	}
}

func TestHeldOutWithoutManifest(t *testing.T) {
	names, err := sources.HeldOut(filepath.Join(t.TempDir(), "none.json"))
	if err != nil || len(names) != 0 {
		t.Errorf("HeldOut of a missing file = %v, %v; want none known", names, err)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"held_out": 3}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sources.HeldOut(broken); err == nil {
		t.Error("a broken manifest passes for an empty one")
	}
}

// Go's standard library is on every machine that runs this test.
func TestLocalPackagesFindsTheStandardLibrary(t *testing.T) {
	for _, p := range sources.LocalPackages(t.Context()) {
		if p.Name == "go-std std/net" {
			return
		}
	}
	t.Error("no package go-std std/net")
}
