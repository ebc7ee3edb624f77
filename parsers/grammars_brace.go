package parsers

import (
	"unsafe"

	sitter "github.com/smacker/go-tree-sitter"
	"github.com/smacker/go-tree-sitter/c"
	"github.com/smacker/go-tree-sitter/cpp"
	"github.com/smacker/go-tree-sitter/csharp"
	"github.com/smacker/go-tree-sitter/java"
	php "github.com/tree-sitter/tree-sitter-php/bindings/go"
	rust "github.com/tree-sitter/tree-sitter-rust/bindings/go"
)

func javaGrammar() grammar {
	return grammar{load: java.GetLanguage, words: javaWords(), types: map[role]string{
		function: "method_declaration constructor_declaration compact_constructor_declaration",
		bodied:   "method_declaration",
		class:    "class_declaration interface_declaration enum_declaration record_declaration",
		typedef:  "annotation_type_declaration",
		imports:  "package_declaration import_declaration",
		comment:  "line_comment block_comment",
		list: `program block constructor_body class_body interface_body enum_body enum_body_declarations
			annotation_type_body switch_block switch_block_statement_group array_initializer argument_list`,
		commas: "enum_body array_initializer argument_list",
		ended:  "argument_list",
		head:   "package_declaration",
	}}
}

func cTypes() map[role]string {
	return map[role]string{
		function: "function_definition",
		bodied:   "function_definition struct_specifier union_specifier enum_specifier",
		class:    "struct_specifier union_specifier",
		typedef:  "enum_specifier",
		wrapper:  "type_definition declaration",
		scope:    "preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification",
		imports:  "preproc_include",
		comment:  "comment",
		list: `translation_unit compound_statement case_statement declaration_list field_declaration_list
			preproc_if preproc_ifdef preproc_else preproc_elif initializer_list enumerator_list argument_list`,
		commas:     "initializer_list enumerator_list argument_list",
		ended:      "argument_list",
		declarator: "function_declarator pointer_declarator parenthesized_declarator array_declarator",
		identifier: "identifier field_identifier",
	}
}

func cGrammar() grammar {
	return grammar{load: c.GetLanguage, words: cWords(), preprocessed: true, types: cTypes()}
}

func cppGrammar() grammar {
	types := cTypes()
	types[bodied] += " class_specifier namespace_definition"
	types[class] += " class_specifier namespace_definition"
	types[scope] += " namespace_definition"
	types[wrapper] += " template_declaration field_declaration"
	types[imports] += " using_declaration"
	types[declarator] += " reference_declarator"
	types[identifier] += " qualified_identifier operator_name destructor_name"
	return grammar{load: cpp.GetLanguage, words: cppWords(), preprocessed: true, types: types}
}

func csharpGrammar() grammar {
	return grammar{load: csharp.GetLanguage, words: csharpWords(), preprocessed: true, types: map[role]string{
		function: `method_declaration constructor_declaration destructor_declaration operator_declaration
			conversion_operator_declaration`,
		bodied:   "method_declaration constructor_declaration operator_declaration conversion_operator_declaration",
		unnamed:  "destructor_declaration operator_declaration conversion_operator_declaration indexer_declaration",
		accessor: "property_declaration indexer_declaration event_declaration",
		body:     "arrow_expression_clause",
		class: `class_declaration struct_declaration interface_declaration record_declaration
			namespace_declaration`,
		typedef: "enum_declaration delegate_declaration",
		scope:   "namespace_declaration preproc_if preproc_else preproc_elif",
		imports: "using_directive extern_alias_directive file_scoped_namespace_declaration",
		comment: "comment",
		list: `compilation_unit declaration_list block switch_body switch_section accessor_list
			initializer_expression enum_member_declaration_list switch_expression preproc_if preproc_else
			preproc_elif argument_list`,
		commas: "initializer_expression enum_member_declaration_list switch_expression argument_list",
		ended:  "argument_list",
		head:   "file_scoped_namespace_declaration",
		pinned: "preproc_region preproc_endregion",
	}}
}

func rustGrammar() grammar {
	return grammar{load: tables(rust.Language), words: rustWords(), types: map[role]string{
		function:  "function_item macro_definition",
		class:     "impl_item trait_item mod_item foreign_mod_item",
		bodied:    "mod_item",
		typedef:   "struct_item enum_item union_item type_item",
		scope:     "mod_item foreign_mod_item",
		imports:   "use_declaration extern_crate_declaration inner_attribute_item",
		comment:   "line_comment block_comment",
		attribute: "attribute_item",
		list: `source_file declaration_list block field_declaration_list enum_variant_list match_block
			array_expression field_initializer_list arguments use_list`,
		commas: "arguments use_list field_declaration_list enum_variant_list array_expression field_initializer_list",
	}}
}

func phpGrammar() grammar {
	return grammar{load: tables(php.LanguagePHP), words: phpWords(), types: map[role]string{
		function: "function_definition method_declaration",
		bodied:   "method_declaration namespace_definition",
		class:    "class_declaration interface_declaration trait_declaration enum_declaration namespace_definition",
		scope:    "namespace_definition",
		imports:  "namespace_use_declaration declare_statement namespace_definition",
		comment:  "comment",
		head:     "php_tag namespace_definition",
		pinned:   "text text_interpolation",
		list: `program compound_statement declaration_list enum_declaration_list switch_block case_statement
			default_statement colon_block array_creation_expression match_block arguments`,
		commas: "array_creation_expression match_block arguments",
		ended:  "arguments",
	}}
}

// tables loads a grammar that its own project publishes, newer than the one that comes with the
// bindings. The runtime of the bindings reads tables of version 14, which those projects' releases
// 0.23 have and 0.24 have no longer.
func tables(of func() unsafe.Pointer) func() *sitter.Language {
	return func() *sitter.Language { return sitter.NewLanguage(of()) }
}
