package parsers_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"pith/parsers/processes"
)

// seeds are files of languages without a grammar, with what is odd about each.
var seeds = map[string][]string{
	"yaml": {
		"a: \"\"\"\n  x\n \n  y\n\"\"\"\nb:\n  - c: |\n      text\n\n      more\n  - d: [1,\n      2]\n...\n",
		"k:\n  b: 1\n" +
			"end: '''\n\t\n\n  t\n'''\nelse: >-\n   folded\n \n   on\n# remark\n\n---\n" +
			"- - a\n  - b: &x {c:\n      d}\n",
	},
	"toml": {"[a]\nb = \"\"\"\n \nx\n\"\"\"\n]\nc = '''\n\n'''\n# d\n[[e.f]]\ng = [\n  1,\n  2,\n]\n"},
	"json": {"{\n  \"a\": [\n    {\n      \"b\": \"'''\"\n    }\n  ],\n \n  \"c\": {}\n}\n"},
	"hcl":  {"resource \"a\" \"b\" {\n  c = <<EOT\n  \"\"\"\n \n  EOT\n  d {\n    e = 1\n  }\n} \"\"\"\n\t\n\"\"\"\n"},
	"html": {"<a>\n  <b>\n    '''\n \n    c\n  </b>\n</a> \"\"\"\n\n \n<d/>\n"},
	"lua":  {"function f()\n  if a then\n    b()\n  else '''\n \n  '''\n    c()\n  end\nend\n-- d\n"},
}

// mutated is src after a few random changes to its bytes and lines.
func mutated(rng *rand.Rand, src []byte) []byte {
	const odd = "\"\"\"'''|>-:[]{}#&!</> \t\r\n\x00\xff"
	out := bytes.Clone(src)
	for range 1 + rng.IntN(8) {
		if len(out) == 0 {
			return out
		}
		at := rng.IntN(len(out))
		to := min(len(out), at+1+rng.IntN(12))
		switch rng.IntN(5) {
		case 0: // a piece goes
			out = append(out[:at:at], out[to:]...)
		case 1: // a piece comes twice
			out = append(out[:to:to], out[at:]...)
		case 2: // something comes between
			piece := odd[rng.IntN(len(odd)):]
			out = append(append(out[:at:at], piece[:1+rng.IntN(min(4, len(piece)))]...), out[at:]...)
		case 3: // a byte is another
			out[at] = odd[rng.IntN(len(odd))]
		default: // two lines change places
			lines := bytes.SplitAfter(out, []byte("\n"))
			i, k := rng.IntN(len(lines)), rng.IntN(len(lines))
			lines[i], lines[k] = lines[k], lines[i]
			out = bytes.Join(lines, nil)
		}
	}
	return out
}

// TestMutatedFilesAreCut: whatever a file without a grammar has become, its lines are cut by the
// language's own way, and the chunks tile it.
func TestMutatedFilesAreCut(t *testing.T) {
	p := newPool(t, processes.Options{InProcess: true})
	for language, sources := range seeds {
		rng := rand.New(rand.NewPCG(1, uint64(len(language))))
		for _, seed := range sources {
			for range 4000 {
				src := mutated(rng, []byte(seed))
				f, err := p.ParseAs(t.Context(), language, src)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(f.Fallback, "failed") {
					t.Fatalf("%s: %s: %q", language, f.Fallback, src)
				}
				checkTiling(t, f, src)
			}
		}
	}
}

// FuzzIndented is the same for whatever a fuzzer makes of the seeds.
func FuzzIndented(f *testing.F) {
	for language, sources := range seeds {
		for _, seed := range sources {
			f.Add(language, []byte(seed))
		}
	}
	p := newPool(f, processes.Options{InProcess: true})
	f.Fuzz(func(t *testing.T, language string, src []byte) {
		if _, known := seeds[language]; !known {
			return
		}
		got, err := p.ParseAs(t.Context(), language, src)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.Fallback, "failed") {
			t.Fatalf("%s: %s", language, got.Fallback)
		}
		checkTiling(t, got, src)
	})
}
