"""Finds functions, methods, classes and types with their doc comments, by tree-sitter."""

import importlib
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language, Parser

BY_SUFFIX = {
    ".go": "go", ".py": "python", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".java": "java",
    ".c": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".h": "cpp", ".rs": "rust", ".kt": "kotlin",
}

FUNCTIONS = {
    "go": {"function_declaration", "method_declaration"},
    "python": {"function_definition"},
    "javascript": {"function_declaration", "method_definition", "generator_function_declaration"},
    "typescript": {"function_declaration", "method_definition", "generator_function_declaration"},
    "java": {"method_declaration", "constructor_declaration"},
    "c": {"function_definition"},
    "cpp": {"function_definition"},
    "rust": {"function_item", "macro_definition"},
    "kotlin": {"function_declaration"},
}
TYPES = {
    "go": {"type_declaration"},
    "python": {"class_definition"},
    "javascript": {"class_declaration"},
    "typescript": {"class_declaration", "interface_declaration", "abstract_class_declaration"},
    "java": {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"},
    "c": set(),
    "cpp": {"class_specifier", "struct_specifier"},
    "rust": {"struct_item", "enum_item", "trait_item"},
    "kotlin": {"class_declaration"},
}
# A definition inside one of these is written as the whole of it.
WRAPPERS = {"export_statement", "decorated_definition", "template_declaration"}
# Comments may be parted from what they describe by these.
BETWEEN = {"attribute_item", "marker_annotation", "decorator"}
# In JavaScript a function is often the value of one of these, and the comment stands before it.
HOLDERS = {"expression_statement", "lexical_declaration", "variable_declaration", "pair", "public_field_definition",
           "field_definition"}
VALUES = {"function_expression", "arrow_function", "function"}


@dataclass
class Found:
    """One definition: its name, what it is, its code without description, and its raw description."""

    name: str
    kind: str
    code: str
    doc: str


@cache
def parser(lang):
    module = importlib.import_module("tree_sitter_" + lang)
    make = module.language_typescript if lang == "typescript" else module.language
    return Parser(Language(make()))


def text(node, source):
    return source[node.start_byte : node.end_byte].decode("utf-8", errors="replace")


def comment_before(node, source):
    """Returns the comment that touches node from above, or ''."""
    parts, below, prev = [], node, node.prev_named_sibling
    while prev is not None and below.start_point[0] - prev.end_point[0] <= 1:
        if "comment" in prev.type:
            if prev.start_point[0] == (prev.prev_named_sibling or prev).end_point[0] and prev.prev_named_sibling:
                break  # stands at the end of the line of something else
            parts.append(text(prev, source).rstrip("\n"))
        elif prev.type not in BETWEEN:
            break
        below, prev = prev, prev.prev_named_sibling
    return "\n".join(reversed(parts))


def name_of(node, source):
    """Returns the declared name, following C declarators down to the identifier."""
    inner = node.child_by_field_name("name")
    if inner is None and node.type == "type_declaration" and node.named_child_count:
        inner = node.named_children[0].child_by_field_name("name")
    down = node.child_by_field_name("declarator")
    while inner is None and down is not None:
        following = down.child_by_field_name("declarator")
        if following is None:
            inner = down.child_by_field_name("name") or down
        down = following
    if inner is None and node.type in ("pair", "public_field_definition", "field_definition"):
        inner = node.child_by_field_name("key") or node.child_by_field_name("property")
    return text(inner, source) if inner is not None else ""


def docstring(node, source):
    """Returns (docstring, first byte, last byte) of a Python definition, or None."""
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_child_count else None
    if first is None or first.type != "expression_statement" or not first.named_child_count:
        return None
    if first.named_children[0].type != "string":
        return None
    return text(first, source), first.start_byte, first.end_byte


def value_of(node):
    """Returns (function node, named node) if node is a JavaScript statement whose value is a function."""
    if node.type in ("pair", "public_field_definition", "field_definition"):
        value = node.child_by_field_name("value")
        return (value, node) if value is not None and value.type in VALUES else None
    if not node.named_child_count:
        return None
    inner = node.named_children[0]
    value = inner.child_by_field_name("right") or inner.child_by_field_name("value")
    return (value, inner) if value is not None and value.type in VALUES else None


def describe(node, named, kind, source):
    """Returns what was found at node, described by its own docstring or the comment before it."""
    outer = node
    while outer.parent is not None and outer.parent.type in WRAPPERS:
        outer = outer.parent
    code, doc = text(outer, source), comment_before(outer, source)
    if node.type in ("function_definition", "class_definition"):
        own = docstring(node, source)
        if own is not None:
            doc, first, last = own
            head = source[outer.start_byte : first].decode("utf-8", errors="replace").rstrip()
            code = head + source[last : outer.end_byte].decode("utf-8", errors="replace")
    name = name_of(named, source) or (text(named.child_by_field_name("left"), source).split(".")[-1]
                                      if named.child_by_field_name("left") is not None else "")
    indent = " " * outer.start_point[1] if outer.start_point[1] and source[outer.start_byte - 1 : outer.start_byte] in (
        b" ", b"\t") else ""
    return Found(name.split("::")[-1].split(".")[-1].strip("~ "), kind, indent + code, doc)


def find(lang, source):
    """Returns the definitions of a file in order."""
    found, stack = [], [parser(lang).parse(source).root_node]
    script = lang in ("javascript", "typescript")
    while stack:
        node = stack.pop()
        if node.type in FUNCTIONS[lang]:
            found.append(describe(node, node, "function", source))
            continue
        if node.type in TYPES[lang]:
            found.append(describe(node, node, "type", source))
        elif script and node.type in HOLDERS:
            value = value_of(node)
            if value is not None:
                found.append(describe(node, value[1], "function", source))
                continue
        stack.extend(reversed(node.named_children))
    return found
