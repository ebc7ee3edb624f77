// Package parsers cuts source files into chunks along syntax boundaries.
//
// It knows nothing of prompts, tokens or models: bytes go in, spans come out.
package parsers

// Kind says what a chunk is.
type Kind string

// The kinds of chunk. A language uses the ones that it has.
const (
	KindFunction Kind = "function" // function, method, constructor, accessor
	// Header and own members of a class, struct with methods inside, trait, impl, interface,
	// module, namespace.
	KindClass   Kind = "class"
	KindType    Kind = "type"    // type declaration that holds no function
	KindImports Kind = "imports" // package clause, imports, includes, using
	KindModule  Kind = "module"  // other code outside functions
	// What makes the rest a file of its language, and is the Parent of all that follows.
	KindHead      Kind = "head"
	KindEnd       Kind = "end"       // closing lines of Parent: its brace, its `end`
	KindSection   Kind = "section"   // Markdown section
	KindFence     Kind = "fence"     // Markdown code fence
	KindParagraph Kind = "paragraph" // run of lines of the line fallback
)

// A Chunk is a function-level unit of a file. The chunks of a File tile its bytes: the first starts
// at 0, each next one where the one before ends, the last ends at the file's length. Every boundary
// is at the start of a line.
type Chunk struct {
	Kind Kind
	// Name is the declared name, qualified by the enclosing chunk's ("Server.Serve"); empty when
	// there is none.
	Name string
	// Start and End are the half-open byte span. StartLine and EndLine are the same span in lines,
	// 0-based, half-open.
	Start, End         int
	StartLine, EndLine int
	// Parent is the index of the enclosing chunk (the class header of a method, the first lines of
	// an #ifdef, a KindHead: a package clause, <?php, an interpreter line), or -1. It is less than
	// the chunk's own. A chunk may stay in a shortened file only together with its Parent's frame
	// and with the KindEnd chunk of that Parent.
	Parent int
	// NeedsChild reports that the frame is not legal alone: it needs a chunk whose Parent it is,
	// and which is no KindEnd (a Python class whose body is only methods).
	NeedsChild bool
	// Signature is the run of lines with attributes and header up to where the body begins, doc
	// comments excluded: 0-based, half-open, file coordinates. Equal ends mean that the chunk has
	// no header and body.
	SignatureStart, SignatureEnd int
	// Doc is the run of lines of the doc comment: above the signature, or the docstring below it.
	// Equal ends mean that there is none.
	DocStart, DocEnd int
	// Units are the parts that may be left out, in order, not overlapping, inside [StartLine,
	// EndLine).
	Units []Unit
	// Markup are the lines, in order, on which a Unit begins that stands among the children of a
	// JSX element: the comment in its place is written {/* so */}, as CommentPrefix would be text
	// there.
	Markup []int
	// Names are empty in Markdown and in plain text. Where the line-based cutter ran they are told
	// from the words alone, and there are no Locals.
	Names Names
}

// Names are the names on a chunk's lines, by what they are there for: each once in a list, in the
// order of their first places, without the path before a dot. A name that is used in several ways
// is in several lists. Names of the language's own syntax are in none.
type Names struct {
	// Defines are names that others may use: functions, types, fields, constants, variables outside
	// functions.
	Defines []string
	// Calls are what is called, macros and constructors among them.
	Calls []string
	// Types are the names of types that are used.
	Types []string
	// Refers are the other names that are used and are no locals of the chunk.
	Refers []string
	// Locals are the places of the names that functions of the chunk declare for themselves,
	// parameters among them: one for each line, name, and whether the line declares it. They are in
	// the order of lines. Of two variables of one name in a function no difference is made.
	Locals []Local
}

// A Local is a line that declares or uses a name of a function's own.
type Local struct {
	Line     int // 0-based, file coordinates
	Name     string
	Declares bool
}

// A Unit is a run of whole lines that may be left out, a comment line in its place, without making
// a correct file incorrect: a statement, a member, a doc comment, an import, an element of a
// literal. Units nest. The lines of a Unit (or of a Chunk) that belong to none of its Units are its
// frame (`if x {`, `} else {`, `}`): they stay or go as one, and they stay when any line inside
// does. Where a grammar wants a statement in each block (Python, Bash), the block's first statement
// belongs to the frame, docstrings passed over if there is another. Blank lines between two units
// belong to the first. A statement with a syntax error in it, lists inside of it aside, has no
// units inside.
//
// Correct means that the grammar's tree has no error and no missing node. The comment line is
// CommentPrefix, text, CommentSuffix, indented as the first of the lines left out.
// TestOmissionKeepsSyntax leaves out at random.
type Unit struct {
	Start, End int // lines, 0-based, half-open, file coordinates
	// Comment marks a unit that is a comment or a docstring only.
	Comment bool
	Units   []Unit
}

// A File is the result of cutting one source file.
type File struct {
	// Language is the lower-case canonical name ("go", "python", "tsx", "cpp", "csharp", "bash",
	// "markdown", "text").
	Language string
	Chunks   []Chunk
	// SyntaxErrors counts the error and missing nodes of the grammar's tree; -1 where no grammar
	// ran.
	SyntaxErrors int
	// Fallback says why the line-based cutter ran instead of a grammar; empty when a grammar ran.
	Fallback string
	// Late reports that it ran because the grammar ran out of time: on an idle machine the same file may be cut otherwise.
	Late bool
	// CommentPrefix and CommentSuffix enclose a one-line comment ("# ", ""), ("<!-- ", " -->").
	CommentPrefix, CommentSuffix string
}
