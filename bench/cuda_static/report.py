"""The comparison as markdown, JSON and a plot."""
import html
import json

from cuda_static.table import LABEL

COLUMNS = [
    ("kernel", "kernel"), ("CTA", "cta"), ("registers", "registers"), ("spilled bytes", "spilled_bytes"),
    ("shared bytes", "shared_bytes"), ("CTAs per SM", "ctas_per_sm"), ("instructions per output", "instructions_per_output"),
    ("HMMA per tile", "hmma_per_tile"), ("MUFU per output", "mufu_per_output"), ("IMAD per output", "imad_per_output"),
    ("wavefronts over ideal", "wavefronts_over_ideal"), ("sectors used", "sector_efficiency"), ("clocks", "modelled_clocks"),
    ("limiter", "limiter"), ("compile ms", "compile_ms"), ("cubin bytes", "cubin_bytes"),
]
EXPLANATION = """\
Instructions are thread-instructions of machine code per output and crossbar tile; of a gradient, per output of the whole
CTA with that many positions to contract. HMMA are those of a CTA; on sm_90 Triton's are wgmma, marked *, each of
which does the work of many. Wavefronts and sectors are those that the interpreter of PTX counts in a run of the same
kernel (compute_80); `-`: not counted. Clocks are those of one CTA's tile on {machine}, by the resource that is busy longest.
"""


def cell(value, row, key):
    if value is None:
        return "-"
    if key == "sector_efficiency":
        return f"{value:.0%}"
    if key == "hmma_per_tile" and row["wgmma"]:
        return f"{value}*"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def markdown(rows, title):
    text = f"# {title}\n\n**{LABEL}.** No figure here is a measured time, compile times excepted.\n"
    groups = {}
    for row in rows:
        groups.setdefault((row["architecture"], row["case"], row["tile_rows"]), []).append(row)
    architecture = None
    for (arch, case, tile_rows), members in sorted(groups.items(), key=lambda item: item[0][0]):
        if arch != architecture:
            architecture = arch
            text += f"\n## {arch}: {LABEL}\n\n{EXPLANATION.format(machine='the ' + members[0]['machine'])}"
        text += f"\n### {case}, tiles of {tile_rows} rows ({arch}; {LABEL})\n\n"
        text += "| " + " | ".join(name for name, _ in COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n"
        for row in members:
            text += "| " + " | ".join(cell(row[key], row, key) for _, key in COLUMNS) + " |\n"
    return text


def as_json(rows, title):
    return json.dumps({"title": title, "label": LABEL, "rows": rows}, indent=1) + "\n"


COLOURS = {"mho": "#1f77b4", "Triton": "#ff7f0e", "aihwkit-lightning": "#7f7f7f"}
BAR, GAP, LEFT, TOP, WIDE = 15, 12, 330, 66, 420


def svg(rows, title):
    """Bars of instructions per output, a group for each case; bars begin at 0."""
    highest = max(row["instructions_per_output"] for row in rows)
    parts, y, group = [], TOP, None
    for row in rows:
        key = (row["case"], row["tile_rows"], row["architecture"])
        if key != group:
            y, group = y + GAP, key
            label = f"{row['case']}, {row['tile_rows']} rows, {row['architecture']}"
            parts.append(f'<text x="{LEFT - 10}" y="{y + 12}" text-anchor="end">{html.escape(label)}</text>')
        width = WIDE * row["instructions_per_output"] / highest
        colour = COLOURS[row["kernel"].split(",")[0].split(" ")[0]]
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}"/>')
        note = f"{row['instructions_per_output']:.1f}  {row['kernel'].split(',')[0]}, {row['cta']}"
        parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 11}" font-size="10">{html.escape(note)}</text>')
        y += BAR
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 260}" height="{y + 24}" font-family="sans-serif" '
            'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
            '<text x="20" y="24" font-size="16" font-weight="bold">Thread-instructions per output and crossbar tile</text>\n'
            f'<text x="20" y="44" fill="#555555">{html.escape(title)}; {LABEL}</text>\n')
    return head + "\n".join(parts) + "\n</svg>\n"
