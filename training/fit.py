"""Fits the weights of the ranking on the signals of cases; writes compress/weights.json.

    pith bench signals --ranker hybrid cases-dev.jsonl.gz > commits.jsonl
    pith bench questions training/questions.json --save q.gz ...; pith bench signals --ranker hybrid q.gz > questions.jsonl
    python -m training.fit commits.jsonl questions.jsonl --bare made.jsonl [--write] [--ablate] [--without SIGNAL,...]

The first files have real contexts, each a kind of question of its own; a bare one is made by training.cases and
holds functions alone, so of kinds of chunks it tells nothing. A logistic regression says what each signal is
worth; what is printed is the share of needed lines kept when whole chunks are packed into 1/5.6 of the tokens,
that of questions which name nothing that they need, and the share of questions with all needed lines. Each
repository is judged by weights that were fitted without it. The curve of coverage is measured the same way.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

TABLE = Path(__file__).parent.parent / "compress" / "weights.json"
SIGNALS = ["roots", "hints", "pairs", "path", "head_vector", "body_vector", "file_best", "called", "named", "branches", "invokes", "size", "short"]
KINDS = ["function"]  # told by real contexts alone
PLACE = 3.0  # a place that the question names (too rare to be fitted)
SIZE = 0.45  # the power of a chunk's tokens by which its value grows
RATIO, RATIOS, MARKER, FOLDS = 5.6, (3, 5.6, 10), 10, 5
READ, PIECE, QUESTION = 4000, 224, 20  # compress/speed.go: what balanced reads, of one chunk at most, and the question


def load(path, bare):
    cases = []
    for line in open(path):
        case = json.loads(line)
        chunks = case["chunks"]
        ranked = np.array([c["rank"] > 0 for c in chunks])
        needed = np.array([any(n["path"] == c["file"] and c["start_line"] <= n["end"] and c["end_line"] >= n["start"]
                               for n in case["needed"]) for c in chunks]) & ranked
        lines = {p: set(v) for p, v in (case.get("changed") or {}).items()} or {
            n["path"]: set().union(*(range(m["start"], m["end"] + 1) for m in case["needed"] if m["path"] == n["path"]))
            for n in case["needed"]}
        held = np.array([sum(1 for k in lines.get(c["file"], ()) if c["start_line"] <= k <= c["end_line"]) for c in chunks], float)
        rows = np.array([[c.get("signals", {}).get(n, 0.0) for n in SIGNALS + KINDS + ["model"]] for c in chunks])
        if bare:
            rows[:, len(SIGNALS):-1] = 0
        if held.sum():
            cases.append({"repo": case["repo"], "kind": Path(path).stem, "bare": bare, "named": case["named"], "ranked": ranked,
                          "needed": needed, "held": held / held.sum(), "tokens": np.array([c["tokens"] for c in chunks], float),
                          "rows": rows[:, :-1], "model": rows[:, -1]})
    return cases


def heard(case, score):
    """Returns the model's signal as balanced has it: of the chunks that words rank first, standardised over those."""
    order = np.argsort(-np.where(case["ranked"], score, -np.inf), kind="stable")
    read = np.zeros(len(score), bool)
    read[order[np.cumsum(np.minimum(case["tokens"][order], PIECE) + QUESTION) <= READ]] = True
    read &= case["ranked"]
    gain = case["model"]
    middle = np.median(gain[read]) if read.any() else 0
    return np.where(read, (gain - gain[read].mean()) / (gain[read].std() + 1e-9), (middle - gain[read].mean()) / (gain[read].std() + 1e-9)) \
        if read.any() else np.zeros(len(score))


def fit(cases, columns, extra=None):
    """Returns (weights, offset) of a logistic regression; each kind of cases has an offset of its own."""
    kinds = sorted({c["kind"] for c in cases if not c["bare"]})
    rows, marks, y, weight = [], [], [], []
    for n, c in enumerate(cases):
        x = c["rows"][:, columns]
        if extra:
            x = np.concatenate([x, extra[n][:, None]], 1)
        rows.append(x[c["ranked"]])
        count = int(c["ranked"].sum())
        marks.append(np.tile([float(c["kind"] == k) for k in kinds], (count, 1)))
        y.append(c["needed"][c["ranked"]])
        weight.append(np.full(count, 0.2 if c["bare"] else 1.0))
    x = np.concatenate([np.concatenate(rows), np.concatenate(marks)], 1)
    model = LogisticRegression(C=0.3, max_iter=600, tol=1e-4).fit(x, np.concatenate(y), sample_weight=np.concatenate(weight))
    count = len(columns) + bool(extra)
    return model.coef_[0][:count], float(model.intercept_[0] + model.coef_[0][count:].mean())


def kept(case, score, ratio=RATIO):
    """Packs whole chunks by value a token; returns the share of the needed lines that they hold."""
    value = 1 / (1 + np.exp(-score)) * case["tokens"] ** SIZE
    order = np.argsort(-value / (case["tokens"] + MARKER), kind="stable")
    room, share, taken = case["tokens"].sum() / ratio, 0.0, np.zeros(len(order), bool)
    for i in order:
        price = case["tokens"][i] + (0 if i and taken[i - 1] else MARKER)
        if case["ranked"][i] and price <= room:
            room -= price
            taken[i] = True
            share += case["held"][i]
    return share


def judge(cases, columns, model=False):
    """Returns the scores of each case by weights that were fitted without its repository."""
    repos = sorted({c["repo"] for c in cases})
    fold = {r: n % FOLDS for n, r in enumerate(repos)}
    scores = [None] * len(cases)
    for k in range(FOLDS):
        others = [c for c in cases if fold[c["repo"]] != k]
        weights, offset = fit(others, columns)
        rest, gap = None, 0.0
        if model:
            rest, gap = fit(others, columns, [heard(c, c["rows"][:, columns] @ weights) for c in others])
        for n, c in enumerate(cases):
            if fold[c["repo"]] == k:
                scores[n] = c["rows"][:, columns] @ weights + offset
                if model:
                    scores[n] = c["rows"][:, columns] @ rest[:-1] + rest[-1] * heard(c, scores[n]) + gap
    return scores


def show(name, cases, scores):
    out = []
    for kind in sorted({c["kind"] for c in cases}):
        shares = np.array([kept(c, s) for c, s in zip(cases, scores) if c["kind"] == kind])
        unnamed = np.array([not c["named"] for c in cases if c["kind"] == kind])
        out.append(f"{kind} {shares.mean():.3f} ({shares[unnamed].mean():.3f} unnamed, {(shares > 0.999).mean():.3f} all)")
    print(f"{name:22}", "  ".join(out), flush=True)


def gains(cases, with_it, without):
    """Returns what a signal gains in each kind of cases: of the mean share kept at the three RATIOS, with a 95 % interval by repository."""
    out, rng = [], np.random.default_rng(1)
    for kind in sorted({c["kind"] for c in cases}):
        repos = {}
        for c, a, b in zip(cases, with_it, without):
            if c["kind"] == kind:
                repos.setdefault(c["repo"], []).append(np.mean([kept(c, a, r) - kept(c, b, r) for r in RATIOS]))
        sums, counts = (np.array([f(v) for v in repos.values()], float) for f in (sum, len))
        drawn = rng.integers(0, len(sums), (2000, len(sums)))
        low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
        out.append(f"{kind} {sums.sum() / counts.sum():+.4f} [{low:+.4f}, {high:+.4f}]")
    return "  ".join(out)


def curve(cases, scores):
    """Returns pairs of (mass of odds, share of needed lines held), as compress/budget.go counts them."""
    points = [[0.0, 0.0]]
    for mass in (0.5, 0.6, 0.7, 0.8, 0.9, 0.94, 0.98, 0.99, 0.998):
        held = []
        for c, s in zip(cases, scores):
            odds = np.where(c["ranked"], np.exp(s - s[c["ranked"]].max()), 0)
            density = np.where(c["ranked"], 1 / (1 + np.exp(-s)) / np.sqrt(1 + c["tokens"]), -1)
            order = np.argsort(-density, kind="stable")
            count = np.searchsorted(np.cumsum(odds[order]) / odds.sum(), mass) + 1
            least = np.searchsorted(np.cumsum(c["tokens"][order]), 0.08 * c["tokens"].sum()) + 1
            held.append(c["held"][order[:max(count, least)]].sum())
        points.append([mass, round(float(np.mean(held)), 3)])
    return [p for p in points if p[1] < 1] + [[1.0, 1.0]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", nargs="+")
    parser.add_argument("--bare", nargs="*", default=[])
    parser.add_argument("--without", default="", help="signals to leave out")
    parser.add_argument("--ablate", action="store_true", help="what each signal gains, by leaving it out")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    cases = [c for p in args.real for c in load(p, False)] + [c for p in args.bare for c in load(p, True)]
    every = SIGNALS + KINDS
    columns = [n for n, s in enumerate(every) if s not in args.without.split(",")]
    scores = judge(cases, columns)
    show("all", cases, scores)
    for n in columns if args.ablate else ():
        print(f"{every[n]:14}", gains(cases, scores, judge(cases, [k for k in columns if k != n])), flush=True)
    modelled = [c for c in cases if c["model"].any()]
    if modelled:
        show("words, where read", modelled, judge(modelled, columns))
        show("with the model", modelled, judge(modelled, columns, model=True))
    if not args.write:
        return
    table = json.loads(TABLE.read_text())
    weights, offset = fit(cases, columns)
    table["words"] = {every[n]: round(float(w), 4) for n, w in zip(columns, weights)} | {"place": PLACE}
    table["words_odds"] = {"slope": 1, "offset": round(offset, 3)}
    if modelled:
        rest, gap = fit(modelled, columns, [heard(c, c["rows"][:, columns] @ weights) for c in modelled])
        table["hybrid"] = {every[n]: round(float(w), 4) for n, w in zip(columns, rest)} | {"place": PLACE, "model": round(float(rest[-1]), 4)}
        table["hybrid_odds"] = {"slope": 1, "offset": round(gap, 3)}
    real = [n for n, c in enumerate(cases) if not c["bare"]]
    table["curve"] = curve([cases[n] for n in real], [scores[n] for n in real])
    TABLE.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
