"""Turns raw doc comments into plain descriptions, and descriptions into questions."""

import re

MARKER = re.compile(r"^\s*(?:///?!?|/\*\*?!?|\*+/|\*+(?!\*)|#+|\"\"\"|''')? ?", re.M)
END = re.compile(r"(?:\*+/|\"\"\"|''')\s*$")
STOP = re.compile(
    r"^\s*(?:@(?!link|code)\w+|\\(?:param|return|brief)?\w+ |Args:|Arguments:|Parameters:?|Params:|Returns?:|Raises:|Yields:|"
    r"Examples?:?|Notes?:|See Also|Usage:|:param|:return|:raises|# (?:Examples?|Panics|Errors|Safety|Arguments|Returns)|"
    r"```|<pre>|>>> |\.\. |-{3,}|={3,}|deprecated)", re.M | re.I)
NOISE = re.compile(
    r"copyright|licen[cs]e|all rights reserved|spdx|eslint|istanbul|nolint|noqa|pylint|todo|fixme|inheritdoc|@ts-|<reference|"
    r"clang-format|type: ignore|go:|export \w+$|auto-?generated|do not edit|https?://\S+$|-\*-", re.I)
TAG = re.compile(r"</?\w+[^>]*>|\{@\w+ ([^}]*)\}|[`*]{1,3}|:\w+:(?=\S)|\[([^\]]+)\]\([^)]*\)")


def plain(raw, name):
    """Returns the description in raw as plain words without the described thing's own name, or ''."""
    body = raw.strip()
    if body[:1] in "rRuUbB" and body[1:2] in "\"'":
        body = body[1:]
    if NOISE.search(body[:400]):
        return ""
    body = END.sub("", body)
    body = MARKER.sub("", body).strip().strip("\"'")
    brief = re.match(r"\s*[@\\]brief\s+", body)
    body = body[brief.end() :] if brief else body
    stop = STOP.search(body)
    body = body[: stop.start()] if stop else body
    body = TAG.sub(lambda m: m.group(1) or m.group(2) or "", body)
    if name:
        body = re.sub(r"(?:\b[\w]+[.#:]{1,2})?\b" + re.escape(name) + r"\b(?:\(\))?", "", body, flags=re.I)
    body = re.sub(r"[ \t]+", " ", re.sub(r"[ \t]*\n[ \t]*(?!\n)", "\n", body)).strip(" \n-:;,.=>")
    if len(re.findall(r"[A-Za-z]{2,}", body)) < 4 or sum(c.isascii() for c in body) < 0.95 * len(body):
        return ""
    return body


def shorten(text, limit=320):
    """Returns the first paragraph, or its first sentences, of at most limit characters, on one line."""
    para = " ".join(text.split("\n\n")[0].split())
    if len(para) <= limit:
        return para
    cut = max(para.rfind(". ", 0, limit), para.rfind("; ", 0, limit))
    return para[: cut + 1] if cut > 40 else para[: para.rfind(" ", 0, limit)]


STOPWORDS = set(
    "a an the of to in is are be was were it its this that these those for and or not with by from on at as if when then else "
    "which who whose what will would can could should may might must do does did has have had no any all each one two into "
    "than so such only also used use uses using given get gets returns return set sets called calls call whether there".split())

IRREGULAR = {"is": "be", "has": "have", "does": "do"}


def base_verb(word):
    """Undoes the third person: returns -> return, parses -> parse, copies -> copy."""
    low = word.lower()
    if low in IRREGULAR:
        return IRREGULAR[low]
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|zz)es$", low):
        return low[:-2]
    if low.endswith("s") and not low.endswith(("ss", "us", "is")):
        return low[:-1]
    return low


VERB_ASKS = (
    "How does it {base} {rest}?", "How do I {base} {rest}?", "Where do we {base} {rest}?", "how to {base} {rest}",
    "Where is the code that {third} {rest}?", "Which function {third} {rest}?", "What {third} {rest}?",
    "Explain how the code {third} {rest}.", "I want to change how it {third} {rest}.", "Why does it {base} {rest}?",
    "Does this {base} {rest}?", "Find the bug: it should {base} {rest} but it does not.",
    "Add logging to the code that {third} {rest}.", "Write a test that it can {base} {rest}.",
    "What happens when we {base} {rest}?", "{base} {rest}",
)
NOUN_ASKS = (
    "What is {low}?", "Where is {low} defined?", "How does {low} work?", "Explain {low}.", "Show me {low}.",
    "Which code handles {low}?", "Where is {low} handled?", "How is {low} used?", "I need to change {low}.", "{low}",
)
THIRD = re.compile(r"^[A-Z]?[a-z]+s$")


def question(text, rng, leading_verbs):
    """Returns a question or instruction made from a description.

    leading_verbs holds base forms seen at the start of many descriptions; a
    description that begins with none of them is taken for a noun phrase.
    """
    first = re.split(r"(?<=[a-z)])[.;:] |, (?:which|so|but|or if|and if|if|unless|because)\b|\s\(", text)[0].strip(" .:;,")
    words = first.split()[:22]
    while len(words) > 2 and words[0].lower() in ("the", "a", "an", "this", "method", "function", "class", "helper", "to"):
        words = words[1:]
    if len(words) < 3:
        return text
    base = base_verb(words[0])
    rest = " ".join(words[1:])
    if base in leading_verbs:
        third = words[0].lower() if THIRD.match(words[0]) else base + ("es" if base.endswith(("s", "x", "ch", "sh")) else "s")
        return rng.choice(VERB_ASKS).format(base=base, third=third, rest=rest)
    low = words[0] if words[0][1:2].isupper() else words[0].lower()
    return rng.choice(NOUN_ASKS).format(low=(low + " " + rest))


def keywords(text, rng):
    """Returns a few content words of a description, as one types them into a search box."""
    words = [w for w in re.findall(r"[A-Za-z][A-Za-z0-9_]+", text) if w.lower() not in STOPWORDS]
    if len(words) < 2:
        return text
    keep = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(2, 5))))
    return " ".join(words[i] if rng.random() < 0.3 else words[i].lower() for i in keep)
