"""Cuts the fetched packages into described definitions and writes the manifest.

Output: DATA/chunks/<package>.jsonl, one definition a line, and
corpus_manifest.json, which names every package with version, licence, counts
and digest, and says which are held out.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sysconfig
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .describe import plain
from .languages import BY_SUFFIX, find
from .licences import PERMISSIVE, licence_of
from .paths import MANIFEST, data_dir

HELD_OUT_SHARE = 0.05
VALIDATION_SHARE = 0.04  # the next packages by hash: neither trained on nor reported on, but used to choose
HELD_OUT_LEAST = 150  # described definitions that a language must have held out
MAX_FILE, MAX_PACKAGE = 300_000, 6_000_000
SKIPPED = re.compile(r"(?:^|/)(?:tests?|testing_data|testdata|node_modules|umd|esm5|es5|bundles|__tests__|locale|locales|i18n)/|"
                     r"[._-]min\.|\.d\.ts$|\.bundle\.|_pb2|\.pb\.go$|zz_generated|_generated|bindings?\.rs$")


def roots(data):
    """Yields (name, version, kind, folder): fetched packages and the folders of the standard libraries."""
    for kind in sorted(p.name for p in (data / "src").iterdir()):
        for folder in sorted((data / "src" / kind).iterdir()):
            name, version = folder.name.rsplit("@", 1)
            yield name.replace("__", "/" if kind != "maven" else ":"), version, kind, folder
    go = subprocess.run(["go", "env", "GOROOT", "GOVERSION"], capture_output=True, text=True, check=True).stdout.split()
    for folder in sorted(Path(go[0], "src").iterdir()):
        if folder.is_dir() and folder.name not in ("cmd", "vendor", "testdata"):
            yield "std/" + folder.name, go[1], "go-std", folder
    std = Path(sysconfig.get_paths()["stdlib"])
    groups = defaultdict(list)
    for path in sorted(std.iterdir()):
        if path.is_dir() and (path / "__init__.py").exists() and path.name not in ("test", "idlelib", "lib2to3"):
            groups[path.name] = path
    for name, path in groups.items():
        yield "std/" + name, sysconfig.get_python_version(), "python-std", path
    yield "std/modules", sysconfig.get_python_version(), "python-std", std


def files_of(folder, kind):
    """Returns the source files of a package, smallest path first, up to MAX_PACKAGE bytes."""
    flat = kind == "python-std" and (folder / "os.py").exists()
    every = folder.glob("*.py") if flat else folder.rglob("*")
    picked, total = [], 0
    for path in sorted(every, key=lambda p: hashlib.sha256(str(p.relative_to(folder)).encode()).digest()):
        rel = str(path.relative_to(folder))
        if path.suffix not in BY_SUFFIX or SKIPPED.search(rel) or not path.is_file() or rel.endswith("_test.go"):
            continue
        size = path.stat().st_size
        if size < MAX_FILE and total + size < MAX_PACKAGE:
            picked.append(path)
            total += size
    return sorted(picked)


def definitions(folder, kind):
    """Returns (definitions, file count, digest) of a package."""
    out, digest, seen = [], hashlib.sha256(), set()
    files = files_of(folder, kind)
    for path in files:
        source = path.read_bytes()
        fingerprint = hashlib.sha256(source).digest()
        if fingerprint in seen or b"DO NOT EDIT" in source[:2000] or max(map(len, source.split(b"\n")), default=0) > 2000:
            continue
        seen.add(fingerprint)
        digest.update(fingerprint)
        lang = BY_SUFFIX[path.suffix]
        for order, item in enumerate(find(lang, source)):
            if 40 <= len(item.code) and len(item.code.strip().split("\n")) > 1:
                out.append({"lang": lang, "file": str(path.relative_to(folder)), "order": order, "name": item.name,
                            "scope": item.scope, "kind": item.kind, "code": item.code[:6000],
                            "doc": plain(item.doc, item.name), "raw": item.raw[:3000], "at": min(item.at, 6000)})
    return out, len(files), digest.hexdigest()


def add_calls(items):
    """Gives each definition up to two lines of the same package that call it by a name only it has."""
    by_name = defaultdict(list)
    for item in items:
        by_name[item["name"]].append(item)
    unique = {n: same[0] for n, same in by_name.items() if len(same) == 1 and len(n) > 4}
    for item in items:
        for line in item["code"].split("\n")[1:]:
            for name in re.findall(r"\b(\w{5,})\(", line):
                target = unique.get(name)
                if target is not None and target is not item and 15 < len(line.strip()) < 140:
                    calls = target.setdefault("calls", [])
                    if len(calls) < 2:
                        calls.append(line.strip())


def package(job):
    """Extracts one package; returns (its manifest entry, its definitions) or None if it may not be used."""
    name, version, kind, folder = job
    licence = {"go-std": "BSD", "python-std": "PSF-2.0"}.get(kind) or licence_of(folder)
    if licence not in PERMISSIVE:
        return {"name": name, "version": version, "kind": kind, "licence": licence, "left_out": True}, []
    items, files, digest = definitions(Path(folder), kind)
    add_calls(items)
    entry = {"name": name, "version": version, "kind": kind, "licence": licence, "files": files, "sha256": digest}
    return entry, items


def rank(entry):
    return hashlib.sha256(("held out " + entry["kind"] + " " + entry["name"]).encode()).hexdigest()


def hold_out(entries, counts):
    """Marks as held out what falls below the share by hash, then the next until each language has enough.

    Of the others, those below the following share are marked as validation.
    """
    limit = f"{int(HELD_OUT_SHARE * 2**32):08x}"
    next_limit = f"{int((HELD_OUT_SHARE + VALIDATION_SHARE) * 2**32):08x}"
    ordered = sorted(entries, key=rank)
    have = defaultdict(int)
    for entry in ordered:
        entry["held_out"] = rank(entry)[:8] < limit
        if entry["held_out"]:
            for lang, n in counts[id(entry)].items():
                have[lang] += n
    for lang in sorted({lang for c in counts.values() for lang in c}):
        for entry in ordered:
            if have[lang] >= HELD_OUT_LEAST:
                break
            small = sum(counts[id(entry)].values()) < 1500
            if not entry["held_out"] and small and counts[id(entry)].get(lang, 0) >= 20:
                entry["held_out"] = True
                for other, n in counts[id(entry)].items():
                    have[other] += n
    for entry in ordered:
        entry["validation"] = rank(entry)[:8] < next_limit and not entry["held_out"]


def drop_doubles(packages):
    """Drops definitions seen before, held-out packages first, so that none of theirs is in training."""
    seen = set()
    for _, items in sorted(packages, key=lambda p: (not p[0]["held_out"], not p[0]["validation"])):
        kept = []
        for item in items:
            mark = hashlib.sha256(re.sub(r"\W+", "", item["code"]).encode()).digest()
            if mark not in seen:
                seen.add(mark)
                kept.append(item)
        items[:] = kept


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None)
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    args = ap.parse_args()
    data = data_dir(args.data)
    with ProcessPoolExecutor(args.jobs) as pool:
        results = list(pool.map(package, roots(data), chunksize=4))
    packages = [(e, items) for e, items in results if items]
    counts = {}
    for entry, items in packages:
        counts[id(entry)] = per_language = defaultdict(int)
        for item in items:
            per_language[item["lang"]] += bool(item["doc"])
    hold_out([e for e, _ in packages], counts)
    drop_doubles(packages)
    write(data, packages, [e for e, items in results if e.get("left_out")])


def write(data, packages, left_out):
    """Writes the chunks and the manifest."""
    out = data / "chunks"
    out.mkdir(exist_ok=True)
    totals = defaultdict(lambda: [0, 0])
    for entry, items in packages:
        described = defaultdict(int)
        for item in items:
            described[item["lang"]] += bool(item["doc"])
            totals[item["lang"], entry["held_out"]][0] += 1
            totals[item["lang"], entry["held_out"]][1] += bool(item["doc"])
        entry["definitions"], entry["described"] = len(items), dict(described)
        name = f"{entry['kind']}__{entry['name']}".replace("/", "__").replace(":", "__")
        with open(out / f"{name}.jsonl", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    entries = sorted((e for e, _ in packages), key=lambda e: (e["kind"], e["name"]))
    held = [e["kind"] + " " + e["name"] for e in entries if e["held_out"]]
    rows = ",\n".join("  " + json.dumps(e, sort_keys=True) for e in entries)
    skipped = ",\n".join("  " + json.dumps(e, sort_keys=True) for e in left_out)
    head = json.dumps(held, indent=1)
    MANIFEST.write_text(f'{{"held_out": {head},\n"packages": [\n{rows}\n],\n"left_out": [\n{skipped}\n]}}\n')
    for (lang, held_out), (n, described) in sorted(totals.items()):
        print(f"{lang:11} {'held out' if held_out else 'training':9} {n:8} definitions, {described:8} described")
    print(f"{len(entries)} packages, {len(held)} held out, {len(left_out)} left out for their licence")


if __name__ == "__main__":
    main()
