"""Makes cases to fit on: commits, and doc comments of functions that lose them.

    python -m training.cases --history DIR --out cases.jsonl [--repos a,b] [--commits 120] [--comments 60]

A function's file is written from the functions of its path, each without what stands between them, and
neighbours of its folder up to 60 kB. Of the doc comments three in five cases lose all comments, not only
the asked one.
"""

import argparse
import json
import random
import re
from collections import defaultdict
from pathlib import Path

from .history import code, description, lines, parts

CONTEXT = 60_000  # characters of one case


def folder(path):
    return path.rsplit("/", 1)[0] if "/" in path else ""


class Maker:
    def __init__(self, history):
        self.functions = list(lines(history / "functions.jsonl.gz"))
        self.latest = defaultdict(dict)
        for f in self.functions:
            self.latest[f["repo"], folder(f["path"]), f["lang"]][f["path"], f["name"]] = f["id"]

    def neighbours(self, ids):
        """Adds whole files of the same folders up to CONTEXT characters."""
        have = {self.functions[i]["path"] for i in ids}
        total = sum(len(self.functions[i]["text"]) for i in ids)
        files = defaultdict(list)
        for key in sorted({(self.functions[i]["repo"], folder(self.functions[i]["path"]), self.functions[i]["lang"]) for i in ids}):
            for (path, _), i in self.latest[key].items():
                if path not in have:
                    files[path].append(i)
        paths, out = sorted(files), list(ids)
        random.shuffle(paths)
        for path in paths:
            size = sum(len(self.functions[i]["text"]) for i in files[path])
            if total + size <= CONTEXT:
                total += size
                out += sorted(files[path])
        return out

    def case(self, repo, query, named, ids, needed, kind, texts=None):
        by_path, files, places = defaultdict(list), [], []
        for i in ids:
            by_path[self.functions[i]["path"]].append(i)
        for path, members in by_path.items():
            out = ["package x\n"] if path.endswith(".go") else []
            line = 1 + 2 * len(out)
            for i in members:
                text = (texts or {}).get(i) or code(self.functions[i])
                count = text.count("\n") + 1
                if i in needed:
                    places.append({"path": path, "name": self.functions[i]["name"], "start": line, "end": line + count - 1})
                out.append(text + "\n")
                line += count + 1
            files.append({"path": path, "content": "\n".join(out)})
        return {"repo": repo, "lang": self.functions[ids[0]]["lang"], "query": query, "named": named, "files": files,
                "needed": places, "kind": kind}

    def commit(self, commit):
        ids = self.neighbours(commit["candidates"])
        if len(ids) < 12:
            return None
        return self.case(commit["repo"], commit["query"], commit["named"], ids, set(commit["needed"]), "commit")

    def comment(self, function):
        said, signature, body = parts(function["lang"], code(function))
        query = re.sub(r"\s+", " ", description(said))
        if len(query.split()) < 5 or len(body) < 60:
            return None
        key = function["repo"], folder(function["path"]), function["lang"]
        same = [i for (path, name), i in self.latest[key].items() if path == function["path"] and name != function["name"]]
        ids = self.neighbours(sorted(same + [function["id"]]))
        if len(ids) < 12:
            return None
        texts = {}
        if random.random() < 0.6:
            for i in ids:
                _, head, rest = parts(self.functions[i]["lang"], code(self.functions[i]))
                texts[i] = (head + "\n" + rest).strip("\n")
        texts[function["id"]] = signature + "\n" + body
        return self.case(function["repo"], query, function["name"] in query, ids, {function["id"]}, "comment", texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repos", default="", help="comma-separated; all if empty")
    parser.add_argument("--commits", type=int, default=120, help="a repository")
    parser.add_argument("--comments", type=int, default=60, help="a repository")
    args = parser.parse_args()
    random.seed(7)
    maker = Maker(args.history)
    wanted = set(filter(None, args.repos.split(",")))
    commits, functions = defaultdict(list), defaultdict(list)
    for commit in lines(args.history / "commits.jsonl.gz"):
        commits[commit["repo"]].append(commit)
    for f in maker.functions:
        functions[f["repo"]].append(f)
    with args.out.open("w") as out:
        number = 0
        for repo in sorted(wanted or commits):
            picked = [maker.commit(c) for c in random.sample(commits[repo], min(args.commits, len(commits[repo])))]
            random.shuffle(functions[repo])
            comments = []
            for f in functions[repo]:
                if len(comments) == args.comments:
                    break
                comments += filter(None, [maker.comment(f)])
            for case in filter(None, picked + comments):
                number += 1
                out.write(json.dumps({**case, "commit": str(number)}) + "\n")
    print(f"{number} cases")


if __name__ == "__main__":
    main()
