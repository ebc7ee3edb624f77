package shell_test

import (
	"reflect"
	"testing"

	"pith/dialects/shell"
)

// What a command line is known to print is files and literal lines; a line that prints anything
// else, or a part of which nobody can say whether it is all, is not known. The files are named in
// any case.
func TestPrints(t *testing.T) {
	file := func(path string) shell.Output { return shell.Output{Path: path} }
	tests := []struct {
		line   string
		prints []shell.Output
		files  []string
		known  bool
	}{
		{"cat a.go", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"cat -n a.go b.go", []shell.Output{file("a.go"), file("b.go")}, []string{"a.go", "b.go"}, true},
		{"cat -A a.go", []shell.Output{file("a.go")}, []string{"a.go"}, false},
		{"cat < a.go", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"nl -v 7 a.go", []shell.Output{file("a.go")}, []string{"a.go"}, false},
		{"bash -lc 'cd x && cat a.go'", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"git show HEAD:./a.go", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"git show HEAD", nil, nil, false},
		// Parts: head and sed print below their last line, tail prints an end.
		{"head -40 a.go", []shell.Output{{Path: "a.go", Below: 40}}, []string{"a.go"}, true},
		{"head a.go b.go", []shell.Output{
			{Path: "a.go", Below: 10, Headed: true}, {Path: "b.go", Below: 10, Headed: true},
		}, []string{"a.go", "b.go"}, true},
		{"tail a.go", []shell.Output{{Path: "a.go", Below: 10}}, []string{"a.go"}, false},
		{"tail -n +1 a.go", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"sed -n 1,80p a.go", []shell.Output{{Path: "a.go", Below: 80}}, []string{"a.go"}, true},
		{"sed -n 20,80p a.go", []shell.Output{{Path: "a.go", Below: 80}}, []string{"a.go"}, false},
		{"sed p a.go", []shell.Output{file("a.go")}, []string{"a.go"}, false},
		{"sed -n p a.go", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		// Pipes: a filter of all lines passes, one of some bounds one file and blurs several.
		{"cat a.go | nl", []shell.Output{file("a.go")}, []string{"a.go"}, true},
		{"cat a.go | head -30", []shell.Output{{Path: "a.go", Below: 30}}, []string{"a.go"}, true},
		{"head -20 a.go | head -30", []shell.Output{{Path: "a.go", Below: 20}}, []string{"a.go"}, true},
		{"cat a.go b.go | head -30", []shell.Output{file("a.go"), file("b.go")}, []string{"a.go", "b.go"}, false},
		{"cat a.go | grep x", []shell.Output{file("a.go")}, []string{"a.go"}, false},
		// Several commands: what runs in another's stead prints nothing beside it.
		{
			"echo here; cat a.go",
			[]shell.Output{{Literal: "here"}, file("a.go")},
			[]string{"a.go"},
			true,
		},
		{"cat a.go || cat b.go", []shell.Output{file("a.go")}, []string{"a.go", "b.go"}, true},
		{"cat a.go; make", []shell.Output{file("a.go")}, []string{"a.go"}, false},
		{"echo here", []shell.Output{{Literal: "here"}}, nil, false},
		// Not plain: nothing is said.
		{"cat *.go", nil, nil, false},
		{"cat $(ls)", nil, nil, false},
		{"cat a.go > b.go", nil, nil, false},
		{"cat a.go &", nil, nil, false},
		{"", nil, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			prints, files, known := shell.Prints(tt.line)
			if !reflect.DeepEqual(prints, tt.prints) || !reflect.DeepEqual(files, tt.files) || known != tt.known {
				t.Errorf("got %+v %q %v, want %+v %q %v", prints, files, known, tt.prints, tt.files, tt.known)
			}
		})
	}
}
