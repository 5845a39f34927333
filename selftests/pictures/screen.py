#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""screen.py OUTPUT - draw the screen of pvictl top that is in what pictures.sh has printed, as SVG"""
import base64, gzip, html, re, sys

WIDTH, HEIGHT, LEFT, TOP = 8.4, 19, 16, 40
COLOURS = {"31": "#f85149", "32": "#3fb950", "33": "#d29922", "1": "#ffffff"}

for line in open(sys.argv[1]):
    if line.startswith("top "):
        screen = gzip.decompress(base64.b64decode(line.split()[1])).decode()
lines = screen.replace("\r", "").rstrip("\n").split("\n")
columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
width, height = int(2 * LEFT + columns * WIDTH), TOP + len(lines) * HEIGHT + 12

print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">')
print(f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>')
for i, colour in enumerate(("#f85149", "#d29922", "#3fb950")):
    print(f'<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{colour}"/>')
print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">')
for row, line in enumerate(lines):
    column, colour = 0, None
    for part in re.split(r"(\x1b\[[0-9;]*[A-Za-z])", line):
        if part.startswith("\x1b["):
            codes = part[2:-1].split(";") if part.endswith("m") else []
            colour = next((COLOURS[c] for c in codes if c in COLOURS), None) if codes else colour
            continue
        if part.strip():
            fill = f' fill="{colour}"' if colour else ""
            # Each part has as many columns as on the terminal, whatever the font
            print(f'<text xml:space="preserve" x="{LEFT + column * WIDTH:.1f}" y="{TOP + (row + 0.75) * HEIGHT:.1f}" '
                  f'textLength="{len(part) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"{fill}>{html.escape(part)}</text>')
        column += len(part)
print("</g>")
print("</svg>")
