package parsers_test

import (
	"slices"
	"strings"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

// one function for each language that takes a parameter, declares a local, calls, and uses a type
// of its own.
var named = []struct {
	language, src             string
	defines, calls, types     string
	declares, uses, notLocals string
}{
	{
		"go",
		`package p

func Load(path string) *Shelf {
	books := read(path)
	for i, b := range books {
		log.Print(i, b)
	}
	return &Shelf{Items: books}
}
`,
		"Load", "read Print", "Shelf string", "3:path 4:books 5:i 5:b", "4:path 5:books 6:i 6:b 8:books",
		"Items log",
	},
	{
		"python",
		`def load(path: str, *rest) -> Shelf:
    books = read(path)
    for i, b in books.items():
        log.show(i, b)
    return Shelf(books)
`,
		"load", "read items show Shelf", "str Shelf", "1:path 1:rest 2:books 3:i 3:b",
		"2:path 3:books 4:i 4:b 5:books", "log show",
	},
	{
		"javascript",
		`export function load(path, { deep = 1 }) {
  const books = read(path);
  for (const b of books) {
    log.show(b, deep);
  }
  return new Shelf(books);
}
`,
		"load", "read show Shelf", "Shelf", "1:path 1:deep 2:books 3:b", "2:path 3:books 4:b 4:deep 6:books",
		"log",
	},
	{
		"typescript",
		`export function load(path: string): Shelf<Book> {
  const books = read(path);
  return books.map((b: Book) => {
    return b.id;
  });
}
`,
		"load", "read map", "Shelf Book", "1:path 2:books 3:b", "2:path 3:books 4:b", "id",
	},
	{
		"tsx",
		`function Card(props: Props) {
  const name = props.name;
  return (
    <Box title={name} />
  );
}
`,
		"Card", "Box", "Props", "1:props 2:name", "2:props 4:name", "title",
	},
	{
		"java",
		`class A {
  Shelf load(Path path) {
    List<Book> books = this.read(path);
    for (Book b : books) {
      log.show(b);
    }
    return new Shelf(books);
  }
}
`,
		"load", "read show Shelf", "Shelf Path List Book", "2:path 3:books 4:b", "3:path 4:books 5:b 7:books",
		"log",
	},
	{
		"c",
		`struct shelf *load(const char *path, size_t n) {
  struct book *books = read_all(path, n);
  for (int i = 0; i < 3; i++)
    books[i].next = i;
  return make(books);
}
`,
		"load", "read_all make", "shelf book", "1:path 1:n 2:books 3:i", "2:path 2:n 4:books 4:i 5:books",
		"next",
	},
	{
		"cpp",
		`Shelf<Book> A::load(const std::string &path) {
  auto books = new Reader(path);
  for (auto &b : *books) {
    log->show(b);
  }
  return std::move(books);
}
`,
		"load", "Reader show move", "Shelf Book string Reader", "1:path 2:books 3:b",
		"2:path 3:books 4:b 6:books", "log",
	},
	{
		"csharp",
		`class A {
  Shelf Load(Path path) {
    var books = this.Read(path);
    foreach (var b in books) {
      Log.Show(b);
    }
    return new Shelf(books);
  }
}
`,
		"Load", "Read Show Shelf", "Shelf Path", "2:path 3:books 4:b", "3:path 4:books 5:b 7:books", "Log",
	},
	{
		"rust",
		`fn load(path: &Path) -> Shelf {
    let mut books = read(path);
    for (i, b) in books.iter() {
        println!("{}", b);
    }
    if let Some(x) = books.last() {
        log::show(x);
    }
    Shelf::new(books)
}
`,
		"load", "read iter println last show new", "Path Shelf", "1:path 2:books 3:i 3:b 6:x",
		"2:path 3:books 4:b 6:books 7:x 9:books", "Some log",
	},
	{
		"ruby",
		`def load(path, deep: 1)
  books = read(path)
  books.each do |b|
    log.show(b, deep)
  end
  Shelf.new(books)
end
`,
		"load", "read each show new", "Shelf", "1:path 1:deep 2:books 3:b", "2:path 3:books 4:b 4:deep 6:books",
		"log",
	},
	{
		"php",
		`<?php
function load(Path $path): Shelf {
  $books = read($path);
  foreach ($books as $i => $b) {
    Log::show($i, $b);
  }
  return new Shelf($books);
}
`,
		"load", "read show Shelf", "Path Shelf", "2:path 3:books 4:i 4:b", "3:path 4:books 5:i 5:b 7:books",
		"Log",
	},
	{
		"kotlin",
		`fun load(path: Path): Shelf {
    val books = read(path)
    for (b in books) {
        log.show(b)
    }
    return Shelf(books)
}
`,
		"load", "read show Shelf", "Path Shelf", "1:path 2:books 3:b", "2:path 3:books 4:b 6:books", "log",
	},
	{
		"swift",
		`func load(_ path: Path, at n: Int = 0) -> Shelf {
    let books = read(path)
    for b in books {
        log.show(b, n)
    }
    return Shelf(items: books)
}
`,
		"load", "read show Shelf", "Path Shelf", "1:path 1:n 2:books 3:b", "2:path 3:books 4:b 4:n 6:books",
		"log at items",
	},
	{
		"scala",
		`object A {
  def load(path: Path): Shelf = {
    val books = read(path)
    books.foreach { b =>
      log.show(b)
    }
    new Shelf(books)
  }
}
`,
		"load", "read foreach show Shelf", "Path Shelf", "2:path 3:books 4:b", "3:path 4:books 5:b 7:books",
		"log",
	},
	{
		"bash", "load() {\n  local path=$1\n  for b in $(read_all \"$path\"); do\n    show \"$b\"\n  done\n}\n",
		"load", "read_all show", "", "2:path 3:b", "3:path 4:b", "",
	},
}

// TestNames holds what is told of the function in each sample against what stands there.
func TestNames(t *testing.T) {
	p := newPool(t, processes.Options{})
	for _, tt := range named {
		t.Run(tt.language, func(t *testing.T) {
			f, err := p.ParseAs(t.Context(), tt.language, []byte(tt.src))
			if err != nil || f.Fallback != "" {
				t.Fatalf("%v, fallback %q", err, f.Fallback)
			}
			n := f.Chunks[functionAt(t, f, tt.defines)].Names
			for _, list := range []struct {
				use  string
				got  []string
				want string
			}{{"defines", n.Defines, tt.defines}, {"calls", n.Calls, tt.calls}, {"uses the types", n.Types, tt.types}} {
				for word := range strings.FieldsSeq(list.want) {
					if !slices.Contains(list.got, word) {
						t.Errorf("%s %v, without %s", list.use, list.got, word)
					}
				}
			}
			declared, used := locals(f, tt.src, n)
			if want := strings.Fields(tt.declares); !slices.Equal(declared, want) {
				t.Errorf("declares %v instead of %v", declared, want)
			}
			for word := range strings.FieldsSeq(tt.uses) {
				if !slices.Contains(used, word) {
					t.Errorf("uses %v, without %s", used, word)
				}
			}
			for word := range strings.FieldsSeq(tt.notLocals) {
				if slices.ContainsFunc(n.Locals, func(l parsers.Local) bool { return l.Name == word }) {
					t.Errorf("%s is taken for a local", word)
				}
			}
		})
	}
	if languages := parsers.Languages(); len(named)+1 != len(languages) { // Markdown has no names
		t.Errorf("%d samples for %v", len(named), languages)
	}
}

// functionAt is the index of the chunk that defines a name.
func functionAt(t *testing.T, f parsers.File, name string) int {
	t.Helper()
	i := slices.IndexFunc(f.Chunks, func(c parsers.Chunk) bool { return slices.Contains(c.Names.Defines, name) })
	if i < 0 {
		t.Fatalf("no chunk defines %s", name)
	}
	return i
}

// locals writes "line:name" for each place, lines from 1, as they stand in the line.
func locals(_ parsers.File, src string, n parsers.Names) (declared, used []string) {
	lines := strings.Split(src, "\n")
	for _, l := range n.Locals {
		if !strings.Contains(lines[l.Line], l.Name) {
			declared = append(declared, "false line for "+l.Name)
		}
		place := string(rune('1'+l.Line)) + ":" + l.Name
		if l.Declares {
			declared = append(declared, place)
		} else {
			used = append(used, place)
		}
	}
	return declared, used
}

// TestNamesWithoutGrammar: words alone tell something of languages that no grammar cuts, nothing of
// prose.
func TestNamesWithoutGrammar(t *testing.T) {
	p := newPool(t, processes.Options{})
	for _, tt := range []struct{ language, src, defines, calls string }{
		{"lua", "local function load(path)\n  local books = read(path)\n  return books\nend\n", "load", "read"},
		{"yaml", "services:\n  web:\n    image: nginx\n  - name: x\n", "services web image name", ""},
		{"text", "The function load reads: a file (or none).\n", "", ""},
	} {
		f, err := p.ParseAs(t.Context(), tt.language, []byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		n := f.Chunks[0].Names
		if got := strings.Join(n.Defines, " "); got != tt.defines {
			t.Errorf("%s: defines %q instead of %q", tt.language, got, tt.defines)
		}
		if got := strings.Join(n.Calls, " "); tt.calls != "" && !strings.Contains(got, tt.calls) ||
			tt.calls == "" && got != "" {
			t.Errorf("%s: calls %q instead of %q", tt.language, got, tt.calls)
		}
	}
}

// TestDoc: what describes a function is known, above it or inside.
func TestDoc(t *testing.T) {
	p := newPool(t, processes.Options{})
	for _, tt := range []struct {
		language, src  string
		doc, signature [2]int
	}{
		{"go", "package p\n\n// F is\n// one.\nfunc F(\n\ta int,\n) {\n\tg()\n}\n", [2]int{2, 4}, [2]int{4, 7}},
		{
			"python", "@cached\ndef f(a,\n      b):\n    \"\"\"Is\n    one.\"\"\"\n    return a\n",
			[2]int{3, 5},
			[2]int{0, 3},
		},
		{
			"java", "class A {\n  int x;\n\n  /** One. */\n  @Test\n  void f() {\n    g();\n  }\n}\n",
			[2]int{3, 4},
			[2]int{4, 6},
		},
		{"rust", "/// One.\n#[inline]\nfn f() {\n    g();\n}\n", [2]int{0, 1}, [2]int{1, 3}},
		{"go", "package p\n\nfunc F() {\n\tg()\n}\n", [2]int{2, 2}, [2]int{2, 3}},
	} {
		f, err := p.ParseAs(t.Context(), tt.language, []byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(f.Chunks, func(c parsers.Chunk) bool { return c.Kind == parsers.KindFunction })
		c := f.Chunks[i]
		if got := [2]int{c.DocStart, c.DocEnd}; got != tt.doc {
			t.Errorf("%s: doc %v instead of %v", tt.language, got, tt.doc)
		}
		if got := [2]int{c.SignatureStart, c.SignatureEnd}; got != tt.signature {
			t.Errorf("%s: signature %v instead of %v", tt.language, got, tt.signature)
		}
	}
}
