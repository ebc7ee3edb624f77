package bench

import "testing"

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		name, function, want string
		comment              []string
	}{
		{
			"go", "Server.Serve", "accepts incoming connections on the listener, see .",
			[]string{
				"// Serve accepts incoming connections", "// on the listener, see Server.Serve().",
				"//go:noinline",
			},
		},
		{
			"javadoc", "size", "Returns the number of elements in this collection.",
			[]string{
				"/**", " * Returns the number of <b>elements</b> in", " * this {@code collection}.", " *",
				" * @return size", " */",
			},
		},
		{
			"docstring", "load", "Read the file and parse every line of it.",
			[]string{
				`    """Read the file and parse`, "    every line of it.", "", "    Args:",
				"        path: where", `    """`,
			},
		},
		{
			"rust", "push", "Appends an element to the back of the list.",
			[]string{"/// Appends an element to the back of the `push` list.", "///", "/// # Panics"},
		},
		{
			"doxygen", "f", "Frees all memory that the table holds.",
			[]string{"/**", " * @brief Frees all memory that the table holds.", " * @param t table", " */"},
		},
		{"tags only", "f", "", []string{"/**", " * @param {number} count how many of them there are", " */"}},
		{"a note to oneself", "f", "", []string{"// TODO: make this package private when nobody uses it."}},
		{
			"what the name leaves behind", "open_face", "Fetches the only face that is empty.",
			[]string{
				"/**", " * open_face:", " *", " * Fetches the only face that is empty.",
				" * Since: 0.9.2", " */",
			},
		},
		{"too short", "f", "", []string{"// f is a helper."}},
		{"a ruler", "f", "", []string{"// ---- ==== **** //// ----", "// 1 2 3 4 5 6 7"}},
		{
			"part of a word stays", "get", "getter for the target of a gadget",
			[]string{"// getter for the target of a gadget"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.comment, tt.function); got != tt.want {
				t.Errorf("describe(%q, %q) = %q, want %q", tt.comment, tt.function, got, tt.want)
			}
		})
	}
}
