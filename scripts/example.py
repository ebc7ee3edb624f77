#!/usr/bin/env python3
"""Writes examples/ask-about-server.json: a chat request about this project's own server, as an IDE would send it."""
import json
import pathlib

root = pathlib.Path(__file__).resolve().parent.parent
files = ["proxy/server.go", "proxy/forward.go", "proxy/options.go", "parsers/processes/pool.go", "cache/redis.go"]
question = "What happens to a stream that is still open when the proxy is told to stop, and how long may it go on?"
text = "".join(f"```go {f}\n{(root / f).read_text()}```\n\n" for f in files) + question
request = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "You answer questions about source code. Name the function you rely on."},
        {"role": "user", "content": text},
    ],
}
(root / "examples/ask-about-server.json").write_text(json.dumps(request, ensure_ascii=False) + "\n")
