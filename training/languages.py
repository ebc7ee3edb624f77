"""Finds functions, methods, classes and types with their doc comments, by tree-sitter."""

import importlib
import re
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
    """One definition: its name, what it is, its code without description, and its raw description.

    The file has raw, the description with its comment signs, at offset at of
    code. scope is the name of the type around the definition, or "".
    """

    name: str
    kind: str
    code: str
    doc: str
    raw: str
    at: int
    scope: str


@cache
def parser(lang):
    module = importlib.import_module("tree_sitter_" + lang)
    make = module.language_typescript if lang == "typescript" else module.language
    return Parser(Language(make()))


def text(node, source):
    return source[node.start_byte : node.end_byte].decode("utf-8", errors="replace")


def comment_before(node, source):
    """Returns the comments that touch node from above, first one first."""
    parts, below, prev = [], node, node.prev_named_sibling
    while prev is not None and below.start_point[0] - prev.end_point[0] <= 1:
        if "comment" in prev.type:
            if prev.start_point[0] == (prev.prev_named_sibling or prev).end_point[0] and prev.prev_named_sibling:
                break  # stands at the end of the line of something else
            parts.append(text(prev, source).rstrip("\n"))
        elif prev.type not in BETWEEN:
            break
        below, prev = prev, prev.prev_named_sibling
    return parts[::-1]


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


def scope_of(node, lang, source):
    """Returns the name of the innermost type around node; for a Go method, of its receiver."""
    receiver = node.child_by_field_name("receiver") if lang == "go" else None
    if receiver is not None:
        words = re.findall(r"\w+", text(receiver, source).split("[")[0])
        return words[-1] if words else ""
    up = node.parent
    while up is not None and up.type != "impl_item" and up.type not in TYPES[lang]:
        up = up.parent
    inner = up and (up.child_by_field_name("name") or up.child_by_field_name("type"))
    return text(inner, source) if inner else ""


def describe(node, named, kind, lang, source):
    """Returns what was found at node, described by its own docstring or the comment before it."""
    outer = node
    while outer.parent is not None and outer.parent.type in WRAPPERS:
        outer = outer.parent
    column = outer.start_point[1]
    indent = " " * column if column and source[outer.start_byte - 1 : outer.start_byte] in (b" ", b"\t") else ""
    code, comments = indent + text(outer, source), comment_before(outer, source)
    doc, raw, at = "\n".join(comments), "".join(indent + part + "\n" for part in comments), 0
    if node.type in ("function_definition", "class_definition"):
        own = docstring(node, source)
        if own is not None:
            doc, first, last = own
            start = source[outer.start_byte : first].decode("utf-8", errors="replace")
            head = indent + start.rstrip()
            code = head + source[last : outer.end_byte].decode("utf-8", errors="replace")
            raw, at = start[len(start.rstrip()) :] + doc, len(head)
    name = name_of(named, source) or (text(named.child_by_field_name("left"), source).split(".")[-1]
                                      if named.child_by_field_name("left") is not None else "")
    name = name.split("::")[-1].split(".")[-1].strip("~ ")
    return Found(name, kind, code, doc, raw, at, scope_of(node, lang, source))


def find(lang, source):
    """Returns the definitions of a file in order."""
    found, stack = [], [parser(lang).parse(source).root_node]
    script = lang in ("javascript", "typescript")
    while stack:
        node = stack.pop()
        if node.type in FUNCTIONS[lang]:
            found.append(describe(node, node, "function", lang, source))
            continue
        if node.type in TYPES[lang]:
            found.append(describe(node, node, "type", lang, source))
        elif script and node.type in HOLDERS:
            value = value_of(node)
            if value is not None:
                found.append(describe(node, value[1], "function", lang, source))
                continue
        stack.extend(reversed(node.named_children))
    return found
