#!/usr/bin/env python3
"""Draws the README's picture: a source file before and after compression, as SVG.

pith compress -q QUESTION --rate R --format json FILE | scripts/picture.py FILE "QUESTION" > docs/before-after.svg
"""
import html
import json
import sys

WIDTH, PAD, LINE = 1180, 24, 13
MAP_WIDTH, ROW, CHAR = 250, 1.6, 1.5
KEPT, DROPPED, MARKER, INK = "#1f6feb", "#d0d7de", "#9a6700", "#1f2328"


def kept_lines(report):
    return {n for c in report["chunks"] for a, b in c["kept_lines"] or [] for n in range(a, b + 1)}


def minimap(lines, kept, height):
    """One bar a line, blue where the line was kept; as many columns as the height asks for."""
    rows = int(height / ROW)
    for number, line in enumerate(lines, 1):
        body = line.replace("\t", "    ")
        text = body.strip()
        if not text:
            continue
        column, row = divmod(number - 1, rows)
        x = PAD + column * (MAP_WIDTH / (len(lines) // rows + 1)) + (len(body) - len(body.lstrip())) * 0.5
        width = min(len(text), 60) * CHAR / (len(lines) // rows + 1)
        colour = KEPT if number in kept else DROPPED
        yield f'<rect x="{x:.1f}" y="{70 + row * ROW:.1f}" width="{width:.1f}" height="1.2" fill="{colour}"/>'


def listing(text, x):
    for row, line in enumerate(text):
        shown = line.replace("\t", "    ")[:118]
        colour = MARKER if "... lines" in line else INK
        yield (f'<text x="{x}" y="{80 + row * LINE}" fill="{colour}" xml:space="preserve">{html.escape(shown)}</text>')


def main():
    path, question = sys.argv[1:3]
    report = json.load(sys.stdin)
    lines = open(path, encoding="utf-8").read().splitlines()
    after = report["text"].splitlines()
    shown = after[:74]
    height = 80 + len(shown) * LINE + PAD
    name = "/".join(path.split("/")[-3:])
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="ui-monospace, monospace" font-size="10.5">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{PAD}" y="28" font-size="14" fill="{INK}">“{html.escape(question)}”</text>',
        f'<text x="{PAD}" y="54" fill="{INK}">{html.escape(name)}: {len(lines)} lines, {report["original_tokens"]} tokens</text>',
        f'<text x="{PAD + MAP_WIDTH + 40}" y="54" fill="{INK}">sent: {len(after)} lines, {report["compressed_tokens"]} tokens'
        f' ({report["ratio"]:.1f} times smaller)</text>',
        *minimap(lines, kept_lines(report), height - 70 - PAD),
        *listing(shown, PAD + MAP_WIDTH + 40),
        "</svg>",
    ]
    print("\n".join(out))


main()
