package parsers_test

import (
	"slices"
	"strings"
	"testing"

	"pith/parsers"
)

const referenceSample = `import os

LIMIT = 3

@deco
def f(a):
    return a


class C:
    x = 1

    def m(self):
        def inner():
            return 2

        return inner()

    async def am(self):
        return 3

if __name__ == "__main__":
    f(1)
`

func TestSplitReferencePython(t *testing.T) {
	tests := []struct {
		name, src string
		want      []string
	}{
		{name: "empty"},
		{name: "no definition", src: "x = 1\ny = 2\n", want: []string{"x = 1\ny = 2\n"}},
		{
			name: "blank lines go with the definition", src: "x\n\n \ndef f(): 1\n",
			want: []string{"x", "\n\n \ndef f(): 1\n"},
		},
		{name: "definition at the start", src: "\ndef f(): 1\n", want: []string{"\ndef f(): 1\n"}},
		{name: "adjacent", src: "def f(): 1\ndef g(): 2", want: []string{"def f(): 1", "\ndef g(): 2"}},
		{
			name: "async and lone keywords start nothing", src: "async def f(): 1\ndef\nclass_ = 1\n",
			want: []string{"async def f(): 1\ndef\nclass_ = 1\n"},
		},
		{
			name: "in a string", src: "s = '''\nclass of 1984\n'''\n",
			want: []string{"s = '''", "\nclass of 1984\n'''\n"},
		},
		{
			name: "separators", src: "a\n# --CHUNK_SEPARATOR-- #\n \n# --CHUNK_SEPARATOR-- #\ndef f(): 1\n",
			want: []string{"a\n", "\ndef f(): 1\n"},
		},
		{
			name: "whole sample", src: referenceSample, want: []string{
				"import os\n\nLIMIT = 3\n\n@deco",
				"\ndef f(a):\n    return a",
				"\n\n\nclass C:\n    x = 1",
				"\n\n    def m(self):",
				referenceSample[strings.Index(referenceSample, "\n        def inner"):],
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parsers.SplitReference("python", []byte(tt.src)); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSplitReferenceBraces(t *testing.T) {
	tests := []struct {
		name, language, src string
		starts              []string
	}{
		{
			name: "a Java class and its first method are one", language: "java",
			src: "import a.B;\n\npublic class C {\n  int f(int a) {\n    return a;\n  }\n\n  int g(int a) {\n    " +
				"return a;\n  }\n}\n",
			starts: []string{"import a.B", "public class C", "  int g"},
		},
		{
			name: "a Rust impl is one", language: "rust", src: "impl S {\n    fn f(&self) {}\n}\n",
			starts: []string{"impl S"},
		},
		{
			name: "an exported class starts at its first method", language: "typescript",
			src: "export class C {\n  f(a) {\n    return a\n  }\n}\n", starts: []string{"export class C", "  f(a)"},
		},
		{
			name: "Go", language: "go", src: "package a\n\ntype T struct {\n}\n\nfunc f() {\n}\n",
			starts: []string{"package a", "type T", "func f"},
		},
		{
			name: "unknown languages follow Python", language: "cobol", src: "x\ndef f\n",
			starts: []string{"x", "\ndef f"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parsers.SplitReference(tt.language, []byte(tt.src))
			if strings.Join(got, "") != tt.src {
				t.Errorf("pieces %q do not give the source back", got)
			}
			if !slices.EqualFunc(got, tt.starts, strings.HasPrefix) {
				t.Errorf("got %q, want pieces that start with %q", got, tt.starts)
			}
		})
	}
}

func FuzzSplitReference(f *testing.F) {
	f.Add("python", referenceSample)
	f.Add("java", "class A { void f() { } }")
	f.Fuzz(func(t *testing.T, language, src string) {
		if strings.Contains(src, "CHUNK_SEPARATOR") {
			return
		}
		if got := strings.Join(parsers.SplitReference(language, []byte(src)), ""); got != src {
			t.Errorf("pieces give %q, not %q", got, src)
		}
	})
}
