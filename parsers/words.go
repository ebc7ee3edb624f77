package parsers

import "maps"

func goWords() vocabulary {
	return vocabulary{
		names: "identifier field_identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_declaration.name method_declaration.name type_spec.name type_alias.name
				field_declaration.name method_elem.name`,
			"declare": `
				const_spec.name var_spec.name short_var_declaration.left range_clause.left receive_statement.left
				parameter_declaration.name variadic_parameter_declaration.name type_switch_statement.alias`,
			"call":    "call_expression.function type_conversion_expression.type",
			"plain":   "selector_expression.operand argument_list block index_expression literal_value",
			"member":  "selector_expression.field",
			"type":    "type_arguments",
			"nothing": "package_clause labeled_statement.label type_parameter_declaration.name",
		},
		functions: "func_literal function_type method_elem",
	}
}

func pythonWords() vocabulary {
	return vocabulary{
		names: "identifier",
		rules: map[string]string{
			"define": "function_definition.name class_definition.name",
			"declare": `
				assignment.left for_statement.left for_in_clause.left named_expression.name as_pattern_target
				parameters lambda_parameters`,
			"plain": `
				block argument_list attribute.object subscript default_parameter.value typed_default_parameter.value
				lambda.body`,
			"field":   "attribute.attribute",
			"call":    "call.function",
			"type":    "type class_definition.superclasses",
			"nothing": "keyword_argument.name",
		},
		functions: "lambda list_comprehension set_comprehension dictionary_comprehension generator_expression",
	}
}

func javascriptWords() vocabulary {
	v := scriptWords()
	v.rules = with(v.rules, map[string]string{"define": "field_definition.property", "call": jsxCalls})
	return v
}

const jsxCalls = "jsx_opening_element.name jsx_self_closing_element.name"

// scriptWords are what JavaScript shares with TypeScript.
func scriptWords() vocabulary {
	return vocabulary{
		names: `identifier property_identifier shorthand_property_identifier shorthand_property_identifier_pattern
				private_property_identifier`,
		rules: map[string]string{
			"define": `
				function_declaration.name generator_function_declaration.name class_declaration.name class.name
				method_definition.name`,
			"declare": `
				variable_declarator.name formal_parameters arrow_function.parameter for_in_statement.left
				catch_clause.parameter`,
			"assigned": "assignment_expression.left",
			"plain": `
				statement_block class_body arguments member_expression.object subscript_expression
				assignment_pattern.right object_assignment_pattern.right pair_pattern.key decorator
				function_expression`,
			"field": "member_expression.property",
			"call":  "call_expression.function",
			"make":  "new_expression.constructor",
			"type":  "class_heritage",
		},
		functions: "arrow_function function_expression generator_function",
	}
}

func typescriptWords() vocabulary {
	v := scriptWords()
	v.types = "type_identifier"
	v.rules = with(v.rules, map[string]string{
		"define": `
				abstract_class_declaration.name interface_declaration.name type_alias_declaration.name
				enum_declaration.name enum_body.name enum_assignment.name public_field_definition.name
				property_signature.name method_signature.name abstract_method_signature.name function_signature.name`,
		"plain": "required_parameter.value optional_parameter.value interface_body object_type",
		"type":  "type_annotation type_arguments extends_clause.value",
	})
	v.functions += " method_signature abstract_method_signature function_signature function_type call_signature"
	return v
}

func tsxWords() vocabulary {
	v := typescriptWords()
	v.rules = with(v.rules, map[string]string{"call": jsxCalls})
	return v
}

func javaWords() vocabulary {
	return vocabulary{
		names: "identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				class_declaration.name interface_declaration.name enum_declaration.name record_declaration.name
				annotation_type_declaration.name method_declaration.name constructor_declaration.name
				compact_constructor_declaration.name enum_constant.name annotation_type_element_declaration.name`,
			"declare": `
				variable_declarator.name formal_parameter.name enhanced_for_statement.name resource.name
				catch_formal_parameter.name instanceof_expression.name inferred_parameters
				lambda_expression.parameters`,
			"assigned": "assignment_expression.left",
			"plain": `
				block argument_list method_invocation.object annotation_argument_list array_access
				field_access.object`,
			"field": "field_access.field", "call": "method_invocation.name",
			"make": "object_creation_expression.type", "type": "type_arguments",
			"nothing": "package_declaration",
		},
		functions: "lambda_expression",
	}
}

func cWords() vocabulary {
	return vocabulary{
		names: "identifier field_identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_definition.declarator function_declarator.declarator field_declaration.declarator
				type_definition.declarator enumerator.name preproc_def.name preproc_function_def.name`,
			"open":    "struct_specifier.name union_specifier.name enum_specifier.name",
			"declare": "declaration.declarator parameter_declaration.declarator",
			"plain": `
				compound_statement parameter_list argument_list init_declarator.value field_expression.argument
				subscript_expression array_declarator.size enumerator.value`,
			"member":  "field_expression.field",
			"call":    "call_expression.function",
			"nothing": "preproc_params labeled_statement.label",
		},
		functions: "parameter_list",
	}
}

func cppWords() vocabulary {
	v := cWords()
	v.rules = with(v.rules, map[string]string{
		"define": "alias_declaration.name concept_definition.name",
		"open":   "class_specifier.name",
		"declare": `
				optional_parameter_declaration.declarator for_range_loop.declarator structured_binding_declarator`,
		"plain": `
				qualified_identifier.scope optional_parameter_declaration.default_value lambda_capture_specifier
				for_range_loop.right`,
		"make": "new_expression.type", "type": "template_argument_list",
	})
	v.functions += " lambda_expression"
	return v
}

func csharpWords() vocabulary {
	return vocabulary{
		names: "identifier",
		rules: map[string]string{
			"define": `
				class_declaration.name struct_declaration.name interface_declaration.name record_declaration.name
				enum_declaration.name delegate_declaration.name method_declaration.name constructor_declaration.name
				property_declaration.name event_declaration.name enum_member_declaration.name
				local_function_statement.name`,
			"declare": `
				variable_declarator.name parameter.name foreach_statement.left declaration_pattern.name
				declaration_expression.name catch_declaration.name implicit_parameter lambda_expression.parameters`,
			"assigned": "assignment_expression.left",
			"plain": `
				block argument_list initializer_expression accessor_list arrow_expression_clause
				variable_declarator.* member_access_expression.expression element_access_expression
				lambda_expression.body foreach_statement.right`,
			"field":   "member_access_expression.name",
			"call":    "invocation_expression.function attribute.name",
			"make":    "object_creation_expression.type",
			"type":    "method_declaration.returns base_list type_argument_list",
			"nothing": "namespace_declaration.name file_scoped_namespace_declaration.name",
		},
		functions: "lambda_expression local_function_statement anonymous_method_expression " +
			"delegate_declaration accessor_list",
	}
}

func rustWords() vocabulary {
	return vocabulary{
		names: "identifier field_identifier shorthand_field_identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_item.name function_signature_item.name struct_item.name enum_item.name union_item.name
				trait_item.name mod_item.name type_item.name macro_definition.name const_item.name static_item.name
				field_declaration.name enum_variant.name associated_type.name`,
			"declare": `
				let_declaration.pattern parameter.pattern for_expression.pattern let_condition.pattern match_pattern
				closure_parameters`,
			"plain": `
				block arguments token_tree field_expression.value scoped_identifier.path index_expression
				match_pattern.condition tuple_struct_pattern.type struct_pattern.type field_pattern.name`,
			"member":  "field_expression.field scoped_identifier.name",
			"call":    "call_expression.function macro_invocation.macro",
			"type":    "type_arguments",
			"nothing": "lifetime label",
		},
		functions: "closure_expression function_signature_item", capitals: true,
	}
}

func phpWords() vocabulary {
	return vocabulary{
		names: "name variable_name",
		rules: map[string]string{
			"define": `
				function_definition.name method_declaration.name class_declaration.name interface_declaration.name
				trait_declaration.name enum_declaration.name enum_case.name const_element.* property_element.name`,
			"declare": `
				assignment_expression.left simple_parameter.name variadic_parameter.name
				property_promotion_parameter.name catch_clause.name static_variable_declaration.name`,
			"plain": `
				compound_statement arguments property_element.default_value subscript_expression
				member_access_expression.object member_call_expression.object nullsafe_member_call_expression.object
				scoped_call_expression.scope`,
			"others": "foreach_statement.*",
			"member": "member_access_expression.name",
			"call": `
				function_call_expression.function member_call_expression.name nullsafe_member_call_expression.name
				scoped_call_expression.name`,
			"make":    "object_creation_expression.*",
			"type":    "named_type base_clause class_interface_clause",
			"nothing": "namespace_definition.name",
		},
		functions: "anonymous_function arrow_function",
	}
}

// with adds rules to others.
func with(rules, more map[string]string) map[string]string {
	all := maps.Clone(rules)
	for name, list := range more {
		all[name] += " " + list
	}
	return all
}
