"""Writes the running text that training.neighbours reads: code with its comments, and documentation.

    python -m training.text --history DIR --out DATA/text.txt

A line is a document's words, as the ranking splits them, LENGTH at most. The text is the packages of
sources.json under a permissive licence (those left out that are measured on), the functions of the commits, the
documentation packages of Debian named in sources.json, and WordNet: each sense's words with its explanation.
"""

import argparse
import html
import random
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .corpus import files_of, roots
from .fetch import within
from .history import lines, terms
from .licences import PERMISSIVE, licence_of
from .paths import data_dir

LENGTH = 800  # words of a line
MOST = 2_500_000  # bytes of one package's code, and of its documentation
APART = {"github.com/gin-gonic/gin", "github.com/spf13/cobra", "requests", "httpx", "axios", "org.apache.commons:commons-lang3", "zod",
         "ripgrep"}  # measured on
PROSE = {".md", ".rst", ".txt", ".html", ".adoc"}


def shown(path):
    """Returns the text of a file as a person reads it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".html":
        text = re.sub(r"(?s)<(script|style|head|nav).*?</\1>", " ", text)
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return text


def prose_of(folder):
    total = 0
    for path in sorted(p for p in folder.rglob("*") if p.suffix in PROSE and p.is_file()):
        if "licen" in path.name.lower() or not 500 < path.stat().st_size < 1_000_000:
            continue
        total += path.stat().st_size
        if total > 10 * MOST:
            return
        yield shown(path)


def package(folder, kind):
    """Returns the lines of a package."""
    out, total = [], 0
    for path in files_of(folder, kind):
        source = path.read_text(encoding="utf-8", errors="replace")
        if "DO NOT EDIT" in source[:2000] or max(map(len, source.split("\n"))) > 2000:
            continue
        total += len(source)
        if total > MOST:
            break
        out += wrapped(source)
    for text in prose_of(folder):
        out += wrapped(text)
    return out


def wrapped(text):
    words = terms(text)
    return [" ".join(words[k:k + LENGTH]) for k in range(0, len(words), LENGTH)]


def documentation(folder):
    return [line for text in prose_of(folder) for line in wrapped(text)]


def senses(folder):
    """Returns WordNet's senses, a line each: the words, the explanation, and the words again."""
    out = []
    for path in folder.glob("wordnet-*/usr/share/wordnet/data.*"):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            if line.startswith(" ") or "|" not in line:
                continue
            fields, gloss = line.split("|", 1)
            parts = fields.split()
            words = " ".join(parts[4 + 2 * k].replace("_", " ") for k in range(int(parts[3], 16)))
            out.append(" ".join(terms(f"{words} {gloss.split(';')[0]} {words}")))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=None, help="data folder")
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    data, held_out = data_dir(args.data), within("held_out")
    folders = [(folder, kind) for name, _, kind, folder in roots(data)
               if (kind, name) not in held_out and name not in APART and (kind.endswith("-std") or licence_of(folder) in PERMISSIVE)]
    out = [line for f in lines(args.history / "functions.jsonl.gz") for line in wrapped(f["name"] + "\n" + f["text"])]
    with ProcessPoolExecutor(max_workers=2) as pool:
        for made in pool.map(package, *zip(*folders), chunksize=4):
            out += made
        for made in pool.map(documentation, sorted((data / "debian").glob("*"))):
            out += made
    out = [line for line in dict.fromkeys(out) if line.count(" ") > 4] + senses(data / "debian") * 5
    random.Random(1).shuffle(out)
    args.out.write_text("\n".join(out) + "\n")
    print(f"{len(out)} lines")


if __name__ == "__main__":
    main()
