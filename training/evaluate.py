"""Ranks the chunks of held-out packages for their own descriptions, and says how well.

A query is a description without the described thing's own name (or a question
made from it); the candidates are the chunk it belongs to and others of its
package. Reported per language: mean reciprocal rank and recall for the model,
BM25 over split identifiers, and the sum of both z-scores, with paired
bootstrap intervals.
"""

import argparse
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch

from . import dataset, tokenizer
from .describe import question, shorten
from .export import load
from .paths import data_dir
from .quant import rounded

CANDIDATES = 30
# What BM25's z-score counts beside the model's.
HYBRIDS = {"hybrid": 1.0, "hybrid, half BM25": 0.5, "hybrid, quarter BM25": 0.25}


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


def pools(items, rng, queries):
    """Returns groups of up to CANDIDATES described chunks of one package and language, described differently."""
    by_package = defaultdict(list)
    for item in items:
        if item.doc:
            by_package[item.package, item.lang].append(item)
    by_language = defaultdict(list)
    for (_, lang), members in sorted(by_package.items()):
        rng.shuffle(members)
        members = list({i.doc: i for i in members}.values())
        for at in range(0, len(members) - CANDIDATES // 2, CANDIDATES):
            by_language[lang].append(members[at : at + CANDIDATES])
    picked = []
    share = queries // len(by_language) if by_language else 0
    for groups in by_language.values():
        rng.shuffle(groups)
        taken = 0
        for group in groups:
            if taken < share:
                picked.append(group)
                taken += len(group)
    return picked


@torch.no_grad()
def model_scores(model, chunks, queries):
    """Returns mean log-probability [queries, chunks] of each query after each chunk."""
    out = np.zeros((len(queries), len(chunks)))
    rng, table = np.random.default_rng(0), model.table()
    for at in range(0, len(chunks), 6):
        rows = [(c, list(enumerate(queries))) for c in chunks[at : at + 6]]
        batch = dataset.collate(rows, 0.0, rng)
        losses = model.nll(batch.ids, model.hidden(batch.ids, table, batch.layout), table, batch.wanted, batch.layout)
        cells = batch.query.numpy() * len(chunks) + at + batch.wanted[0].numpy()
        out += np.bincount(cells, losses.double().numpy(), out.size).reshape(out.shape)
    return -out / np.array([[len(q)] for q in queries])


def standard(x):
    return (x - x.mean()) / (x.std() + 1e-9)


def place(scores, right):
    """Returns the rank of the right candidate; ties count half."""
    return 1 + (scores > scores[right]).sum() + 0.5 * ((scores == scores[right]).sum() - 1)


def evaluate(model, items, encode, args):
    """Returns one record per query: language and the rank each ranker gives."""
    rng, cut = random.Random(args.seed), np.array(encode("\n\n"), np.int16)
    verbs, records = dataset.leading_verbs(items), []
    for group in pools(items, rng, args.queries):
        texts = [shorten(i.doc) for i in group]
        if args.style == "question":
            texts = [question(t, rng, verbs) for t in texts]
        chunks = [i.code if len(i.code) <= args.cut else np.concatenate((i.code[: args.cut - 1], cut)) for i in group]
        asks = [encode(t)[:64] for t in texts]
        grid = model_scores(model, chunks, asks)
        documents = [words(i.text) for i in group]
        for n, text in enumerate(texts):
            lexical = bm25(words(text), documents)
            mixed = {name: place(standard(grid[n]) + share * standard(lexical), n) for name, share in HYBRIDS.items()}
            records.append({"lang": group[n].lang, "ami": place(grid[n], n), "bm25": place(lexical, n), **mixed,
                            "random": rng.randint(1, len(group)), "candidates": len(group)})
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
        for ranker in ("random", "bm25", "ami", *HYBRIDS) if lang == "all" else ("bm25", "ami", "hybrid"):
            ranks = np.array([r[ranker] for r in rows], float)
            figures = " | ".join(f"{x.mean():.3f}" for x in (1 / ranks, ranks <= 1, ranks <= 5))
            lines.append(f"| {lang} | {len(rows)} | {ranker} | {figures} |")
    for ranker in ("ami", *HYBRIDS):
        gain = np.array([1 / r[ranker] - 1 / r["bm25"] for r in records])
        low, high = interval(gain, rng)
        lines.append(f"\n{ranker} minus bm25: {gain.mean():+.3f} MRR, 95 % interval {low:+.3f} to {high:+.3f}")
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--checkpoint", type=Path)
    ap.add_argument("--queries", type=int, default=1200)
    ap.add_argument("--cut", type=int, default=256, help="tokens of a chunk that are read")
    ap.add_argument("--style", choices=("doc", "question"), default="doc")
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--json", type=Path, help="write the records here")
    args = ap.parse_args()
    torch.set_num_threads(1)
    data = data_dir(args.data)
    ranks = tokenizer.load_ranks()
    encode = tokenizer.encoding(ranks).encode_ordinary
    model, record = load(args.checkpoint or data / "checkpoint.pt")
    items = [i for i in dataset.load(data, held_out=True) if i.doc]
    dataset.add_tokens(items, encode)
    records = evaluate(rounded(model), items, encode, args)
    print(record)
    candidates = np.mean([r["candidates"] for r in records])
    print(f"{len({i.package for i in items})} held-out packages, mean of {candidates:.1f} candidates")
    print("\n".join(report(records)))
    if args.json:
        args.json.write_text(json.dumps(records, default=float))


if __name__ == "__main__":
    main()
