"""Checks the exported model with ONNX Runtime: stored losses, the tokenizer file, and speed on one thread."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from .paths import MODEL_DIR, TESTDATA


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def alone(feed, run):
    """Returns feed (input_ids, targets) with what the other inputs are when nothing stands before the tokens."""
    ids = feed["input_ids"]
    rows, width = ids.shape
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    past = {i.name: np.zeros((rows, i.shape[1], 0, i.shape[3]), types[i.type])
            for i in run.get_inputs() if i.name.startswith("past_key_values.")}
    return {"attention_mask": np.ones_like(ids), "position_ids": np.tile(np.arange(width), (rows, 1)),
            "past_ids": np.zeros((rows, 0), np.int64), **past, **feed}


def losses(run, rows):
    """Returns one loss array per row of ids, computed as one right-padded batch."""
    width = max(map(len, rows))
    ids = np.zeros((len(rows), width), np.int64)
    targets = np.full((len(rows), width), -1, np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)], targets[i, : len(row) - 1] = row, row[1:]
    flat = run.run(None, alone({"input_ids": ids, "targets": targets}, run))[0]
    return np.split(flat, np.cumsum([len(row) - 1 for row in rows])[:-1])


def speed(run, length, wanted, batch_tokens=2048):
    """Returns tokens per second of CPU time over batches of the given length, wanted losses at each row's end."""
    rows = batch_tokens // length
    ids = np.random.default_rng(0).integers(0, 8191, (rows, length))
    targets = np.where(np.arange(length) >= length - wanted, ids, -1)
    feed = alone({"input_ids": ids, "targets": targets}, run)
    run.run(None, feed)
    started, rounds = time.process_time(), 5
    for _ in range(rounds):
        run.run(None, feed)
    return rounds * rows * length / (time.process_time() - started)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--model", type=Path, default=MODEL_DIR)
    ap.add_argument("--parity", type=Path, default=TESTDATA / "parity.json")
    args = ap.parse_args()
    run = session(args.model / "model.onnx")
    tok = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    cases = json.loads(args.parity.read_text(encoding="utf-8"))["cases"]
    worst = 0.0
    for batch in (cases, *[[c] for c in cases]):
        for case, got in zip(batch, losses(run, [c["ids"] for c in batch]), strict=True):
            worst = max(worst, float(np.abs(got - np.array(case["nll"][1:])).max(initial=0)))
            ids = tok.encode(case["given"]).ids + tok.encode(case["text"]).ids
            if ids[: len(case["ids"])] != case["ids"]:
                raise SystemExit(f"{case['name']}: tokenizer.json gives other ids")
    print(f"onnxruntime {onnxruntime.__version__}: {len(cases)} cases, largest difference {worst:.2e} nats")
    for length, wanted in ((256, 256), (256, 32), (512, 512), (1024, 1024), (2048, 2048)):
        print(f"length {length}, {wanted} wanted: {speed(run, length, wanted):,.0f} tokens per CPU second")
    if worst > 1e-3:
        raise SystemExit("losses differ by more than 1e-3 nats")


if __name__ == "__main__":
    main()
