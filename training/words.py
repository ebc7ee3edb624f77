"""Trains the table of words of embedding/model and writes it.

    python -m training.words --history DIR --start DATA/neighbours.npz --written training/asked.jsonl.gz \
        --out embedding/model/words.bin [--questions CASES,SIGNALS] [--minutes 14] [--mean] [--held-out a,b]

A word has a vector and two weights, in a question and in code. The vectors start as those of
training.neighbours and move little, all by one linear map and each by a small step of its own, so that what
the pairs teach holds for words that they lack. A question and a function are compared three
ways: the cosine of their bags of words (header and whole text apart), and each word of the question with the
nearest word of the text. (The last counts in training alone: without it the bags over-fit, and beside them the
ranking gained nothing by it.) The words are trained by contrast: a commit's message has to find the functions that
it changed among those of their files and folder, a doc comment the function that lost it, a question that was
written about a function that one. BM25 counts along in
a third of the batches only, so that the words have to learn what it cannot see. What is printed is the loss and
the mean reciprocal rank on the repositories held out and on the questions that the weights of the ranking are fitted on.
"""

import argparse
import json
import math
import random
import struct
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .cases import folder
from .history import description, lines, parts, terms

CANDIDATES, BATCH = 40, 32
WORDS = 40_000
HEAD, BODY, COMMENT, QUERY = 32, 110, 60, 24  # words of a text that count
SHARES = {"commit": 0.3, "comment": 0.25, "written": 0.45}  # of the batches
STEP = 3e-4  # how fast a word's own vector moves
SCALE = 254  # of the vectors' bytes: length 1 is SCALE
STEPS_AT = (0.0, 0.25, 0.4, 0.55, 0.7, 0.85)  # where nearness bends


class Data:
    """Functions as bags of word numbers, and lists of (question, candidates, which are needed, BM25)."""

    def __init__(self, history, start, questions, written, comments=45_000):
        self.functions = list(lines(history / "functions.jsonl.gz"))
        commits = list(lines(history / "commits.jsonl.gz"))
        asked = [self.question(*pair) for pair in read_questions(questions)]
        bags, said, seen = [], [], Counter()
        for f in self.functions:
            comment, head, body = parts(f["lang"], f["text"])
            bags.append((Counter(terms(head) + terms(f["name"])), Counter(terms(body)), Counter(terms(comment))))
            said.append(description(comment))
            seen.update((bags[-1][0] | bags[-1][1]).keys())
        self.words = [str(w) for w in start["words"][:WORDS]]
        self.ids = {w: i + 1 for i, w in enumerate(self.words)}
        self.rarity = [math.log(1 + len(self.functions) / (seen[w] + 10)) for w in self.words]
        self.bags = bags
        self.lists = [self.commit(c) for c in commits] + self.comments(said, comments)
        self.lists += [self.entry("question", *q) for q in asked]
        self.lists += self.written(written) if written else []
        self.lists = [x for x in self.lists if x]

    def question(self, case, signals):
        """Adds a case's functions; returns (package, words of the question, candidates, needed)."""
        files = {f["path"]: f["content"].split("\n") for f in case["files"]}
        ids, needed = [], set()
        for c in signals["chunks"]:
            if not c["rank"] or c["kind"] not in ("function", "class", "type"):
                continue
            text = "\n".join(files[c["file"]][c["start_line"] - 1:c["end_line"]])
            if any(n["path"] == c["file"] and c["start_line"] <= n["end"] and c["end_line"] >= n["start"] for n in case["needed"]):
                needed.add(len(self.functions))
            ids.append(len(self.functions))
            self.functions.append({"repo": case["repo"], "lang": case["lang"], "path": c["file"], "name": c.get("name", ""), "text": text})
        return case["repo"], terms(case["query"]), ids, needed

    def neighbours(self):
        if not hasattr(self, "_near"):
            self._near = defaultdict(dict)
            for f in self.functions:
                if "id" not in f:
                    continue
                self._near[f["repo"], f["lang"], folder(f["path"])][f["path"], f["name"]] = f["id"]
        return self._near

    def commit(self, c):
        ids = list(c["candidates"])
        have = {(self.functions[i]["path"], self.functions[i]["name"]) for i in ids}
        keys = {(self.functions[i]["repo"], self.functions[i]["lang"], folder(self.functions[i]["path"])) for i in ids}
        extra = [i for k in sorted(keys) for name, i in self.neighbours()[k].items() if name not in have]
        random.shuffle(extra)
        return self.entry("commit", c["repo"], terms(c["query"]), ids + extra[:max(0, 110 - len(ids))], set(c["needed"]))

    def comments(self, said, count):
        out, order = [], list(range(len(said)))
        random.shuffle(order)
        for i in order[:3 * count]:
            if "id" not in self.functions[i]:
                continue
            f, query = self.functions[i], terms(said[i])
            if len(set(query)) < 3 or len(out) == count:
                continue
            near = self.neighbours()[f["repo"], f["lang"], folder(f["path"])]
            same = [j for (path, name), j in near.items() if path == f["path"] and name != f["name"]][:24]
            other = [j for (path, _), j in near.items() if path != f["path"]]
            out.append(self.entry("comment", f["repo"], query, [i] + same + random.sample(other, min(24, len(other))), {i}))
        return out

    def written(self, path):
        """Returns the questions that were written about single functions, which are found by repository, path and name."""
        at = {(f["repo"], f["path"], f["name"]): f["id"] for f in self.functions if "id" in f}
        out = []
        for line in lines(path):
            id = at.get((line["repo"], line["path"], line["name"]))
            if id is None:
                continue
            f = self.functions[id]
            near = self.neighbours()[f["repo"], f["lang"], folder(f["path"])]
            same = [j for (path, name), j in near.items() if path == f["path"] and name != f["name"]]
            other = [j for (path, _), j in near.items() if path != f["path"]]
            for question in line["asked"]:
                ids = random.sample(same, min(45, len(same))) + random.sample(other, min(35, len(other)))
                out.append(self.entry("written", f["repo"], terms(question), [id] + ids, {id}))
        return out

    def entry(self, kind, repo, query, ids, needed):
        query = list(dict.fromkeys(query))[:64]
        numbers = [self.ids[w] for w in query if w in self.ids]
        wanted = np.array([i in needed for i in ids])
        if not numbers or len(ids) < 4 or wanted.all() or not wanted.any():
            return None
        return kind, repo, numbers, ids, wanted, self.bm25(query, ids, kind)

    def bm25(self, query, ids, kind):
        """Returns BM25 of texts and of headers, a row each."""
        out = []
        for header in (False, True):
            docs = []
            for i in ids:
                head, body, comment = self.bags[i]
                docs.append(head if header else head + body + (comment if kind != "comment" else Counter()))
            length = np.array([sum(d.values()) + 1 for d in docs], float)
            score = np.zeros(len(docs))
            for word in query:
                n = np.array([d.get(word, 0) for d in docs], float)
                if n.any():
                    rare = math.log(1 + (len(docs) - (n > 0).sum() + 0.5) / ((n > 0).sum() + 0.5))
                    score += rare * n * 2.2 / (n + 1.2 * (0.25 + 0.75 * length / length.mean()))
            out.append(score)
        return np.stack(out)

    def bag(self, counts, most):
        """Returns the rarest words of a bag and their counts."""
        known = sorted((-self.rarity[self.ids[w] - 1], self.ids[w], n) for w, n in counts.items() if w in self.ids)[:most]
        return [i for _, i, _ in known], [n for _, _, n in known]


def read_questions(files):
    """Yields pairs of a case and its signals: CASES,SIGNALS as `pith bench questions --save` and `pith bench signals` write them."""
    for pair in files:
        cases, signals = pair.split(",")
        yield from zip(lines(cases), map(json.loads, open(signals)))


class Words(nn.Module):
    def __init__(self, rarity, start):
        super().__init__()
        count = len(rarity) + 1
        known = functional.normalize(torch.tensor(start["vectors"][:count - 1]), dim=-1)
        self.register_buffer("known", torch.cat([torch.zeros(1, known.shape[1]), known]))
        self.step = nn.Embedding(count, known.shape[1])  # of each word's own
        nn.init.zeros_(self.step.weight)
        self.map = nn.Parameter(torch.eye(known.shape[1]))
        rarity = torch.tensor([0.0] + rarity)[:, None] / 6
        raw = torch.cat([torch.zeros(2, 1), torch.tensor(start["weights"])[:, :count - 1]], 1)[..., None] if "weights" in start else None
        raw = rarity.expand(2, count, 1) if raw is None else (torch.log(torch.expm1(raw.clamp(min=1e-4))) + 1) / 3  # of weight()
        self.question = nn.Embedding.from_pretrained(raw[0].clone(), freeze=False)
        self.code = nn.Embedding.from_pretrained(raw[1].clone(), freeze=False)
        self.slopes = nn.Parameter(torch.tensor([[0.0, 0.2, 0.4, 0.6, 0.8, 3.0]] * 2))  # of nearness: headers, texts
        self.mix = nn.Parameter(torch.tensor([0.25, 0.12, 3.0, 3.0]))  # BM25, BM25 of headers, cosines

    def vectors(self, ids):
        return functional.normalize((self.known[ids] + self.step(ids)) @ self.map + 1e-9, dim=-1)

    @staticmethod
    def weight(raw):
        return functional.softplus(3 * raw[..., 0] - 1)

    def forward(self, question, texts, bm25):
        """question: [batch, words]; texts: two pairs of (ids, counts), [batch * candidates, words]."""
        batch, per = question.shape[0], texts[0][0].shape[0] // question.shape[0]
        every, place = torch.unique(torch.cat([ids.reshape(-1) for ids, _ in texts]), return_inverse=True)
        places = torch.split(place, [ids.numel() for ids, _ in texts])
        asked, at = torch.unique(question, return_inverse=True)
        known, sought = self.vectors(every), self.vectors(asked)
        near = sought @ known.T * (every != 0) - (every == 0).float()
        weight = self.weight(self.question(asked))[at] * (question > 0)
        bag = functional.normalize((sought[at] * weight[..., None]).sum(1) + 1e-6, dim=-1).repeat_interleave(per, 0)
        total = weight.sum(1, keepdim=True)
        share = (weight / (total + 1) * (total + 0.01).sqrt()).repeat_interleave(per, 0)
        at = at.repeat_interleave(per, 0)
        score = self.mix[0] * bm25[:, 0] + self.mix[1] * bm25[:, 1]
        for n, ((ids, counts), flat) in enumerate(zip(texts, places)):
            flat = flat.view(ids.shape)
            code = self.weight(self.code(every))[flat] * (1 + torch.log(counts.clamp(min=1))) * (counts > 0)
            text = functional.normalize(functional.embedding_bag(flat, known, per_sample_weights=code, mode="sum") + 1e-6, dim=-1)
            with torch.no_grad():
                best = near[at[:, :, None], flat[:, None, :]].argmax(-1)
            nearness = (self.slopes[n] * torch.relu(near[at, flat.gather(1, best)][..., None] - torch.tensor(STEPS_AT))).sum(-1)
            score = score + self.mix[2 + n] * (bag * text).sum(-1) + (nearness * share).sum(-1)
        return score.view(batch, per)


def draw(data, entries, drop):
    """Makes a batch; drop is the share of words that are left out everywhere."""
    gone = np.random.rand(len(data.words) + 1) < drop
    gone[0] = False
    question = np.zeros((len(entries), QUERY), np.int64)
    heads, bodies, bm25, target = [], [], [], []
    for row, (kind, _, query, ids, wanted, scores) in enumerate(entries):
        query = random.sample(query, QUERY) if len(query) > QUERY else query
        question[row, :len(query)] = query
        good, bad = np.flatnonzero(wanted), np.flatnonzero(~wanted)
        good = np.random.choice(good, 4, replace=False) if len(good) > 4 else good
        bad = np.random.choice(bad, CANDIDATES - len(good), replace=len(bad) < CANDIDATES - len(good))
        picked = np.concatenate([good, bad])
        for i in picked:
            head, body, comment = data.bags[ids[i]]
            heads.append(data.bag(head, HEAD))
            bodies.append(data.bag(body + comment if kind != "comment" and random.random() < 0.7 else body, BODY))
        bm25.append(scores[:, picked].T)
        target.append(np.arange(CANDIDATES) < len(good))

    def padded(bags, most):
        ids, counts = np.zeros((len(bags), most), np.int64), np.zeros((len(bags), most), np.float32)
        for row, (words, number) in enumerate(bags):
            ids[row, :len(words)], counts[row, :len(words)] = words, number
        counts[gone[ids]] = 0
        ids[gone[ids]] = 0
        return torch.tensor(ids), torch.tensor(counts)

    question[gone[question]] = 0
    target = np.stack(target).astype(np.float32)
    return (torch.tensor(question), (padded(heads, HEAD), padded(bodies, BODY)),
            torch.tensor(np.concatenate(bm25), dtype=torch.float32), torch.tensor(target / target.sum(1, keepdims=True)))


def train(data, start, minutes, held_out):
    lists = {kind: [x for x in data.lists if x[0] == kind and x[1] not in held_out] for kind in SHARES}
    tests = {kind: [x for x in data.lists if x[0] == kind and (kind not in SHARES or x[1] in held_out)][:500] for kind in (*SHARES, "question")}
    model = Words(data.rarity, start)
    groups = [{"params": [model.step.weight], "lr": STEP}, {"params": [model.map], "lr": 5e-4},
              {"params": [model.question.weight, model.code.weight], "lr": 3e-3},
              {"params": [model.slopes, model.mix], "lr": 1e-2}]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.98))
    rates = [g["lr"] for g in groups]
    begin, step = time.time(), 0
    kinds, shares = [k for k in SHARES if lists[k]], [v for k, v in SHARES.items() if lists[k]]
    while (done := (time.time() - begin) / (60 * minutes)) < 1:
        if step % 400 == 0:
            print(step, *(f"{kind} {judge(model, data, test)}" for kind, test in tests.items()), flush=True)
        for group, rate in zip(optimiser.param_groups, rates):
            group["lr"] = rate * min(1, step / 100) * max(0.03, 1 - done)
        question, texts, bm25, target = draw(data, random.sample(lists[random.choices(kinds, shares)[0]], BATCH), 0.2)
        score = model(question, texts, bm25 * (random.random() > 0.7))
        loss = -(target * functional.log_softmax(score, 1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
    return model


@torch.no_grad()
def judge(model, data, test):
    """Returns the mean reciprocal rank of the needed functions of held-out commits."""
    ranks = []
    for at in range(0, len(test), BATCH):
        question, texts, bm25, target = draw(data, test[at:at + BATCH], 0)
        score = model(question, texts, bm25)
        best = torch.where(target > 0, score, torch.tensor(-1e9)).amax(1, keepdim=True)
        ranks.append(1 / (1 + ((score > best) & (target == 0)).sum(1).float()))
    return f"MRR {torch.cat(ranks).mean():.3f}" if ranks else "none held out"


def read(path):
    """Returns the words, vectors and weights of a table, to train it further."""
    data = path.read_bytes()
    count, width, length = struct.unpack("<III", data[8:20])
    text, rest = data[20:20 + length].decode(), data[20 + length:]
    weights = np.frombuffer(rest[count * width:], "<f4").reshape(2, count)
    return {"words": text.split("\n"), "vectors": np.frombuffer(rest[:count * width], np.int8).reshape(count, width).astype(np.float32),
            "weights": weights}


def write(model, words, path, former=None):
    """Writes the table, or its mean with a former one, whose errors are others."""
    vectors = model.vectors(torch.arange(1, len(words) + 1)).detach().numpy()
    weights = [Words.weight(w.weight.detach()[1:]).numpy() for w in (model.question, model.code)]
    if former:
        vectors = (vectors + former["vectors"] / SCALE) / 2
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
        weights = [(a + b) / 2 for a, b in zip(weights, former["weights"])]
    rounded = np.clip(np.round(vectors * SCALE), -127, 127).astype(np.int8)
    text = "\n".join(words).encode()
    path.write_bytes(b"PITHWRD1" + struct.pack("<III", len(words), vectors.shape[1], len(text)) + text + rounded.tobytes()
                     + b"".join(w.astype("<f4").tobytes() for w in weights))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="what training.neighbours wrote, or a table to train further")
    parser.add_argument("--questions", nargs="*", default=[], help="CASES,SIGNALS, which are judged and never trained on")
    parser.add_argument("--written", type=Path, help="questions about single functions: training/asked.jsonl.gz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=14, help="of one core")
    parser.add_argument("--mean", action="store_true", help="write the mean of the table trained further and what came of it")
    parser.add_argument("--held-out", default="tmux,restic,tornado,Chart.js,jsoup,hyper", help="repositories to judge on")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    random.seed(1)
    start = np.load(args.start) if args.start.suffix == ".npz" else read(args.start)
    data = Data(args.history, start, args.questions, args.written)
    print(f"{len(data.words)} words, {len(data.lists)} questions", flush=True)
    write(train(data, start, args.minutes, set(args.held_out.split(","))), data.words, args.out, start if args.mean else None)


if __name__ == "__main__":
    main()
