"""Fits the weights of the ranking on the signals of cases; writes compress/weights.json.

    pith bench signals cases-dev.jsonl.gz > dev.jsonl; pith bench signals cases.jsonl > made.jsonl
    python -m training.fit dev.jsonl made.jsonl [--write] [--without SIGNAL,...]

The first file has real contexts, the second those of training.cases, which hold functions alone: of the
kinds of chunks only the first file can tell. A logistic regression says what each signal is worth; what is
printed is the share of needed lines kept when whole chunks are packed into 1/5.6 of the tokens, each
repository judged by weights that were fitted without it. The curve of coverage is measured the same way.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

TABLE = Path(__file__).parent.parent / "compress" / "weights.json"
SIGNALS = ["words", "header", "subject", "roots", "pairs", "beside", "path", "head_vector", "body_vector", "body_match",
           "file_best", "calls", "called", "named", "size"]
KINDS = ["function", "class"]  # told by real contexts alone
PLACE = 3.0  # a place that the question names (too rare in commits to be fitted)
MODEL = 0.3  # what the language model's gain counts in hybrid, in standard deviations; see bench/RESULTS.md
SIZE = 0.5  # the power of a chunk's tokens by which its value grows
RATIO, MARKER = 5.6, 10


def load(path):
    cases = []
    for line in open(path):
        case = json.loads(line)
        chunks = case["chunks"]
        ranked = np.array([c["rank"] > 0 for c in chunks])
        needed = np.array([any(n["path"] == c["file"] and c["start_line"] <= n["end"] and c["end_line"] >= n["start"]
                               for n in case["needed"]) for c in chunks]) & ranked
        changed = case.get("changed") or {}
        lines = {p: set(v) for p, v in changed.items()} or {
            n["path"]: set().union(*(range(m["start"], m["end"] + 1) for m in case["needed"] if m["path"] == n["path"]))
            for n in case["needed"]}
        held = np.array([sum(1 for k in lines.get(c["file"], ()) if c["start_line"] <= k <= c["end_line"]) for c in chunks], float)
        cases.append({
            "repo": case["repo"], "kind": "real" if changed else "made", "named": case["named"], "ranked": ranked, "needed": needed,
            "held": held / max(held.sum(), 1), "tokens": np.array([c["tokens"] for c in chunks], float),
            "rows": np.array([[c.get("signals", {}).get(n, 0.0) for n in SIGNALS + KINDS] for c in chunks])})
    return cases


def fit(real, made, signals):
    """Returns (weights, offset) of a logistic regression; made contexts have an offset of their own."""
    columns = [SIGNALS.index(s) for s in signals]

    def design(cases, is_real):
        rows = np.concatenate([c["rows"][c["ranked"]] for c in cases])
        kinds = rows[:, len(SIGNALS):] if is_real else np.zeros((len(rows), len(KINDS)))
        return np.concatenate([rows[:, columns], kinds, np.full((len(rows), 1), float(is_real))], 1)

    x = np.concatenate([design(real, True)] + ([design(made, False)] if made else []))
    y = np.concatenate([c["needed"][c["ranked"]] for c in real + made])
    weight = np.concatenate([np.full(c["ranked"].sum(), 1.0 if c["kind"] == "real" else 0.5) for c in real + made])
    model = LogisticRegression(C=0.3, max_iter=3000).fit(x, y, sample_weight=weight)
    out = np.zeros(len(SIGNALS) + len(KINDS))
    out[columns] = model.coef_[0][:len(columns)]
    out[len(SIGNALS):] = model.coef_[0][len(columns):-1]
    return out, float(model.intercept_[0] + model.coef_[0][-1])


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


def judge(real, made, signals):
    """Returns {kind: (kept, kept of unnamed, scores)}, each repository judged by weights fitted without it."""
    out = {}
    for kind, cases in (("real", real), ("made", made)):
        shares, scores = np.zeros(len(cases)), [None] * len(cases)
        for repo in sorted({c["repo"] for c in cases}):
            weights, offset = fit([c for c in real if c["repo"] != repo], [c for c in made if c["repo"] != repo], signals)
            for n, c in enumerate(cases):
                if c["repo"] == repo:
                    scores[n] = c["rows"] @ weights + offset
                    shares[n] = kept(c, scores[n])
        unnamed = np.array([not c["named"] for c in cases])
        out[kind] = (shares.mean(), shares[unnamed].mean(), cases, scores)
    return out


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
    parser.add_argument("real")
    parser.add_argument("made")
    parser.add_argument("--without", default="", help="signals to leave out")
    parser.add_argument("--ablate", action="store_true", help="leave out each signal in turn")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    real, made = load(args.real), load(args.made)
    signals = [s for s in SIGNALS if s not in args.without.split(",")]

    def show(name, result):
        print(f"{name:24}", "  ".join(f"{k} {v[0]:.3f} ({v[1]:.3f} unnamed)" for k, v in result.items()), flush=True)

    result = judge(real, made, signals)
    show("all", result)
    for s in signals if args.ablate else ():
        show("without " + s, judge(real, made, [t for t in signals if t != s]))
    if not args.write:
        return
    weights, offset = fit(real, made, signals)
    table = json.loads(TABLE.read_text())
    table["words"] = {n: round(float(w), 4) for n, w in zip(SIGNALS + KINDS, weights) if w} | {"place": PLACE}
    table["hybrid"] = table["words"] | {"model": MODEL}
    table["words_odds"] = table["hybrid_odds"] = {"slope": 1, "offset": round(offset, 3)}
    table["curve"] = curve(result["real"][2], result["real"][3])
    TABLE.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
