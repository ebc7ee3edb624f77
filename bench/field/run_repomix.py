"""Answers requests with repomix --compress. See ../rival.go for what goes in and out."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

REPOMIX = Path(sys.argv[1], "node_modules", ".bin", "repomix").resolve()
OPTIONS = ["--compress", "--style", "json", "--stdout", "--quiet", "--no-file-summary", "--no-directory-structure",
           "--no-gitignore", "--no-default-patterns", "--no-security-check"]

for line in sys.stdin:
    request = json.loads(line)
    with tempfile.TemporaryDirectory() as root:
        for file in request["files"]:
            path = Path(root, file["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"], encoding="utf-8")
        done = subprocess.run([REPOMIX, *OPTIONS, "."], cwd=root, capture_output=True, text=True, check=True)
    texts = json.loads(done.stdout)["files"]
    files = [{"path": f["path"], "text": texts.get(f["path"], "")} for f in request["files"]]
    print(json.dumps({"files": files}), flush=True)
