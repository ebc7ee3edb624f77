"""Runs a script through the official OpenAI or Anthropic client for Python, the way a user's program does.

Reads [{"op", "body"}...] from standard input; prints, for each step, what the client made of the answer: {"whole"}, {"events"} with an
{"error"} behind them, or {"error", "status"}. The first argument names the SDK.
"""

import json
import os
import sys


def operations(sdk):
    settings = {"base_url": os.environ["BASE_URL"], "api_key": os.environ["API_KEY"], "max_retries": 0}
    if sdk == "openai":
        from openai import OpenAI

        client = OpenAI(**settings)
        return {"chat": client.chat.completions.create, "models": lambda: client.get("/models", cast_to=object)}
    from anthropic import Anthropic

    client = Anthropic(**settings)
    return {"messages": client.messages.create, "count": client.messages.count_tokens}


def plain(answer):
    return answer.model_dump(mode="json", exclude_unset=True) if hasattr(answer, "model_dump") else answer


def run(operation, body):
    seen = {}
    try:
        answer = operation(**(body or {}))
        if not (body or {}).get("stream"):
            return {"whole": plain(answer)}
        seen["events"] = []
        for event in answer:
            seen["events"].append(plain(event))
    except Exception as error:  # whatever the client raises is its answer
        seen["error"] = type(error).__name__
        seen["status"] = getattr(error, "status_code", 0)
    return seen


known = operations(sys.argv[1])
json.dump([run(known[step["op"]], step.get("body")) for step in json.load(sys.stdin)], sys.stdout)
