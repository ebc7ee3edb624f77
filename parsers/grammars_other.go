package parsers

import (
	"regexp"

	"github.com/smacker/go-tree-sitter/bash"
	"github.com/smacker/go-tree-sitter/kotlin"
	"github.com/smacker/go-tree-sitter/ruby"
	"github.com/smacker/go-tree-sitter/scala"
	"github.com/smacker/go-tree-sitter/swift"
)

func rubyGrammar() grammar {
	return grammar{load: ruby.GetLanguage, words: rubyWords(), types: map[role]string{
		function: "method singleton_method",
		class:    "class module singleton_class",
		unnamed:  "singleton_class",
		comment:  "comment",
		tail:     "heredoc_body",
		list: `program body_statement then else elsif do begin ensure rescue case case_match block_body
			parenthesized_statements array hash argument_list`,
		commas: "array hash argument_list",
		ended:  "argument_list",
	}}
}

// kotlinDollars are those before a string that say how many begin a name in it.
var kotlinDollars = regexp.MustCompile(`\$\$+"`)

func kotlinGrammar() grammar {
	return grammar{load: kotlin.GetLanguage, words: kotlinWords(), newer: kotlinDollars, types: map[role]string{
		function: "function_declaration secondary_constructor anonymous_initializer",
		bodied:   "function_declaration",
		body:     "function_body",
		class:    "class_declaration object_declaration companion_object",
		unnamed:  "secondary_constructor anonymous_initializer companion_object",
		imports:  "package_header import_list import_header",
		loose:    "package_header import_list import_header",
		comment:  "line_comment multiline_comment",
		tail:     "getter setter",
		pinned:   "enum_entry file_annotation",
		list: "source_file class_body enum_class_body statements when_expression import_list value_arguments " +
			"collection_literal",
		commas:     "value_arguments collection_literal",
		ended:      "value_arguments collection_literal",
		head:       "package_header",
		identifier: "simple_identifier type_identifier",
	}}
}

func swiftGrammar() grammar {
	return grammar{load: swift.GetLanguage, words: swiftWords(), preprocessed: true, types: map[role]string{
		function:  "function_declaration init_declaration deinit_declaration subscript_declaration",
		demanding: "switch_entry",
		unnamed:   "deinit_declaration subscript_declaration",
		accessor:  "property_declaration",
		body:      "function_body computed_property",
		class:     "class_declaration",
		typedef:   "protocol_declaration",
		imports:   "import_declaration",
		comment:   "comment multiline_comment",
		pinned:    "directive",
		list: `source_file class_body enum_class_body protocol_body statements switch_statement array_literal
			dictionary_literal value_arguments`,
		commas: "array_literal dictionary_literal value_arguments",
		ended:  "value_arguments",
	}}
}

func scalaGrammar() grammar {
	return grammar{load: scala.GetLanguage, words: scalaWords(), types: map[role]string{
		function: "function_definition extension_definition",
		class:    "class_definition object_definition trait_definition enum_definition given_definition package_object",
		typedef:  "type_definition",
		imports:  "package_clause import_declaration",
		comment:  "comment block_comment",
		tail:     "'end' '_end_ident'",
		list: `compilation_unit template_body enum_body block indented_block case_block indented_cases case_clause
			arguments`,
		commas:  "arguments",
		ended:   "arguments",
		head:    "package_clause",
		offside: "template_body enum_body indented_block indented_cases",
	}}
}

func bashGrammar() grammar {
	return grammar{
		load: bash.GetLanguage, words: bashWords(), types: bashTypes(), commands: "command_name",
		strays: "then else elif fi do done esac }", guesses: true,
	}
}

func bashTypes() map[role]string {
	return map[role]string{
		function: "function_definition",
		comment:  "comment",
		list: "program compound_statement do_group if_statement elif_clause else_clause subshell case_statement " +
			"case_item array",
		ended: "case_statement", // ";;&" is no end of the last item
		suite: "compound_statement do_group if_statement elif_clause else_clause subshell",
	}
}
