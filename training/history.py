"""Reads functions and commits of public repositories, cut into bags of words.

Two files, made from clones (a line each, JSON): functions.jsonl.gz with id, repo,
lang, path, name and text; commits.jsonl.gz with repo, lang, query (the commit's
message), named, needed and candidates (ids). `pith bench history --repo CLONE
--save` makes cases of the same kind from any clone.
"""

import gzip
import json
import re
import textwrap

STOP = set("a an and are as at be by can do does for from how i if in is it its me of on or should so that the this to was we "
           "what when where which why with you please".split())
WORD = re.compile(r"\w+")
HUMP = re.compile(r"[0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|[^\W\d_A-Za-z]+")


def stem(term):
    """Takes the plural off, as compress/lexical/terms.go does."""
    if len(term) > 4 and term.endswith("ies"):
        return term[:-3] + "y"
    if len(term) > 4 and term.endswith(("sses", "xes", "ches", "shes")):
        return term[:-2]
    if len(term) > 3 and term.endswith("s") and not term.endswith(("ss", "us", "is")):
        return term[:-1]
    return term


def terms(text):
    """Splits text into the words that the table knows; compress/lexical/terms.go does the same in Go."""
    return [stem(p.lower()) for w in WORD.findall(text) for p in HUMP.findall(w) if p.lower() not in STOP]


def parts(lang, text):
    """Cuts a function into (comment, signature, body without comments)."""
    comments, code = [], []
    if lang == "python":
        doc = re.search(r'^((?:.|\n)*?:\s*\n)(\s*[rRuUbBfF]*("""|\'\'\')((?:.|\n)*?)\3)', text)
        if doc and doc.start(2) < 1500:
            comments.append(doc.group(4))
            text = text[:doc.start(2)] + text[doc.end(2):]
    else:
        def block(match):
            comments.append(re.sub(r"^[\s*/!]+", "", match.group(0), flags=re.M).rstrip("*/ "))
            return ""
        text = re.sub(r"^[ \t]*/\*(?:.|\n)*?\*/[ \t]*\n?", block, text, flags=re.M)
    mark = "#" if lang == "python" else "//"
    for line in text.split("\n"):
        if line.strip().startswith(mark):
            comments.append(line.strip().lstrip("/!# "))
        else:
            code.append(line)
    lines = "\n".join(code).strip("\n").split("\n")
    head = next((k for k, line in enumerate(lines[:12])
                 if line.rstrip().endswith(("{", ":", "=>", "{}")) and not line.strip().startswith("@")), 0)
    return "\n".join(comments), "\n".join(lines[:head + 1]), "\n".join(lines[head + 1:])


def description(comment):
    """Returns the first paragraph of a comment, without tags."""
    return re.split(r"\n\s*\n|\n\s*(?:@|:param|Parameters|Args:|# )", comment.strip())[0]


def code(function):
    """Returns a function's text, its indentation taken off."""
    return textwrap.dedent(function["text"]).rstrip("\n")


def lines(path):
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line)
