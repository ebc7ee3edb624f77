"""Draws batches for the embedded model from questions as people ask them.

A question was written about one function (training/asked.jsonl.gz), is the message of a commit that changed
it, or is the comment that it lost. It has to be likelier after that function than after others of the same file and
folder. What the model reads is as in training.dataset; no chunk holds a comment of its own in half of
the groups.
"""

import random
from collections import defaultdict

import numpy as np

from . import dataset
from .cases import folder
from .dataset import CONTRAST_TOKENS, separators
from .history import code, description, lines, parts

SHARES = {"written": 0.6, "commit": 0.25, "comment": 0.15}  # of the groups, by the question that each is made around
MOST_NEEDED = 5  # a commit that changed more functions says little about each


class Sampler(dataset.Sampler):
    """Draws contrastive batches without end, of groups of its own."""

    def __init__(self, history, asked, encode, seed, held_out):
        self.encode, self.rng, self.numbers = encode, random.Random(seed), np.random.default_rng(seed)
        self.cut = np.array(separators(encode), dtype=np.int16)
        self.functions = [f for f in lines(history / "functions.jsonl.gz") if f["repo"] not in held_out]
        self.at = {f["id"]: n for n, f in enumerate(self.functions)}
        self.tokens = {}
        self.near = defaultdict(list)
        for n, f in enumerate(self.functions):
            self.near[self.place(f)].append(n)
        by_name = {(f["repo"], f["path"], f["name"]): n for n, f in enumerate(self.functions)}
        self.questions = defaultdict(list)  # of a function, by its number
        for line in lines(asked):
            n = by_name.get((line["repo"], line["path"], line["name"]))
            if n is not None:
                self.questions[n] += line["asked"]
        commits = [(c["query"], [self.at[i] for i in c["needed"]]) for c in lines(history / "commits.jsonl.gz")
                   if c["repo"] not in held_out and len(c["needed"]) <= MOST_NEEDED]
        self.seeds = {"written": [(None, [n]) for n in self.questions], "commit": commits}

    @staticmethod
    def place(function):
        return function["repo"], function["lang"], folder(function["path"])

    def chunk(self, n, limit, commented, headed):
        """Returns the tokens of a function of at most limit, with or without its comments and the line that heads it."""
        key = n, commented, headed
        if key not in self.tokens:
            f = self.functions[n]
            text = code(f)
            if not commented:
                _, head, body = parts(f["lang"], text)
                text = f"{head}\n{body}"
            text = f"{f['path']} {f['name']}\n" * headed + text[:4000].rstrip() + "\n\n"
            self.tokens[key] = np.array(self.encode(text)[:300], dtype=np.int16)
        found = self.tokens[key]
        return found if len(found) <= limit else np.concatenate((found[: limit - 1], self.cut[:1]))

    def question(self, n):
        """Returns a question that is about a function alone, or None."""
        if self.questions.get(n):
            return self.rng.choice(self.questions[n])
        f = self.functions[n]
        said = description(parts(f["lang"], code(f))[0])
        return said if len(said.split()) > 3 else None

    def group(self, size):
        """Returns the rows of one group: up to size functions, each followed by the questions of all."""
        kind = self.rng.choices(list(SHARES), SHARES.values())[0]
        text, needed = self.rng.choice(self.seeds[kind]) if kind in self.seeds else (None, [self.rng.randrange(len(self.functions))])
        first = self.rng.choice(needed)
        f = self.functions[first]
        others = [n for n in self.near[self.place(f)] if n not in needed]
        same = [n for n in others if self.functions[n]["path"] == f["path"]]
        picked = [first] + self.rng.sample(same, min(len(same), size - 3))
        rest = [n for n in others if n not in picked]
        picked += self.rng.sample(rest, min(len(rest), size - len(picked)))
        own = [text] + [None] * (len(picked) - 1)
        queries = []
        for row, n in enumerate(picked):
            query = own[row] or self.question(n)
            if query:
                queries.append((row, self.encode(" ".join(query.split()))[:CONTRAST_TOKENS]))
        limit, headed, kept = self.rng.choice((128, 192, 288)), self.rng.random() < 0.7, self.rng.random() < 0.5
        return [(self.chunk(n, limit, kept and self.rng.random() < 0.5, headed), queries) for n in picked]

    plain = dataset.Sampler.contrast
