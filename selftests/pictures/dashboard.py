#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""dashboard.py DASHBOARD OUTPUT - draw what DASHBOARD, a file for Grafana, shows of the counters that pictures.sh has
printed, as SVG. It knows the few expressions that stand there, and ends where it meets another one."""
import base64, gzip, html, json, re, sys

CELL, ROW, GAP = 52, 34, 8
WINDOW = 9      # seconds of a rate
COLOURS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ca95e5"]
UNITS = {"ops": "/s", "Bps": " B/s", "short": ""}
EXPR = re.compile(r"sum(?: by \(([^)]*)\))? ?\((rate\()?([a-z_]+)\{([^}]*)\}(?:\[\$__rate_interval\]\))?\)( > 0)?")

def read(path):
    """The samples: seconds, and of each series its name, its labels and its value"""
    samples = []
    for line in open(path):
        if not line.startswith("metrics "):
            continue
        _, at, text = line.split()
        series = {}
        for sample in gzip.decompress(base64.b64decode(text)).decode().splitlines():
            m = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? ([0-9.]+)", sample)
            if m:
                series[m[1], tuple(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', m[2] or ""))] = float(m[3])
        samples.append((float(at), series))
    return samples

def matches(labels, matchers):
    for name, pattern in re.findall(r'([a-z_]+)=~"([^"]*)"', matchers):
        if not pattern.startswith("$") and not re.fullmatch(pattern, labels.get(name, "")):
            return False
    return True

def rate(samples, i, key):
    """Per second, over the window that ends with sample i; a counter that has begun anew counts from 0"""
    first = next(n for n in range(i + 1) if samples[i][0] - samples[n][0] <= WINDOW)
    if first == i:
        return None
    values = [series[key] for _, series in samples[first:i + 1] if key in series]
    grown = sum(b - a if b >= a else b for a, b in zip(values, values[1:]))
    return grown / (samples[i][0] - samples[first][0])

def evaluate(expr, samples):
    """Of each group of labels the points: seconds and value"""
    m = EXPR.fullmatch(expr)
    assert m, f"cannot compute {expr}"
    by = [name.strip() for name in m[1].split(",")] if m[1] else []
    groups = {}
    for i, (at, series) in enumerate(samples):
        sums = {}
        for name, labels in series:
            values = dict(labels)
            if name != m[3] or not matches(values, m[4]):
                continue
            value = rate(samples, i, (name, labels)) if m[2] else series[name, labels]
            if value is not None:
                group = tuple((label, values.get(label, "")) for label in by)
                sums[group] = sums.get(group, 0) + value
        for group, value in sums.items():
            if not m[5] or value > 0:
                groups.setdefault(group, []).append((at, value))
    return groups

def short(value, unit):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{letter}{UNITS[unit]}"
    return f"{value:.1f}".rstrip("0").rstrip(".") + UNITS[unit]

def text(x, y, what, size=12, anchor="start", fill="#ccccdc", more=""):
    print(f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{more}>'
          f'{html.escape(what)}</text>')

def cut(what, width, size=11):
    room = int(width / (size * 0.55))
    return what if len(what) <= room else what[:room - 1] + "…"

def legend(panel, group):
    values = dict(group)
    return " ".join(re.sub(r"\{\{(\w+)\}\}", lambda m: values.get(m[1], ""), panel["targets"][0].get("legendFormat", "")).split())

def draw_stat(panel, groups, box, unit):
    x, y, w, h = box
    value = sum(points[-1][1] for points in groups.values())
    text(x + w / 2, y + h / 2 + 22, short(value, unit), 32, "middle", "#73bf69")

def draw_lines(panel, groups, box, unit):
    x, y, w, h = box
    rows = sorted(groups.items(), key=lambda row: -max(value for _, value in row[1]))[:len(COLOURS)]
    left, top, right, bottom = x + 64, y + 36, x + w - 14, y + h - 34 - 15 * ((len(rows) + 1) // 2)
    end = max((at for _, points in rows for at, _ in points), default=1)
    most = max((value for _, points in rows for _, value in points), default=0) or 1
    for i in range(5):
        at = bottom - (bottom - top) * i / 4
        print(f'<line x1="{left}" x2="{right}" y1="{at:.0f}" y2="{at:.0f}" stroke="#2c3235"/>')
        text(left - 6, at + 4, short(most * i / 4, unit), 11, "end", "#9fa7b3")
    for i in range(5):
        text(left + (right - left) * i / 4, bottom + 16, f"{end * i / 4:.0f} s", 11, "middle", "#9fa7b3")
    for i, (group, points) in enumerate(rows):
        path = " ".join(f"{left + (right - left) * at / end:.1f},{bottom - (bottom - top) * value / most:.1f}"
                        for at, value in points)
        print(f'<polyline points="{path}" fill="none" stroke="{COLOURS[i]}" stroke-width="1.6"/>')
        at_x, at_y = left - 40 + (i % 2) * (w - 40) / 2, bottom + 36 + 15 * (i // 2)
        print(f'<rect x="{at_x:.0f}" y="{at_y - 5:.0f}" width="14" height="4" fill="{COLOURS[i]}"/>')
        text(at_x + 20, at_y, cut(legend(panel, group), (w - 80) / 2 - 20), 11)

def draw_table(panel, groups, box, unit):
    x, y, w, h = box
    names = [name for name, _ in next(iter(groups), ())] + ["Value"]
    widths = [w * share for share in ((0.09, 0.29, 0.09, 0.29, 0.07, 0.07, 0.1) if len(names) == 7 else [1 / len(names)] * len(names))]
    rows = sorted(groups.items(), key=lambda row: -row[1][-1][1])
    for n, row in enumerate([None] + rows[:int((h - 50) / 20)]):
        at = x + 14
        for i, name in enumerate(names):
            what = name if row is None else short(row[1][-1][1], unit) if i == len(names) - 1 else dict(row[0])[name]
            text(at, y + 44 + 20 * n, cut(what, widths[i], 12), 12, fill="#6e9fff" if row is None else "#ccccdc")
            at += widths[i]

DRAW = {"stat": draw_stat, "timeseries": draw_lines, "table": draw_table}

dashboard, samples = json.load(open(sys.argv[1])), read(sys.argv[2])
assert len(samples) > 2, "no counters"
width = 24 * CELL + 2 * GAP
height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"]) * ROW + 2 * GAP + 40
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
      'font-family="Inter, system-ui, sans-serif">')
print(f'<rect width="{width}" height="{height}" fill="#111217"/>')
text(2 * GAP, 30, dashboard["title"], 18)
for panel in dashboard["panels"]:
    at = panel["gridPos"]
    box = GAP + at["x"] * CELL + GAP / 2, 40 + GAP + at["y"] * ROW + GAP / 2, at["w"] * CELL - GAP, at["h"] * ROW - GAP
    print('<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="3" fill="#181b1f" stroke="#2c3235"/>'.format(*box))
    text(box[0] + 12, box[1] + 22, panel["title"], 13, fill="#d8d9da")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    DRAW[panel["type"]](panel, evaluate(panel["targets"][0]["expr"], samples), box, unit)
print("</svg>")
