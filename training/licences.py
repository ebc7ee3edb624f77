"""Says which licence a package folder carries, and whether it is a permissive one."""

import json
import re

PERMISSIVE = {"Apache-2.0", "MIT", "BSD", "ISC", "PSF-2.0", "Zlib", "Unlicense", "BSL-1.0", "CC0-1.0", "curl", "HPND"}

BY_TEXT = (
    ("copyleft", r"GNU (?:LESSER |AFFERO )?GENERAL PUBLIC LICENSE\s+Version|Mozilla Public License|Eclipse Public License|"
                 r"Business Source License|Server Side Public License"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("MIT", r"Permission is hereby granted, free of charge"),
    ("BSD", r"Redistribution and use in source and binary forms"),
    ("ISC", r"Permission to use, copy, modify, and(?:/or)? distribute this software"),
    ("PSF-2.0", r"PYTHON SOFTWARE FOUNDATION LICENSE"),
    ("BSL-1.0", r"Boost Software License"),
    ("Unlicense", r"This is free and unencumbered software"),
    ("Zlib", r"provided 'as-is', without any express or implied"),
)
SPELLINGS = (
    ("copyleft", r"\bA?L?GPL|Mozilla|\bMPL|\bEPL|General Public"), ("Apache-2.0", r"Apache"), ("MIT", r"\bMIT"),
    ("BSD", r"BSD"), ("ISC", r"\bISC"), ("PSF-2.0", r"PSF|Python Software"), ("Unlicense", r"Unlicense"),
    ("BSL-1.0", r"BSL-1|Boost"), ("Zlib", r"zlib"), ("CC0-1.0", r"CC0"), ("HPND", r"HPND|CMU"), ("curl", r"curl"),
)


def by_spelling(name):
    """Returns the licence a metadata field names; a choice that offers a permissive one counts as that."""
    hits = [kind for kind, pattern in SPELLINGS if re.search(pattern, name, re.I)]
    if "copyleft" in hits and not re.search(r"\bOR\b|/", name):
        return "copyleft"
    hits = [h for h in hits if h != "copyleft"]
    return hits[0] if hits else None


def from_metadata(folder):
    """Returns what package.json, Cargo.toml or wheel METADATA declare, or None."""
    for path in [*folder.glob("package/package.json"), *folder.glob("package.json")]:
        declared = json.loads(path.read_text(encoding="utf-8", errors="replace")).get("license")
        declared = declared.get("type") if isinstance(declared, dict) else declared
        return by_spelling(declared) if isinstance(declared, str) else None
    for path in folder.glob("Cargo.toml"):
        found = re.search(r'^license\s*=\s*"([^"]+)"', path.read_text(encoding="utf-8", errors="replace"), re.M)
        return by_spelling(found.group(1)) if found else None
    for path in folder.glob("*.dist-info/METADATA"):
        head = path.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        lines = re.findall(r"^(?:License-Expression|License|Classifier: License ::.*?)(?:: | :: )?(.*)$", head, re.M)
        kinds = [k for k in (by_spelling(line) for line in lines) if k]
        if kinds:
            return "copyleft" if "copyleft" in kinds else kinds[0]
    return None


def from_text(folder):
    """Returns the licence whose words stand in a licence file near the top of folder, or None."""
    found = [p for pattern in ("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*", "*/[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*", "COPYING*",
                               "*.dist-info/licenses/*", "META-INF/[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")
             for p in sorted(folder.glob(pattern)) if p.is_file()]
    for path in found:
        body = path.read_text(encoding="utf-8", errors="replace")[:20000]
        for kind, pattern in BY_TEXT:
            if re.search(pattern, body):
                return kind
    return None


def from_headers(folder):
    """Returns the licence that the heads of the first source files name, or None."""
    sources = sorted(p for p in folder.rglob("*") if p.suffix in (".java", ".kt", ".c", ".h", ".rs"))
    for path in sources[:8]:
        head = path.read_text(encoding="utf-8", errors="replace")[:3000]
        for kind, pattern in BY_TEXT:
            if re.search(pattern, head):
                return kind
    return None


def licence_of(folder):
    """Returns the licence of a package folder, 'copyleft', or None when nothing says."""
    return from_metadata(folder) or from_text(folder) or from_headers(folder)
