package parsers

func rubyWords() vocabulary {
	return vocabulary{
		names: "identifier", types: "constant",
		rules: map[string]string{
			"define": "method.name singleton_method.name class.name module.name",
			"declare": `
				assignment.left operator_assignment.left exception_variable for.pattern method_parameters
				block_parameters lambda_parameters`,
			"plain": `
				body_statement argument_list element_reference call.receiver optional_parameter.value
				keyword_parameter.value scope_resolution.scope`,
			"member": "scope_resolution.name", "call": "call.method", "type": "superclass",
		},
		functions: "do_block block lambda",
	}
}

func kotlinWords() vocabulary {
	return vocabulary{
		names: "simple_identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_declaration.* class_declaration.* object_declaration.* type_alias.* class_parameter.*
				enum_entry.*`,
			"declare": "variable_declaration.* parameter.* catch_block.*",
			"plain": `
				function_body class_body enum_class_body statements value_arguments function_value_parameters
				primary_constructor call_suffix navigation_expression.* modifiers delegation_specifier
				indexing_expression`,
			"member":  "navigation_suffix",
			"call":    "call_expression.* constructor_invocation.*",
			"type":    "user_type user_type.* type_arguments type_parameters type_constraints",
			"nothing": "package_header label",
		},
		functions: "lambda_literal function_type",
	}
}

func swiftWords() vocabulary {
	return vocabulary{
		names: "simple_identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_declaration.name class_declaration.name protocol_declaration.name
				typealias_declaration.name enum_entry.name protocol_function_declaration.name`,
			"declare": `
				pattern.bound_identifier pattern.* parameter.name if_statement.bound_identifier
				guard_statement.bound_identifier lambda_parameter.name`,
			"plain": `
				statements function_body class_body call_suffix navigation_expression.target type_annotation
				parameter property_declaration.value`,
			"member":  "navigation_suffix.suffix",
			"call":    "call_expression.*",
			"type":    "user_type.* type_arguments",
			"nothing": "parameter.external_name value_argument_label",
		},
		functions: "lambda_literal protocol_function_declaration computed_property",
	}
}

func scalaWords() vocabulary {
	return vocabulary{
		names: "identifier", types: "type_identifier",
		rules: map[string]string{
			"define": `
				function_definition.name function_declaration.name class_definition.name object_definition.name
				trait_definition.name enum_definition.name type_definition.name class_parameter.name
				simple_enum_case.name full_enum_case.name given_definition.name`,
			"declare": `
				val_definition.pattern var_definition.pattern case_clause.pattern parameter.name
				lambda_expression.parameters bindings`,
			"plain": `
				block indented_block template_body arguments field_expression.value class_parameters parameters
				case_class_pattern.type typed_pattern.type parameter.default_value`,
			"member":  "field_expression.field",
			"first":   "enumerator.*",
			"call":    "call_expression.function",
			"make":    "instance_expression.*",
			"type":    "type_arguments",
			"nothing": "package_clause",
		},
		functions: "lambda_expression function_declaration", capitals: true,
	}
}

func bashWords() vocabulary {
	return vocabulary{
		names: "variable_name word",
		rules: map[string]string{
			"define":  "function_definition.name",
			"declare": "variable_assignment.name declaration_command.* for_statement.variable",
			"plain":   "compound_statement simple_expansion expansion string command_substitution",
			"call":    "command_name",
			"nothing": "command.argument array case_item for_statement.value file_redirect heredoc_redirect",
		},
	}
}
