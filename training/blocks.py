"""Prints functions of this repository cut into blocks by their line perplexities, to be judged by eye.

The rule is the paper's (LongCodeZip, section III-C): a line whose score is a
local maximum and stands at least ALPHA standard deviations above a neighbour
begins a new block. A line's score is the mean loss of its tokens given the
lines before it. The compressor further joins and splits what this rule gives.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import tokenizer
from .export import load
from .languages import BY_SUFFIX, find
from .paths import REPO, data_dir
from .quant import rounded

ALPHA = 1.0
# None of these was trained on.
SHOWN = ("cache/redis.go:get", "compress/lexical/terms.go:humps", "compress/segment.go:spikes", "configs/load.go:suggest",
         "parsers/groups.go:joins", "parsers/names.go:outerName", "training/tokenizer.py:plain_bpe",
         "training/evaluate.py:bm25", "training/corpus.py:hold_out", "training/describe.py:base_verb")


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
        own = [losses[t - 1] for t in range(1, len(ids)) if owner[t] == n and ends[t - 1] < starts[n + 1] - 1]
        scores.append(float(np.mean(own)) if own and line.strip() else 0.0)
    return scores


def cuts(scores):
    """Returns the lines that begin a block."""
    limit = ALPHA * np.std([s for s in scores if s > 0])
    starts = [0]
    for i in range(1, len(scores) - 1):
        left, right = scores[i] - scores[i - 1], scores[i] - scores[i + 1]
        if left >= 0 and right >= 0 and max(left, right) >= limit:
            starts.append(i)
    return starts


def show(place, model, encoding):
    """Prints one function, 'path:name', with the score of each line and a rule between blocks."""
    path, name = place.split(":")
    code = next(f.code for f in find(BY_SUFFIX[Path(path).suffix], (REPO / path).read_bytes()) if f.name == name)
    scores = line_scores(model, encoding, code)
    starts = cuts(scores)
    print(f"{place}: {len(starts)} blocks\n")
    for n, line in enumerate(code.split("\n")):
        if n in starts and n:
            print("         " + "-" * 40)
        print(f"    {scores[n]:3.1f}  {line}")
    print()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--checkpoint", type=Path)
    ap.add_argument("places", nargs="*", default=SHOWN, help="functions, as path:name from the root of the repository")
    args = ap.parse_args()
    torch.set_num_threads(1)
    model, _ = load(args.checkpoint or data_dir(args.data) / "checkpoint.pt")
    model, encoding = rounded(model), tokenizer.encoding(tokenizer.load_ranks())
    for place in args.places:
        show(place, model, encoding)


if __name__ == "__main__":
    main()
