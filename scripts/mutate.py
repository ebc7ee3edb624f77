#!/usr/bin/env python3
"""Breaks the code in one place at a time and says whether a test notices: scripts/mutate.py [word ...].

scripts/mutations.txt lists the places. Nothing in the working tree is changed: the broken file is laid over it with
`go test -overlay`. With words, only the mutations whose name has one of them are tried. The exit status is 1 where a mutation
survives that the list does not know of, or cannot be tried.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts" / "mutations.txt"


def mutations():
    """Yields name, file, packages, old text, new text, and the reason why one is known to survive."""
    for block in re.split(r"\n\n+", LIST.read_text()):
        lines = [l for l in block.splitlines() if l.strip() and not l.startswith("#")]
        if not lines:
            continue
        name = lines[0]
        fields = {"file": "", "test": "", "survives": ""}
        old, new = [], []
        for line in lines[1:]:
            kind, _, rest = line.partition(" ")
            if kind == "-":
                old.append(rest)
            elif kind == "+":
                new.append(rest)
            elif kind in fields:
                fields[kind] = rest
            else:
                sys.exit(f"{LIST}: {name}: what is {line!r}?")
        yield name, fields["file"], fields["test"].split(), "\n".join(old), "\n".join(new), fields["survives"]


def attempt(folder, file, packages, old, new):
    """Returns killed, survived, or what is wrong with the mutation."""
    path = ROOT / file
    text = path.read_text()
    if text.count(old) != 1:
        return f"the text to break occurs {text.count(old)} times in {file}"
    broken = folder / "broken.go"
    broken.write_text(text.replace(old, new))
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {str(path): str(broken)}}))
    command = ["go", "test", "-vet=off", "-overlay", str(overlay), "-count=1", "-failfast", "-timeout", "10m", *packages]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    output = run.stdout + run.stderr
    if run.returncode == 0:
        return "survived"
    if "[build failed]" in output or "[setup failed]" in output:
        return "it does not compile: " + output[:400]
    return "killed"


def main():
    words = sys.argv[1:]
    counts, bad = {"killed": 0, "survived": 0}, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, file, packages, old, new, known in mutations():
            if words and not any(w in name for w in words):
                continue
            outcome = attempt(pathlib.Path(folder), file, packages, old, new)
            counts[outcome] = counts.get(outcome, 0) + 1
            expected = "survived" if known else "killed"
            if outcome != expected:
                bad += 1
            note = f" ({known})" if known else ""
            print(f"{outcome:9} {'' if outcome == expected else '!!'} {name}{note}", flush=True)
    print(f"{counts['killed']} killed, {counts['survived']} survived, {bad} not as the list says")
    return 1 if bad or not sum(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
