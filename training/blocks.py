"""Prints functions cut into blocks by their line perplexities, to be judged by eye.

The rule is the paper's (LongCodeZip, section on fine-grained compression): a
line whose score is a local maximum and stands at least ALPHA standard
deviations above a neighbour begins a new block. A line's score is the mean
loss of its tokens given the lines before it.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from . import dataset, tokenizer
from .export import load
from .paths import data_dir
from .quant import rounded

ALPHA = 1.0


def line_scores(model, encoding, code):
    """Returns the mean loss per line in nats; blank lines score 0, the first line lacks its first token."""
    ids = encoding.encode_ordinary(code)[: model.config.max_tokens]
    losses = model.losses(ids).tolist()
    ends = np.cumsum([len(encoding.decode_single_token_bytes(i)) for i in ids])
    starts = [0]
    for line in code.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    owner = np.searchsorted(starts, np.concatenate(([0], ends[:-1])), side="right") - 1
    scores = []
    for n, line in enumerate(code.split("\n")):
        own = [losses[t - 1] for t in range(1, len(ids)) if owner[t] == n]
        scores.append(float(np.mean(own)) if own and line.strip() else 0.0)
    return scores


def cuts(scores):
    """Returns the lines that begin a block."""
    limit = ALPHA * np.std(scores)
    starts = [0]
    for i in range(1, len(scores) - 1):
        left, right = scores[i] - scores[i - 1], scores[i] - scores[i + 1]
        if left >= 0 and right >= 0 and max(left, right) >= limit:
            starts.append(i)
    return starts


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--checkpoint", type=Path)
    ap.add_argument("--count", type=int, default=10)
    ap.add_argument("--seed", type=int, default=3)
    args = ap.parse_args()
    torch.set_num_threads(1)
    data = data_dir(args.data)
    ranks = tokenizer.load_ranks()
    model, _ = load(args.checkpoint or data / "checkpoint.pt")
    model, encoding = rounded(model), tokenizer.encoding(ranks)
    items = [i for i in dataset.load(data, held_out=True) if 14 <= i.text.count("\n") <= 24 and i.doc]
    rng = random.Random(args.seed)
    rng.shuffle(items)
    langs = sorted({i.lang for i in items})
    picked = [next(i for i in items if i.lang == lang) for lang in langs]
    picked += [i for i in items if i not in picked][: args.count - len(picked)]
    for item in picked[: args.count]:
        scores = line_scores(model, encoding, item.text)
        starts = cuts(scores)
        print(f"\n{item.lang} {item.name} ({item.file}), {len(starts)} blocks\n")
        for n, line in enumerate(item.text.split("\n")):
            if n in starts and n:
                print("    " + "-" * 60)
            print(f"    {scores[n]:4.1f}  {line}")


if __name__ == "__main__":
    main()
