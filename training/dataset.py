"""Loads the chunks and makes what the model reads: a chunk, an empty line, and texts that belong to it."""

import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import torch

from .describe import base_verb, keywords, question, shorten
from .paths import MANIFEST

CHUNK_TOKENS, LONG_TOKENS, QUERY_TOKENS, CONTRAST_TOKENS = 224, 1400, 48, 32
DETERMINER = {"the", "a", "an", "all", "whether", "true", "if", "any", "each", "this", "its", "one", "new", "how"}


@dataclass
class Item:
    """One definition; raw, its description as the file has it, stands at offset at of text.

    code and full hold the first LONG_TOKENS tokens at most, without and with raw.
    """

    package: int
    lang: str
    file: str
    order: int
    name: str
    text: str
    doc: str
    calls: list
    kind: str = "function"
    scope: str = ""
    raw: str = ""
    at: int = 0
    code: np.ndarray = field(default=None, repr=False)
    full: np.ndarray = field(default=None, repr=False)

    def whole(self):
        """Returns the text as it stands in its file, with its description."""
        return self.text[: self.at] + self.raw + self.text[self.at :]

    def head(self):
        """Returns the line that the scorer puts before a chunk: where it stands and what it is called."""
        return f"{self.file} {self.scope}{'.' * bool(self.scope)}{self.name}\n"


COMMENT = re.compile(r"[ \t]*/\*.*?(?:\*/|\Z)\n?|^[ \t]*//[^\n]*\n|[ \t]*\"\"\".*?(?:\"\"\"|\Z)\n?", re.S | re.M)


def without_comments(code):
    """Removes comments and docstrings; the chunk of a class must not hold the descriptions of its methods."""
    return COMMENT.sub("", code)


def load(data, part="training", bare=8):
    """Returns the items of the packages of a part: training, validation or held_out; of those not described, one in bare."""
    manifest = json.loads(MANIFEST.read_text())
    items = []
    for number, entry in enumerate(manifest["packages"]):
        if part != next((p for p in ("held_out", "validation") if entry[p]), "training"):
            continue
        name = f"{entry['kind']}__{entry['name']}".replace("/", "__").replace(":", "__")
        for line in open(data / "chunks" / f"{name}.jsonl", encoding="utf-8"):
            r = json.loads(line)
            if not r["doc"] and r["order"] % bare:
                continue
            item = Item(number, r["lang"], r["file"], r["order"], r["name"], r["code"], r["doc"], r.get("calls", []), r["kind"])
            item.scope = r["scope"]
            if r["kind"] == "function":
                item.raw, item.at = r["raw"], r["at"]
            else:
                item.text = without_comments(item.text)
            items.append(item)
    return items


def leading_verbs(items):
    """Returns the base forms that begin many descriptions and are followed by a determiner."""
    seen = Counter()
    for item in items:
        words = item.doc.split(None, 2)
        if len(words) > 2 and words[1].lower() in DETERMINER and words[0].isalpha():
            seen[base_verb(words[0])] += 1
    return {verb for verb, n in seen.items() if n >= 15}


class Texts:
    """Makes queries for items, each with the tokens that follow the chunk's separator."""

    def __init__(self, items, encode, seed):
        self.encode, self.rng = encode, random.Random(seed)
        self.verbs = leading_verbs(items)
        self.following = {(i.package, i.file, i.order - 1): i for i in items}

    def doc(self, item):
        """Returns a text made from the description: as it stands, a question, or keywords."""
        draw, doc = self.rng.random(), shorten(item.doc)
        if draw < 0.45:
            first = re.split(r"(?<=[a-z)])\. ", doc)[0] if self.rng.random() < 0.4 else doc
            text = first[0].upper() + first[1:] if self.rng.random() < 0.5 else first
        elif draw < 0.87:
            text = question(doc, self.rng, self.verbs)
        else:
            text = keywords(doc, self.rng)
        return self.encode(text)[:QUERY_TOKENS]

    def other(self, item):
        """Returns a call site or the code that follows, or None."""
        if item.calls and self.rng.random() < 0.6:
            return self.encode(self.rng.choice(item.calls))[:QUERY_TOKENS]
        after = self.following.get((item.package, item.file, item.order))
        return after.code[:QUERY_TOKENS].tolist() if after is not None else None


def add_tokens(items, encode):
    """Tokenises every item's code once, with the empty line that parts it from what follows; the text is let go."""
    for item in items:
        item.code = np.array(encode(item.text.rstrip() + "\n\n")[:LONG_TOKENS], dtype=np.int16)
        item.full = item.code
        if item.raw:
            item.full = np.array(encode(item.whole().rstrip() + "\n\n")[:LONG_TOKENS], dtype=np.int16)
        item.text = item.raw = ""


def separators(encode):
    """Returns the tokens of the empty line put after a chunk that had to be cut short."""
    return encode("\n\n")


@dataclass
class Batch:
    """What Model.hidden and Model.nll take, plus which query each wanted token belongs to (-1 for code)."""

    ids: torch.Tensor
    layout: tuple
    wanted: tuple
    query: torch.Tensor
    tokens: int

    def to(self, device):
        def move(tensors):
            return tuple(t.to(device) for t in tensors)

        return Batch(self.ids.to(device), move(self.layout), move(self.wanted), self.query.to(device), self.tokens)


def length(row):
    """Returns how many tokens a row of collate takes."""
    return len(row[0]) + sum(len(query) for _, query in row[1])


def collate(rows, code_share, rng):
    """Lays out rows of (chunk tokens, [(query number, query tokens)]).

    Every query stands right after its chunk as far as the model can tell: its
    positions go on from the chunk's, and it sees the chunk and itself only.
    """
    shape = (len(rows), max(length(row) for row in rows))
    ids, segment = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    positions, previous = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    wanted, owner = [], []
    for r, (chunk, queries) in enumerate(rows):
        n = len(chunk)
        ids[r, :n], segment[r, :n], positions[r, :n] = chunk, 0, np.arange(n)
        previous[r, :n] = np.arange(n) - 1
        picked = rng.random(n - 1) < code_share
        wanted += [(r, c, chunk[c + 1]) for c in np.flatnonzero(picked)]
        owner += [-1] * int(picked.sum())
        at = n
        for s, (number, query) in enumerate(queries):
            m = len(query)
            ids[r, at : at + m], segment[r, at : at + m] = query, s + 1
            positions[r, at : at + m] = n + np.arange(m)
            previous[r, at : at + m] = [n - 1, *range(at, at + m - 1)]
            wanted += [(r, n - 1 if k == 0 else at + k - 1, query[k]) for k in range(m)]
            owner += [number] * m
            at += m
    segments = torch.from_numpy(segment)
    index = torch.arange(shape[1])
    mask = (index[None, :, None] >= index[None, None]) & (segments[:, None] >= 0)
    mask &= (segments[:, None] == 0) | (segments[:, None] == segments[:, :, None])
    mask |= torch.eye(shape[1], dtype=torch.bool)
    wanted = torch.tensor(np.array(wanted, dtype=np.int64).T.copy())
    layout = (torch.from_numpy(positions), torch.from_numpy(previous), mask)
    return Batch(torch.from_numpy(ids), layout, tuple(wanted), torch.tensor(owner), int((segment >= 0).sum()))


class Sampler:
    """Draws training batches without end."""

    def __init__(self, items, encode, seed):
        self.items, self.texts = items, Texts(items, encode, seed)
        self.rng, self.numbers = random.Random(seed + 1), np.random.default_rng(seed)
        self.cut = np.array(separators(encode), dtype=np.int16)
        self.described = [i for i in items if i.doc]
        self.bare = [i for i in items if not i.doc]
        groups = defaultdict(list)
        for item in items:
            groups[item.package, item.lang].append(item)
        groups = {k: sorted(g, key=lambda i: (i.file, i.order)) for k, g in groups.items()}
        self.groups = [g for g in groups.values() if sum(bool(i.doc) for i in g) >= 12]
        self.odds = np.array([len(g) ** 0.75 for g in self.groups])
        self.odds /= self.odds.sum()

    def chunk(self, item, limit, described, headed):
        """Returns the tokens of a chunk of at most limit, with or without its description and the line that heads it."""
        code = item.full if described else item.code
        if headed:
            code = np.concatenate((self.texts.encode(item.head()), code))
        return code if len(code) <= limit else np.concatenate((code[: limit - 1], self.cut[:1]))

    def plain(self, budget):
        """Returns a batch of about budget tokens: chunks of similar length with one to three texts of their own."""
        limit = LONG_TOKENS if self.rng.random() < 0.06 else CHUNK_TOKENS
        pool = self.rng.sample(self.described, 96) + self.rng.sample(self.bare, 24)
        if limit == LONG_TOKENS:
            pool = [i for i in self.rng.sample(self.described, 600) if len(i.code) > CHUNK_TOKENS]
        pool.sort(key=lambda i: len(i.code))
        start, rows, used = self.rng.randrange(len(pool)), [], 0
        for item in pool[start:] + pool[:start][::-1]:
            chunk = self.chunk(item, limit, self.rng.random() < 0.2, self.rng.random() < 0.5)
            queries = [self.texts.doc(item) for _ in range(self.rng.choice((1, 2)))] if item.doc else []
            extra = self.texts.other(item) if self.rng.random() < 0.35 or not queries else None
            queries += [extra] if extra else []
            rows.append((chunk, [(len(rows), q) for q in queries if q]))
            used = len(rows) * max(map(length, rows))
            if used >= budget:
                break
        return collate(rows, 0.25, self.numbers)

    def members(self, size):
        """Returns up to size items of one package, mostly neighbours, no two described alike, a quarter without description."""
        same = self.groups[self.numbers.choice(len(self.groups), p=self.odds)]
        if self.rng.random() < 0.8:
            start = self.rng.randrange(max(1, len(same) - 4 * size))
            same = same[start : start + 4 * size]
        picked, docs, bare = [], set(), 0
        for item in self.rng.sample(same, min(len(same), 6 * size)):
            if len(picked) < size and (item.doc not in docs if item.doc else bare < size // 4):
                docs.add(item.doc)
                bare += not item.doc
                picked.append(item)
        return picked

    def group(self, size):
        """Returns the rows of one group: size chunks of one package, each followed by the queries of all.

        In most groups half the chunks keep their descriptions, as files have
        them: the model must not take a chunk for the answer because it holds prose.
        """
        picked = self.members(size)
        limit, headed = self.rng.choice((128, 192, 288)), self.rng.random() < 0.5
        kept = 0.5 if self.rng.random() < 0.75 else 0.0
        queries = [(n, self.texts.doc(item)[:CONTRAST_TOKENS]) for n, item in enumerate(picked) if item.doc]
        return [(self.chunk(item, limit, self.rng.random() < kept, headed), queries) for item in picked]

    def contrast(self, budget, size=8):
        """Returns a batch of groups; query numbers are row of the query's own chunk, the same for all rows of a group."""
        rows, used, first = [], 0, 0
        while used < budget:
            group = self.group(size)
            if len(group) < 3 or not group[0][1]:
                continue
            rows += [(chunk, [(first + n, q) for n, q in queries]) for chunk, queries in group]
            first = len(rows)
            used = len(rows) * max(map(length, rows))
        return collate(rows, 0.05, self.numbers)
