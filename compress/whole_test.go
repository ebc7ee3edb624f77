package compress

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// repeated writes line for 0 to n-1; %[1]d is the number.
func repeated(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// lumps are valid files that are one statement, one frame or one value in the main, and a line that
// answers the question.
var lumpFiles = []struct {
	name, path, text, query, want string
	// pairs are lines of which all stay or none.
	pairs []string
}{
	{
		"a call's arguments", "routes.go", "package p\n\nvar routes = register(\n" +
			repeated(90, "\troute(\"/path%[1]d\", handler%[1]d),\n") + ")\n",
		"Which handler serves path57?", "handler57", nil,
	},
	{
		"a map's entries", "table.py", "TABLE = dict(\n" + repeated(90, "    key%[1]d='value number %[1]d',\n") + ")\n",
		"What is key57?", "key57=", nil,
	},
	{
		"arguments without a last comma", "Routes.java",
		"class Routes {\n  List<Route> all() {\n    return List.of(\n" +
			repeated(90, "        route(\"/path%[1]d\", Handler%[1]d.class),\n") +
			"        route(\"/\", Root.class));\n  }\n}\n",
		"Which handler serves path57?", "Handler57", nil,
	},
	{
		"nested literals", "rules.ts", "export const rules = {\n" +
			repeated(40, "  rule%[1]d: {\n    level: %[1]d,\n    fix: fix%[1]d,\n  },\n") + "};\n",
		"Which fix has rule17?", "fix17", nil,
	},
	{
		"a vector", "table.rs", "fn table() -> Table {\n    build(\n" +
			repeated(90, "        entry(\"key%[1]d\", %[1]d),\n") + "    )\n}\n",
		"What is key57?", "\"key57\"", nil,
	},
	{
		"JSX children", "Form.tsx", "export function Form(p: Props) {\n  return (\n    <form>\n" +
			repeated(40, "      <Row name=\"field%[1]d\">\n        {p.value%[1]d}\n      </Row>\n") +
			"    </form>\n  );\n}\n",
		"What does field17 show?", "p.value17",
		[]string{"    <form>\n", "    </form>\n"},
	},
	{
		"a statement that the grammar does not know", "a.kt",
		"fun run() {\n" + repeated(60, "    val v%[1]d = load%[1]d(%[1]d)\n    print(v%[1]d)\n") +
			"    for (i in 0..<10) print(i)\n}\n", "What does load37 load?", "load37", nil,
	},
	{
		"a broken class", "A.java", "class A {\n  void bad( {\n    x();\n  }\n" +
			repeated(30, "  void method%[1]d(int a) {\n    int b = call%[1]d(a);\n    print(b);\n  }\n") + "}\n",
		"What does method17 call?", "call17", nil,
	},
	{
		"a Swift dictionary", "t.swift", "let t = [\n" + repeated(90, "    \"key%[1]d\": %[1]d,\n") + "]\n",
		"What is key37?", "\"key37\"", nil,
	},
	{
		"a guarded extern C", "q.h", "#ifndef Q_H\n#define Q_H\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n" +
			repeated(60, "/* Takes item %[1]d. */\nint queue_take_%[1]d(struct queue *q, int flags);\n") +
			"#ifdef __cplusplus\n}\n#endif\n#endif\n",
		"What does queue_take_37 take?", "queue_take_37(",
		[]string{"extern \"C\" {\n", "}\n"},
	},
	{
		"a function in conditionals", "io.c", "#ifdef HAVE_IO\nint f(int a) {\n#else\nint f(long a) {\n#endif\n" +
			repeated(60, "\tint v%[1]d = load_%[1]d(a);\n\tprint(v%[1]d);\n") + "\treturn a;\n}\n",
		"What does load_37 do?", "load_37(",
		[]string{"#ifdef HAVE_IO\n", "#else\n", "#endif\n"},
	},
	{
		"an attribute in a conditional", "A.cs", "namespace N\n{\n    [Fixture]\n#if !CORE\n    [Category(\"x\")]\n" +
			"#endif\n    public class A\n    {\n" +
			repeated(30, "        void Method%[1]d()\n        {\n            Call%[1]d(%[1]d);\n        }\n\n") +
			"    }\n}\n", "What does Method17 do?", "Call17(",
		[]string{"#if !CORE\n", "#endif\n"},
	},
	{
		"regions", "B.cs", "class B\n{\n#region one\n" +
			repeated(30, "    void Method%[1]d()\n    {\n        Call%[1]d(%[1]d);\n    }\n\n") +
			"#endregion\n    void Last()\n    {\n        End();\n    }\n}\n", "What does Method17 do?", "Call17(",
		[]string{"#region one\n", "#endregion\n"},
	},
	{
		"a long docstring", "store.py", "class Store:\n    \"\"\"Stores.\n\n" +
			repeated(40, "    Paragraph %[1]d of a long story about shelves and their owners.\n") +
			"    \"\"\"\n\n" + repeated(12, "    def method_%[1]d(self, item):\n        return item.size * %[1]d\n\n"),
		"What does method_5 return?", "item.size * 5", nil,
	},
	{
		"services", "compose.yml", "services:\n" +
			repeated(30, "  service%[1]d:\n    image: registry/%[1]d\n    environment:\n      POOL: %[1]d\n"+
				"      HOST: db%[1]d\n"),
		"Which HOST has service17?", "db17", nil,
	},
	{
		"sections", "setup.toml",
		repeated(30, "[tool.part%[1]d]\nlevel = %[1]d\nowner = \"team%[1]d\"\ntimeout = 3%[1]d\n\n"),
		"Which owner has part17?", "\"team17\"", nil,
	},
}

// Nothing is indivisible: of what is one statement or one frame in the main the line asked for
// stays, most of the budget holds lines of the file, and what belongs together stays together.
func TestNothingIsIndivisible(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	for _, tt := range lumpFiles {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{
				Files: []File{{Path: tt.path, Content: tt.text}}, Query: tt.query, Rate: 0.4,
				Ranker: rankWords,
			}
			res := compress(t, e, req)
			check(t, e.opt.Splitter, wordCounter{}, req, res)
			if !strings.Contains(res.Text, tt.want) {
				t.Errorf("without %s:\n%s", tt.want, res.Text)
			}
			if res.CompressedTokens < res.Budget/3 {
				t.Errorf("%d of %d tokens used:\n%s", res.CompressedTokens, res.Budget, res.Text)
			}
			lines := slices.Collect(strings.Lines(res.Text))
			for _, line := range tt.pairs {
				if !slices.Contains(lines, line) {
					t.Errorf("without the line %q:\n%s", line, res.Text)
				}
			}
		})
	}
}

// What makes the rest a file of its language stays whatever else goes.
func TestHeadStays(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	for path, head := range map[string]string{
		"a.go": "package shelf\n", "A.java": "package a.shelf;\n", "a.kt": "package a.shelf\n",
		"a.php": "<?php\n", "a.sh": "#!/bin/bash\n", "a.py": "#!/usr/bin/env python3\n",
	} {
		line := map[string]string{
			"a.go":   "func f%[1]d() {\n\tcall%[1]d()\n}\n\n",
			"A.java": "class C%[1]d {\n  void f() {\n    call%[1]d();\n  }\n}\n\n",
			"a.kt":   "fun f%[1]d() {\n    call%[1]d()\n}\n\n",
			"a.php":  "function f%[1]d() {\n  call%[1]d();\n}\n\n", "a.sh": "f%[1]d() {\n  call%[1]d\n}\n\n",
			"a.py": "def f%[1]d():\n    call%[1]d()\n\n\n",
		}[path]
		text := head + "\n" + repeated(40, line)
		for _, rate := range []float64{0.1, 0.4} {
			res := compress(
				t, e, Request{
					Files: []File{{Path: path, Content: text}}, Query: "What does f17 call?", Rate: rate,
					Ranker: rankWords,
				})
			if !strings.HasPrefix(res.Text, head) || !strings.Contains(res.Text, "call17") {
				t.Errorf("%s, rate %v:\n%s", path, rate, res.Text)
			}
		}
	}
}
