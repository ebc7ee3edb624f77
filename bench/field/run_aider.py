"""Answers requests with aider's map of a repository. See ../rival.go for what goes in and out."""

import contextlib
import json
import re
import sys
import tempfile
from pathlib import Path

from aider.repomap import RepoMap


class Counter:
    """Counts four characters a token, so that nothing is asked for over the network."""

    def token_count(self, text):
        return len(text) / 4


class Files:
    """Reads files and says nothing."""

    def read_text(self, name):
        return Path(name).read_text(encoding="utf-8")

    def tool_output(self, *_):
        pass

    tool_warning = tool_error = tool_output


def shown(tree, names):
    """Returns the lines that the map shows of each file, without its frame."""
    lines, name = {n: [] for n in names}, None
    for line in tree.split("\n"):
        if line.rstrip(":") in lines:
            name = line.rstrip(":")
        elif name and line[:1] in "│█":
            lines[name].append(line[1:])
    return {n: "\n".join(text) for n, text in lines.items()}


for line in sys.stdin:
    request = json.loads(line)
    names = [file["path"] for file in request["files"]]
    with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(sys.stderr):
        for file in request["files"]:
            path = Path(root, file["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"], encoding="utf-8")
        repo = RepoMap(map_tokens=request["budget"], root=root, main_model=Counter(), io=Files())
        tree = repo.get_ranked_tags_map([], [str(Path(root, n)) for n in names], request["budget"],
                                        mentioned_idents=set(re.split(r"\W+", request["query"]))) or ""
    texts = shown(tree, names)
    print(json.dumps({"files": [{"path": n, "text": texts[n]} for n in names]}), flush=True)
