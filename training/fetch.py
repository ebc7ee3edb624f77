"""Fetches the sources named in sources.json through the ordinary package clients.

Every package ends unpacked in DATA/src/<kind>/<name>@<version>. A package that
cannot be had is reported and left out: the manifest lists what was really used.
Nothing is built and no install script runs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .paths import MANIFEST, SOURCES, data_dir

TIMEOUT_S = 240


def call(args, cwd=None):
    """Runs a client and returns what it wrote; raises when it fails."""
    done = subprocess.run(args, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{args[0]}: {done.stderr.strip()[-200:]}")
    return done.stdout


def flat(name):
    """Spells a package name as one folder name."""
    return name.replace("/", "__").replace(":", "__")


def unpack(archive, target):
    """Unpacks a tar or zip archive without following links out of target."""
    target.mkdir(parents=True, exist_ok=True)
    if archive.name.endswith((".whl", ".jar", ".zip")):
        with zipfile.ZipFile(archive) as z:
            z.extractall(target)
        return
    with tarfile.open(archive) as t:
        t.extractall(target, filter="data")


def fetch_go(name, root, work):
    (work / "go.mod").write_text("module scratch\n\ngo 1.24\n")
    meta = json.loads(call(["go", "mod", "download", "-json", name + "@latest"], cwd=work))
    target = root / f"{flat(name)}@{meta['Version']}"
    if not target.exists():
        shutil.copytree(meta["Dir"], target)
        call(["chmod", "-R", "u+w", str(target)])


def fetch_pypi(name, root, work):
    call(["python3", "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(work), name])
    wheel = next(work.glob("*.whl"))
    unpack(wheel, root / f"{name}@{wheel.name.split('-')[1]}")


def fetch_npm(name, root, work):
    file = call(["npm", "pack", "--silent", "--ignore-scripts", name], cwd=work).strip().splitlines()[-1]
    version = re.search(r"-(\d+\.\d+\.\d+.*)\.tgz$", file).group(1)
    unpack(work / file, root / f"{flat(name)}@{version}")


def fetch_maven(name, root, work):
    version = "LATEST" if name.count(":") == 1 else name.split(":")[2]
    group, artifact = name.split(":")[:2]
    (work / "pom.xml").write_text(POM.format(group=group, artifact=artifact, version=version))
    call(["mvn", "-q", "-B", "dependency:copy-dependencies", "-Dclassifier=sources", "-DexcludeTransitive=true",
          "-DoutputDirectory=" + str(work / "out")], cwd=work)
    jar = next((work / "out").glob("*.jar"))
    version = jar.name[len(artifact) + 1 : -len("-sources.jar")]
    unpack(jar, root / f"{flat(group + ':' + artifact)}@{version}")


POM = """<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<dependencies><dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
</dependency></dependencies></project>
"""


def fetch_cargo(name, root, work):
    call(["cargo", "info", "--registry", "crates-io", name], cwd=work)
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = [p for p in home.glob(f"registry/src/*/{name}-*") if re.fullmatch(re.escape(name) + r"-\d.*", p.name)]
    newest = max(found, key=lambda p: p.stat().st_mtime)
    target = root / f"{name}@{newest.name[len(name) + 1:]}"
    if not target.exists():
        shutil.copytree(newest, target)


def fetch_debian(name, root, work):
    call(["apt-get", "download", "-q", name], cwd=work)
    package = next(work.glob("*.deb"))
    target = root / f"{name}@{package.name.split('_')[1]}"
    target.mkdir(parents=True)
    call(["dpkg-deb", "-x", str(package), str(target)])


# Documentation is for training.text alone and lies apart from the sources.
PROSE = "debian"
FETCHERS = {"go": fetch_go, "pypi": fetch_pypi, "npm": fetch_npm, "maven": fetch_maven, "cargo": fetch_cargo,
            PROSE: fetch_debian}


def fetch(kind, name, data):
    """Fetches one package unless it is there already; returns a line of report or None."""
    root = data / PROSE if kind == PROSE else data / "src" / kind
    root.mkdir(parents=True, exist_ok=True)
    stem = flat(":".join(name.split(":")[:2]))
    if any(root.glob(stem + "@*")):
        return None
    work = data / "work" / kind / stem
    work.mkdir(parents=True, exist_ok=True)
    try:
        FETCHERS[kind](name, root, work)
        return None
    except (RuntimeError, OSError, StopIteration, ValueError, AttributeError, subprocess.TimeoutExpired,
            tarfile.TarError, zipfile.BadZipFile) as err:
        return f"{kind} {name}: {err!r}"
    finally:
        shutil.rmtree(work, ignore_errors=True)


def within(part):
    """Returns the (kind, name) pairs that the manifest has in a part of the corpus: "held_out" or "validation"."""
    packages = json.loads(MANIFEST.read_text())["packages"]
    return {(p["kind"], p["name"]) for p in packages if p[part]}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default=None, help="data folder")
    ap.add_argument("--kinds", default=",".join(FETCHERS), help="which registries, comma separated")
    ap.add_argument("--part", choices=["held_out", "validation"], help="only what the manifest says was never trained on")
    args = ap.parse_args()
    data = data_dir(args.data)
    wanted = json.loads(SOURCES.read_text())
    jobs = [(kind, name, data) for kind in args.kinds.split(",") for name in wanted[kind]]
    if args.part:
        part = within(args.part)
        jobs = [job for job in jobs if (job[0], ":".join(job[1].split(":")[:2])) in part]
    with ThreadPoolExecutor(max_workers=4) as pool:
        missing = [line for line in pool.map(lambda job: fetch(*job), jobs) if line]
    print(f"{len(jobs) - len(missing)} packages there, {len(missing)} missing")
    for line in missing:
        print("missing", line)


if __name__ == "__main__":
    main()
