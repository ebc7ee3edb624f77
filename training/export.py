"""Writes the embedded model: model.onnx, tokenizer.json, pith.json, and the stored losses that check it.

The weights are rounded to eight bits first and every stored loss is
computed in PyTorch from the rounded weights, so the graph must agree closely.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import torch

from . import graph, parity_texts, tokenizer
from .model import Config, Model, parameters_of
from .paths import MANIFEST, MODEL_DIR, TESTDATA
from .quant import rounded


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(checkpoint):
    """Returns (model, training record) of a checkpoint file, or a model with random weights for None."""
    ranks = tokenizer.load_ranks()
    classes = tokenizer.word_classes(ranks)
    if checkpoint is None:
        torch.manual_seed(0)
        return Model(Config(), classes).eval(), {"tokens_seen": 0}
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = Model(Config(**saved["config"]), classes).eval()
    model.load_state_dict(saved.get("average") or saved["model"])
    return model, {k: v + saved["before"].get(k, 0) for k, v in saved["record"].items()}


def parity(model, ranks, digest):
    """Returns the stored losses: for each case the ids of given+text and the loss of each, null for the first."""
    encode = tokenizer.encoding(ranks).encode_ordinary
    cases = []
    for name, given, text in parity_texts.cases():
        head, tail = encode(given), encode(text)
        ids = (head + tail)[: model.config.max_tokens]
        losses = [None] + [round(x, 6) for x in model.losses(ids).tolist()]
        cases.append({"name": name, "given": given, "text": text, "given_tokens": len(head), "ids": ids, "nll": losses})
    return {"model_sha256": digest, "cases": cases}


def side_car(model, record, out):
    """Returns pith.json as a dict."""
    return {
        "name": "pith-code-lm",
        "contract": "nll",
        "sha256": sha256(out / "model.onnx"),
        "tokenizer_sha256": sha256(out / "tokenizer.json"),
        "license": "Apache-2.0",
        "max_tokens": model.config.max_tokens,
        "vocab_size": model.config.vocab,
        "bos": None,
        "end": tokenizer.END_ID,
        "separator": "\n\n",
        "corpus_manifest_sha256": sha256(MANIFEST) if MANIFEST.exists() else None,
        "training": {"params": parameters_of(model), "config": model.config.to_dict(), **record},
    }


def write_json(path, value, indent=1):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--checkpoint", help="what to export; without it, random weights")
    ap.add_argument("--out", type=Path, default=MODEL_DIR)
    ap.add_argument("--parity", type=Path, default=TESTDATA / "parity.json")
    ap.add_argument("--logits", type=Path, help="also write the logits graph of the same weights here")
    args = ap.parse_args()

    started = time.monotonic()
    torch.set_num_threads(1)
    ranks = tokenizer.load_ranks()
    model, record = load(args.checkpoint)
    model = rounded(model)
    for folder in (args.out, args.parity.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (args.out / "model.onnx").write_bytes(graph.build(model, "nll").SerializeToString())
    write_json(args.out / "tokenizer.json", tokenizer.to_json(ranks), indent=None)
    write_json(args.out / "pith.json", side_car(model, record, args.out), indent=2)
    write_json(args.parity, parity(model, ranks, sha256(args.out / "model.onnx")), indent=None)
    if args.logits:
        args.logits.write_bytes(graph.build(model, "logits").SerializeToString())
    print(f"exported {parameters_of(model):,} parameters in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
