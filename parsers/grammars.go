package parsers

import (
	"github.com/smacker/go-tree-sitter/golang"
	"github.com/smacker/go-tree-sitter/javascript"
	"github.com/smacker/go-tree-sitter/python"
	"github.com/smacker/go-tree-sitter/typescript/tsx"
	"github.com/smacker/go-tree-sitter/typescript/typescript"
)

// grammarOf describes a language by its canonical name. Node types are those of the grammars at the
// pinned version; newSyntax refuses one that does not exist.
func grammarOf(language string) (grammar, bool) {
	describe, ok := grammars[language]
	if !ok {
		return grammar{}, false
	}
	return describe(), true
}

var grammars = map[string]func() grammar{
	"go":         goGrammar,
	"python":     pythonGrammar,
	"javascript": javascriptGrammar,
	"typescript": typescriptGrammar,
	"tsx":        tsxGrammar,
	"java":       javaGrammar,
	"c":          cGrammar,
	"cpp":        cppGrammar,
	"csharp":     csharpGrammar,
	"rust":       rustGrammar,
	"ruby":       rubyGrammar,
	"php":        phpGrammar,
	"kotlin":     kotlinGrammar,
	"swift":      swiftGrammar,
	"scala":      scalaGrammar,
	"bash":       bashGrammar,
}

func goGrammar() grammar {
	return grammar{load: golang.GetLanguage, words: goWords(), types: map[role]string{
		function: "function_declaration method_declaration",
		wrapper:  "type_declaration",
		typedef:  "type_spec type_alias",
		imports:  "package_clause import_declaration",
		head:     "package_clause",
		comment:  "comment",
		list: `source_file block expression_case default_case type_case communication_case expression_switch_statement
			type_switch_statement select_statement import_spec_list const_declaration var_declaration var_spec_list
			type_declaration field_declaration_list interface_type literal_value argument_list`,
		commas: "literal_value argument_list",
	}}
}

func pythonGrammar() grammar {
	return grammar{load: python.GetLanguage, words: pythonWords(), types: map[role]string{
		function:  "function_definition",
		class:     "class_definition",
		wrapper:   "decorated_definition",
		imports:   "import_statement import_from_statement future_import_statement",
		comment:   "comment",
		list:      "module block list tuple dictionary set argument_list",
		commas:    "list tuple dictionary set argument_list",
		suite:     "block",
		docstring: "expression_statement",
	}}
}

// javascriptTypes are the node types that JavaScript shares with TypeScript.
func javascriptTypes() map[role]string {
	return map[role]string{
		function: "function_declaration generator_function_declaration method_definition",
		class:    "class_declaration class",
		literal:  "arrow_function function_expression generator_function class",
		wrapper: "export_statement lexical_declaration variable_declaration variable_declarator " +
			"expression_statement assignment_expression",
		imports:   "import_statement",
		comment:   "comment",
		head:      "hash_bang_line",
		attribute: "decorator",
		list: `program statement_block class_body switch_body switch_case switch_default object array
			arguments named_imports export_clause`,
		commas: "object array arguments named_imports export_clause",
	}
}

// withMarkup adds what JSX has.
func withMarkup(types map[role]string) {
	types[list] += " jsx_element jsx_opening_element jsx_self_closing_element"
	types[markup] = "jsx_element"
	types[pinned] = "jsx_opening_element jsx_closing_element"
}

// continuations are the bytes at which JavaScript reads a new line on without a semicolon.
const continuations = "([`+-*/,.?"

func javascriptGrammar() grammar {
	types := javascriptTypes()
	types[wrapper] += " field_definition"
	withMarkup(types)
	return grammar{load: javascript.GetLanguage, words: javascriptWords(), types: types, fragile: continuations}
}

func typescriptTypes() map[role]string {
	types := javascriptTypes()
	types[class] += " abstract_class_declaration internal_module module"
	types[scope] = "internal_module module"
	types[typedef] = "interface_declaration enum_declaration type_alias_declaration"
	types[wrapper] += " public_field_definition ambient_declaration"
	types[list] += " interface_body object_type enum_body"
	types[commas] += " enum_body"
	return types
}

func typescriptGrammar() grammar {
	return grammar{
		load: typescript.GetLanguage, words: typescriptWords(), types: typescriptTypes(),
		fragile: continuations,
	}
}

func tsxGrammar() grammar {
	types := typescriptTypes()
	withMarkup(types)
	return grammar{load: tsx.GetLanguage, words: tsxWords(), types: types, fragile: continuations}
}
