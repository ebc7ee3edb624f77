"""Trains the embedded model; stops by the clock, resumes from its checkpoint.

The rate follows the share of the time budget that is spent, so the schedule
ends when the budget does, however busy the machine is.
"""

import argparse
import json
import math
import os
import queue
import random
import threading
import time
from pathlib import Path

import numpy as np
import torch

from . import asked, dataset, tokenizer
from .model import Config, Model, parameters_of
from .paths import data_dir
from .quant import from_graph

AVERAGE = 0.998  # decay of the weight average that is exported and evaluated


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised (Jordan et al. 2024); for the matrices of the layers."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                momentum.lerp_(p.grad, 0.05)
                update = orthogonal(p.grad.lerp(momentum, 0.95))
                p.mul_(1 - 0.02 * group["lr"])
                p.add_(update, alpha=-group["lr"] * math.sqrt(max(1, p.shape[0] / p.shape[1])))


def orthogonal(g):
    """Returns nearly U V^T of the singular value decomposition of g, by five Newton-Schulz steps."""
    x = (g / (g.norm() + 1e-7)).bfloat16()
    if g.shape[0] > g.shape[1]:
        x = x.T
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.T if g.shape[0] > g.shape[1] else x).float()


def contrast_loss(losses, batch, alpha):
    """Returns (cross entropy, share right) of picking each query's own chunk among the rows that saw it.

    A query's score after a chunk is minus its summed loss, divided by the root
    of its length and scaled by alpha: the ranking the scorer makes, per query.
    """
    rows, query = batch.wanted[0], batch.query
    asked = query >= 0
    rows, query, losses = rows[asked], query[asked], losses[asked]
    size = len(batch.ids)
    zeros, cell = losses.new_zeros(size * size), query * size + rows
    total = zeros.index_add(0, cell, losses).view(size, size)
    count = zeros.index_add(0, cell, torch.ones_like(losses)).view(size, size)
    scores = (-alpha * total / count.clamp(min=1).sqrt()).masked_fill(count == 0, float("-inf"))
    right = query.unique()  # chunks without description have no query of their own
    scores = scores[right]
    return torch.nn.functional.cross_entropy(scores, right), (scores.argmax(1) == right).float().mean().item()


def objective(model, batch, weights, alpha):
    """Returns (loss, figures) of a batch; weights are (code, contrast), contrast 0 for plain batches."""
    table = model.table()
    h = model.hidden(batch.ids, table, batch.layout)
    losses = model.nll(batch.ids, h, table, batch.wanted, batch.layout)
    code = batch.query < 0
    own = ~code if not weights[1] else batch.query == batch.wanted[0]
    ask, rest = losses[own].mean(), losses[code].mean() if code.any() else losses.sum() * 0
    loss = ask + weights[0] * rest
    figures = {"query": ask.item(), "code": rest.item()}
    if weights[1]:
        ce, hit = contrast_loss(losses, batch, alpha)
        loss = loss + weights[1] * ce
        figures |= {"contrast": ce.item(), "hit": hit}
    return loss, figures


def batches(sampler, args, share):
    """Yields (batch, is contrast) made by a second thread; share() says how much of the budget is spent."""
    ready = queue.Queue(maxsize=4)

    def fill():
        rng = random.Random(args.seed + 2)
        while True:
            late = share() >= args.contrast_from
            pick = late and rng.random() < args.contrast_share
            ready.put((sampler.contrast(args.batch), True) if pick else (sampler.plain(args.batch), False))

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def rate(share):
    """Returns the factor on the learning rates: a short warm-up, level, then linear to a thousandth."""
    warm = min(1.0, share / 0.01 + 0.02)
    return warm * (1.0 if share < 0.25 else max(0.001, (1 - share) / 0.75))


class Run:
    """Everything a checkpoint holds."""

    def __init__(self, args, classes):
        torch.manual_seed(args.seed)
        self.args = args
        self.before = {}  # what the model that this one goes on from had seen
        self.model = Model(Config(width=args.width, layers=args.layers, hidden=args.hidden, heads=args.heads), classes)
        if args.start:
            card = json.loads((args.start / "pith.json").read_text(encoding="utf-8"))
            config = Config(**card["training"]["config"])
            self.model = from_graph(args.start / "model.onnx", config, classes)
            self.before = {k: card["training"][k] for k in ("tokens_seen", "steps", "seconds")}
        self.model.to(args.device)
        self.alpha = torch.nn.Parameter(torch.tensor(0.0, device=args.device))
        matrices = [p for p in self.model.layers.parameters() if p.ndim == 2]
        chosen = set(map(id, matrices))
        rest = [p for p in self.model.parameters() if id(p) not in chosen] + [self.alpha]
        self.optimizers = [Muon(matrices, args.rate), torch.optim.AdamW(rest, args.rate * 0.15, (0.9, 0.98), weight_decay=0.0)]
        self.average = {n: p.detach().clone() for n, p in self.model.state_dict().items()}
        self.record = {"tokens_seen": 0, "steps": 0, "seconds": 0.0}

    def save(self, path):
        state = {"config": self.model.config.to_dict(), "model": self.model.state_dict(), "average": self.average,
                 "alpha": self.alpha.data, "optimizers": [o.state_dict() for o in self.optimizers], "record": self.record,
                 "before": self.before}
        torch.save(state, str(path) + ".new")
        os.replace(str(path) + ".new", path)

    def restore(self, path):
        saved = torch.load(path, map_location=self.args.device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.average, self.record, self.before = saved["average"], saved["record"], saved["before"]
        self.alpha.data = saved["alpha"]
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)

    def step(self, batch, contrast, share):
        """Takes one step; returns its figures."""
        half = self.args.device_type if self.args.bf16 else None
        with torch.autocast(self.args.device_type, torch.bfloat16, enabled=half is not None):
            weights = (0.25, self.args.contrast if contrast else 0.0)
            loss, figures = objective(self.model, batch, weights, self.alpha.exp())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, base in zip(self.optimizers, (self.args.rate, self.args.rate * 0.15), strict=True):
            optimizer.param_groups[0]["lr"] = base * rate(share)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        decay = min(AVERAGE, (1 + self.record["steps"]) / (10 + self.record["steps"]))
        for name, p in self.model.state_dict().items():
            self.average[name].lerp_(p, 1 - decay)
        self.record["tokens_seen"] += batch.tokens
        self.record["steps"] += 1
        return figures


def train(run, sampler, args, out):
    """Runs until the budget is spent."""
    spent, started = run.record["seconds"], time.monotonic()
    sums, saved, logged = {}, time.monotonic(), 0
    budget = args.minutes * 60

    def share():
        return (spent + time.monotonic() - started) / budget

    for batch, contrast in batches(sampler, args, share):
        at = share()
        if at >= 1:
            break
        for name, value in run.step(batch.to(args.device), contrast, at).items():
            sums.setdefault(("contrast " if contrast else "") + name, []).append(value)
        run.record["seconds"] = round(at * budget, 1)
        if run.record["steps"] % 50 == 0:
            speed, logged = (run.record["tokens_seen"] - logged), run.record["tokens_seen"]
            means = "  ".join(f"{k} {np.mean(v):.3f}" for k, v in sums.items())
            print(f"{at:6.1%} step {run.record['steps']} tokens {run.record['tokens_seen']:,} (+{speed:,}) {means}", flush=True)
            run.record["query_loss"] = round(float(np.mean(sums.get("query") or sums["contrast query"])), 4)
            sums = {}
        if time.monotonic() - saved > args.save_every:
            run.save(out)
            saved = time.monotonic()
    run.save(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--checkpoint", type=Path, help="default DATA/checkpoint.pt; resumed from when it exists")
    ap.add_argument("--start", type=Path, help="folder of an exported model to go on from; its shape replaces the one asked for")
    ap.add_argument("--asked", type=Path, help="train on the questions of this file, and on --history, instead of on packages")
    ap.add_argument("--history", type=Path, help="folder of functions.jsonl.gz and commits.jsonl.gz, see history.py")
    ap.add_argument("--held-out", default="tmux,restic,tornado,Chart.js,jsoup,hyper", help="repositories of the history left out")
    ap.add_argument("--minutes", type=float, default=80)
    ap.add_argument("--batch", type=int, default=6000, help="tokens per step, padding included")
    ap.add_argument("--rate", type=float, default=0.008)
    ap.add_argument("--width", type=int, default=256)
    ap.add_argument("--layers", type=int, default=3)
    ap.add_argument("--hidden", type=int, default=768)
    ap.add_argument("--heads", type=int, default=4)
    ap.add_argument("--contrast", type=float, default=1.0, help="weight of the contrastive term")
    ap.add_argument("--contrast-from", type=float, default=0.2, help="share of the budget before contrastive batches")
    ap.add_argument("--contrast-share", type=float, default=0.7, help="share of contrastive batches after that")
    ap.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    ap.add_argument("--device", default="cpu", help="cpu or cuda")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--save-every", type=float, default=120, help="seconds between checkpoints")
    args = ap.parse_args()
    args.device_type = args.device.split(":")[0]
    torch.set_num_threads(args.threads)
    data = data_dir(args.data)
    out = args.checkpoint or data / "checkpoint.pt"
    ranks = tokenizer.load_ranks()
    encode = tokenizer.encoding(ranks).encode_ordinary
    run = Run(args, tokenizer.word_classes(ranks))
    if out.exists():
        run.restore(out)
    seed = args.seed + run.record["steps"]
    if args.asked:
        sampler = asked.Sampler(args.history, args.asked, encode, seed, set(args.held_out.split(",")))
        print(f"{parameters_of(run.model):,} parameters, questions about {len(sampler.questions):,} functions", flush=True)
    else:
        items = dataset.load(data)
        dataset.add_tokens(items, encode)
        sampler = dataset.Sampler(items, encode, seed)
        total, described = sum(len(i.code) for i in items), len(sampler.described)
        print(f"{parameters_of(run.model):,} parameters, {len(items):,} chunks, {described:,} described, {total:,} code tokens")
    train(run, sampler, args, out)


if __name__ == "__main__":
    main()
