"""Ranks the functions of held-out packages for their own descriptions, and says how well.

A query is a function's description without its own name (or a question made
from it). The candidates are the function without that description and those
around it with theirs, as in `pith bench retention`, which measures the whole
compressor. Reported per language: mean reciprocal rank and recall for the
model, BM25 over split identifiers, and both together, with paired bootstrap
intervals.
"""

import argparse
import json
import math
import random
import re
from collections import Counter, defaultdict
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
import torch

from . import dataset, tokenizer
from .describe import question, shorten
from .export import load
from .paths import data_dir
from .quant import rounded

CONTEXT = 32 << 10  # characters of the candidates of one query together


def words(text):
    """Splits text into lower-case words; identifiers are cut at case, digits and underscores."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)
    return [p.lower() for p in parts]


def bm25(query, documents, k1=1.2, b=0.75):
    """Returns the BM25 score of each document (lists of words) for the query."""
    counts = [Counter(d) for d in documents]
    frequency = Counter(w for c in counts for w in c)
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for count, document in zip(counts, documents, strict=True):
        score = 0.0
        for w in set(query):
            if w in count:
                idf = math.log(1 + (len(documents) - frequency[w] + 0.5) / (frequency[w] + 0.5))
                score += idf * count[w] * (k1 + 1) / (count[w] + k1 * (1 - b + b * len(document) / mean))
        scores.append(score)
    return np.array(scores)


def tasks(items, rng, queries):
    """Returns (candidates, number of the right one) of each query, spread over languages and packages.

    The candidates are functions that stand around the described one, as in the
    Go benchmark: CONTEXT characters of its file and the next, none described alike.
    """
    shelves = defaultdict(list)
    for item in items:
        shelves[item.lang, item.package].append(item)
    by_language = defaultdict(list)
    for (lang, _), members in sorted(shelves.items()):
        members.sort(key=lambda i: (i.file, i.order))
        described = [n for n, i in enumerate(members) if i.doc and i.text.count("\n") >= 3]
        rng.shuffle(described)
        by_language[lang].append([(members, n) for n in described])
    picked, share = [], queries // max(1, len(by_language))
    for packages in by_language.values():
        turns = [task for turn in zip_longest(*packages) for task in turn if task is not None]
        found = (around(members, n) for members, n in turns)
        picked += islice((f for f in found if len(f[0]) >= 10), share)
    return picked


def around(members, at):
    """Returns (the members around number at, its number among them)."""
    first, last, room = at, at + 1, CONTEXT
    while room > 0 and (first > 0 or last < len(members)):
        nearer = first > 0 and (at - first <= last - at or last == len(members))
        first, last = (first - 1, last) if nearer else (first, last + 1)
        added = members[first if nearer else last - 1]
        room -= len(added.text) + len(added.raw)
    own = members[at]
    others = [i for i in members[first:last] if i is own or i.doc.lower() != own.doc.lower() or not i.doc]
    return others, next(n for n, i in enumerate(others) if i is own)


@torch.no_grad()
def model_losses(model, chunks, query):
    """Returns losses [1 + chunks, query - 1]: of the query's tokens, the first left out, alone and after each chunk."""
    out = np.zeros((1 + len(chunks), len(query) - 1))
    out[0] = model.losses(query).numpy()
    rng, table = np.random.default_rng(0), model.table()
    order = sorted(range(len(chunks)), key=lambda n: len(chunks[n]))
    for at in range(0, len(order), 6):
        part = order[at : at + 6]
        batch = dataset.collate([(chunks[n], [(0, query)]) for n in part], 0.0, rng)
        losses = model.nll(batch.ids, model.hidden(batch.ids, table, batch.layout), table, batch.wanted, batch.layout)
        out[[1 + n for n in part]] = losses.double().numpy().reshape(len(part), -1)[:, 1:]
    return out


def place(scores, right):
    """Returns the rank of the right candidate; ties count half."""
    return 1 + (scores > scores[right]).sum() + 0.5 * ((scores == scores[right]).sum() - 1)


def evaluate(model, items, encode, args):
    """Returns one record per query: language and the rank each ranker gives."""
    rng = random.Random(args.seed)
    verbs, records = dataset.leading_verbs(items), []
    for candidates, right in tasks(items, rng, args.queries):
        text = shorten(candidates[right].doc)
        text = question(text, rng, verbs) if args.style == "question" else text
        shown = [i.head() + (i.text if n == right else i.whole()) for n, i in enumerate(candidates)]
        chunks = [np.array(encode(t.rstrip() + "\n\n")[: args.cut], np.int16) for t in shown]
        losses = model_losses(model, chunks, encode(text)[:64])
        lexical, gain = bm25(words(text), [words(t) for t in shown]), (losses[:1] - losses[1:]).mean(1)
        records.append({"lang": candidates[right].lang, "ami": place(gain, right), "bm25": place(lexical, right),
                        "random": rng.randint(1, len(candidates)), "candidates": len(candidates)})
    return records


def interval(values, rng, rounds=2000):
    """Returns the 95 % bootstrap interval of the mean of values."""
    picks = rng.integers(0, len(values), (rounds, len(values)))
    return np.percentile(values[picks].mean(1), (2.5, 97.5))


def report(records):
    """Returns the tables as Markdown lines."""
    rng = np.random.default_rng(0)
    lines = ["| language | queries | ranker | MRR | recall@1 | recall@5 |", "|---|---|---|---|---|---|"]
    for lang in ["all", *sorted({r["lang"] for r in records})]:
        rows = [r for r in records if lang in ("all", r["lang"])]
        for ranker in ("random", "bm25", "ami"):
            ranks = np.array([r[ranker] for r in rows], float)
            figures = " | ".join(f"{x.mean():.3f}" for x in (1 / ranks, ranks <= 1, ranks <= 5))
            lines.append(f"| {lang} | {len(rows)} | {ranker} | {figures} |")
    gain = np.array([1 / r["ami"] - 1 / r["bm25"] for r in records])
    low, high = interval(gain, rng)
    lines.append(f"\nami minus bm25: {gain.mean():+.3f} MRR, 95 % interval {low:+.3f} to {high:+.3f}")
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--checkpoint", type=Path)
    ap.add_argument("--queries", type=int, default=1200)
    ap.add_argument("--cut", type=int, default=1024, help="tokens of a chunk that are read")
    ap.add_argument("--part", choices=("held_out", "validation"), default="held_out", help="choose on validation, report held_out")
    ap.add_argument("--style", choices=("doc", "question"), default="doc")
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--json", type=Path, help="write the records here")
    args = ap.parse_args()
    torch.set_num_threads(1)
    data = data_dir(args.data)
    ranks = tokenizer.load_ranks()
    encode = tokenizer.encoding(ranks).encode_ordinary
    model, record = load(args.checkpoint or data / "checkpoint.pt")
    items = [i for i in dataset.load(data, args.part, bare=1) if i.kind == "function"]
    records = evaluate(rounded(model), items, encode, args)
    print(record)
    candidates = np.mean([r["candidates"] for r in records])
    print(f"{len({i.package for i in items})} {args.part} packages, mean of {candidates:.1f} candidates")
    print("\n".join(report(records)))
    if args.json:
        args.json.write_text(json.dumps(records, default=float))


if __name__ == "__main__":
    main()
