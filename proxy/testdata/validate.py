"""Holds answers to an OpenAPI 3.1 document: {"document", "answers": [{method, path, status, type, body}]} in, complaints out."""

import json
import re
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

given = json.load(sys.stdin)
document = given["document"]
registry = Registry().with_resource("urn:document", Resource(contents=document, specification=DRAFT202012))
wrong = []


def holds(schema, value, where):
    Draft202012Validator.check_schema(schema)
    anchored = json.loads(json.dumps(schema).replace('"#/components', '"urn:document#/components'))
    for error in Draft202012Validator(anchored, registry=registry).iter_errors(value):
        wrong.append(f"{where}: {error.json_path}: {error.message[:300]}")


def operation(method, path):
    for template, methods in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            return methods[method.lower()]
    return None


for name, schema in document["components"]["schemas"].items():
    Draft202012Validator.check_schema(schema)
for answer in given["answers"]:
    where = f"{answer['method']} {answer['path']} {answer['status']}"
    found = operation(answer["method"], answer["path"])
    if found is None:
        wrong.append(f"{where}: not in the document")
        continue
    response = found["responses"].get(str(answer["status"]))
    content = (response or {}).get("content", {}).get(answer["type"].split(";")[0])
    if content is None:
        wrong.append(f"{where}: {answer['type']}: no such response is described")
        continue
    value = answer["body"] if not answer["type"].startswith("application/json") else json.loads(answer["body"])
    holds(content["schema"], value, where)
    if answer.get("sent"):
        holds(found["requestBody"]["content"]["application/json"]["schema"], json.loads(answer["sent"]), where + " request")
print(json.dumps({"wrong": wrong, "operations": sum(len(m) for m in document["paths"].values())}))
