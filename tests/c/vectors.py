#!/usr/bin/env python3
"""Writes tests/vectors/*.json as a C table, since C has no reader of JSON of its own.

    tests/c/vectors.py tests/vectors > vectors.inc
"""

import json
import pathlib
import sys

STYLES = ["x-ratelimit", "ietf", "ietf-06"]


def text(value):
    """A C literal of any text, NULL for none; every byte that could mean something is escaped."""
    if value is None:
        return "NULL"
    plain = set(b" !#$&'()*+,-./:;<=>@[]^_{|}~") | set(range(0x30, 0x3A)) | set(range(0x41, 0x5B)) | set(range(0x61, 0x7B))
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in value.encode()) + '"'


def sized(value):
    return f"{text(value)}, {len(value.encode())}"


def number(value):
    return f"UINT64_C({value or 0})"


def flag(value):
    return "true" if value else "false"


def array(kind, items):
    """A pointer to the items and their number; C has no arrays of nothing."""
    items = list(items)
    return f"(const {kind}[]){{{', '.join(items)}}}, {len(items)}" if items else "NULL, 0"


def pointer(kind, fields):
    return "NULL" if fields is None else f"&(const struct {kind}){{{', '.join(fields)}}}"


def limit(it):
    return "{" + ", ".join([
        text(it["name"]), number(it["quota"]), number(it["window_ns"]), text(it["algorithm"]),
        number(it["capacity"]), text(it["unit"]), number(it["resolution_ns"]),
    ]) + "}"


def state(it):
    times = [number(it[f"{name}_ns"]) for name in ("reset_after", "retry_after", "effective_window")]
    return "{" + ", ".join([text(it["name"]), flag(it["violated"]), number(it["remaining"]), *times]) + "}"


def decision(it):
    return it and [
        flag(it["allowed"]), number(it["at_ns"]), text(it["reported"]), number(it["limit"]),
        number(it["remaining"]), number(it["reset_after_ns"]), number(it["retry_after_ns"]),
        text(" ".join(it["violated"])), array("struct state", map(state, it["limits"])),
    ]


def lines(headers):
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def body(it):
    return it and [str(it["status"]), text(it["content_type"]), text(it["body"])]


def step(it):
    headers, bodies = it.get("headers"), it.get("bodies")
    return "    {" + ", ".join([
        number(it["now_ns"]), text(it["op"]), sized(it["key"]), number(it.get("cost")),
        array("uint64_t", map(number, it.get("costs", []))), text(it.get("error")),
        pointer("wanted", decision(it.get("decision"))),
        "{" + ", ".join(text(lines(headers[style])) if headers else "NULL" for style in STYLES) + "}",
        flag(bodies is not None),
        pointer("body", body((bodies or {}).get("message"))),
        pointer("body", body((bodies or {}).get("problem"))),
    ]) + "},\n"


def case(file, it):
    steps = "".join(map(step, it["steps"]))
    return f"  {{{text(file + ': ' + it['name'])}, {sized(it['policy'])}, {flag(it['report'] == 'tightest')}, (const struct step[]){{\n{steps}  }}, {len(it['steps'])}}},\n"


def table(kind, name, rows):
    print(f"static const struct {kind} {name}[] = {{\n{''.join(rows)}}};")


def main(folder):
    read = {path.name: json.loads(path.read_text()) for path in sorted(pathlib.Path(folder).glob("*.json"))}
    policies = read.pop("policies.json")
    table("valid", "VALID", (
        f"  {{{sized(it['notation'])}, {text(it['canonical'])}, {array('struct limit', map(limit, it['limits']))}}},\n"
        for it in policies["valid"]
    ))
    table("invalid", "INVALID", (f"  {{{sized(it['notation'])}}},\n" for it in policies["invalid"]))
    table("too_large", "TOO_LARGE", (
        f"  {{{number(it['max_body'])}, {{{', '.join(body(it['response']))}}}}},\n"
        for it in read["bodies.json"]["content_too_large"]
    ))
    table("kase", "CASES", (case(file, it) for file, content in read.items() for it in content["cases"]))


main(sys.argv[1])
