"""Fingerprints of what was trained on, so that a benchmark can tell whether a repository is part of it under another name.

A fingerprint is the SHA-256 of the letters, digits and underscores of six lines of
code in a row, comments and blank lines left out, of every thirty-second such run.
Those of all definitions stand in a Bloom filter, fingerprints.bin, of 768 KiB: with
half a million of them one stranger in five hundred is taken for a member, and a
repository is judged by the share of all of its runs. Package bench reads it.

repositories.txt names the repositories whose commits were trained on; packages are
in corpus_manifest.json.
"""

import argparse
import gzip
import hashlib
import json
import re
from pathlib import Path

from .paths import HERE, MANIFEST, data_dir

FILTER = HERE / "fingerprints.bin"
REPOSITORIES = HERE / "repositories.txt"

MAGIC = b"PITHFP1\n"
BITS = 768 * 1024 * 8
HASHES = 6
RUN = 6  # lines
LEAST = 60  # letters of a run: six closing braces say nothing
SAMPLE = 8  # of 256 runs

NOISE = re.compile(rb"[^A-Za-z0-9_]+")
COMMENT = (b"//", b"#", b"*", b"/*")


def marks(text):
    """Returns the digests of the sampled runs of a text's lines."""
    lines = [NOISE.sub(b"", line) for line in map(bytes.strip, text.encode("utf-8", "replace").split(b"\n"))
             if line and not line.startswith(COMMENT)]
    lines = [line for line in lines if line]
    out = []
    for i in range(len(lines) - RUN + 1):
        run = b"".join(lines[i : i + RUN])
        if len(run) >= LEAST:
            digest = hashlib.sha256(run).digest()
            if digest[16] < SAMPLE:
                out.append(digest)
    return out


class Filter:
    """A Bloom filter of digests."""

    def __init__(self, bits=None):
        self.bits = bits or bytearray(BITS // 8)

    def places(self, digest):
        step = int.from_bytes(digest[8:16], "big") | 1
        start = int.from_bytes(digest[:8], "big")
        return [((start + i * step) & (2**64 - 1)) % BITS for i in range(HASHES)]

    def add(self, digest):
        for place in self.places(digest):
            self.bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, digest):
        return all(self.bits[place >> 3] & 1 << (place & 7) for place in self.places(digest))

    def write(self, path=FILTER):
        path.write_bytes(MAGIC + bytes(self.bits))


def package_codes(data):
    """Yields the code of every definition of the packages that were trained or chosen on."""
    for entry in json.loads(MANIFEST.read_text())["packages"]:
        if entry["held_out"]:
            continue
        name = f"{entry['kind']}__{entry['name']}".replace("/", "__").replace(":", "__")
        with open(data / "chunks" / f"{name}.jsonl", encoding="utf-8") as f:
            for line in f:
                yield json.loads(line)["code"]


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None, help="data folder with the chunks that training.corpus left")
    ap.add_argument("--no-packages", action="store_true", help="leave the packages out: only commits were trained on")
    ap.add_argument("--functions", type=Path, action="append", default=[],
                    help="gzipped functions of commits that were trained on, one object with repo and text a line")
    args = ap.parse_args()
    members, count, names = Filter(), 0, set()
    if not args.no_packages:
        for code in package_codes(data_dir(args.data)):
            for digest in marks(code):
                members.add(digest)
                count += 1
    for path in args.functions:
        with gzip.open(path, "rt", encoding="utf-8") as f:
            for line in f:
                function = json.loads(line)
                names.add(function["repo"])
                for digest in marks(function["text"]):
                    members.add(digest)
                    count += 1
    members.write()
    REPOSITORIES.write_text("".join(name + "\n" for name in sorted(names)))
    print(f"{count} runs, {len(names)} repositories, {FILTER.stat().st_size} bytes")


if __name__ == "__main__":
    main()
