"""Answers requests with headroom-ai's code compressor. See ../rival.go for what goes in and out."""

import contextlib
import json
import sys

from headroom.transforms.code_compressor import CodeAwareCompressor, CodeCompressorConfig

# The language model is off, and so is the store of originals: neither changes what the compressor keeps of code.
compressor = CodeAwareCompressor(CodeCompressorConfig(enable_ccr=False, fallback_to_kompress=False))

for line in sys.stdin:
    request = json.loads(line)
    files = []
    with contextlib.redirect_stdout(sys.stderr):
        for file in request["files"]:
            result = compressor.compress(file["content"], language=file.get("language"), context=request["query"])
            files.append({"path": file["path"], "text": result.compressed})
    print(json.dumps({"files": files}), flush=True)
