"""Checks a run of mho-bench: check_bench.py <json> <svg>."""

import json
import sys
import xml.etree.ElementTree as ElementTree

EFFECTS = ("dac", "dynamic_range", "weight_codes", "weight_noise", "drop_connect", "output_noise", "adc", "bias", "fixed_tiling",
           "all_noise", "all")

with open(sys.argv[1], encoding="ascii") as file:
    rows = {row["name"].split("/iterations")[0]: row for row in json.load(file)["benchmarks"]}
for kind in ("forward", "step"):
    for effect in ("ideal",) + EFFECTS:
        row = rows.pop(f"{kind}/{effect}/17")
        assert row["iterations"] == 2, row
        assert abs(row["ratio"] - row["layer_ms"] / row["digital_ms"]) < 1e-3 * row["ratio"], row
        assert ("own_cost" in row) == (effect != "ideal"), row
        # The effect costs its share of the layer: the base took some time as well.
        assert row.get("own_cost", 0) < row["ratio"], row
assert not rows, rows

svg = ElementTree.parse(sys.argv[2])
texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
for effect in ("ideal",) + EFFECTS:
    assert texts.count(effect) == 1, (effect, texts)
assert "digital" in texts and "forward, width 17" in texts and "step, width 17" in texts, texts
bars = [element for element in svg.iter("{http://www.w3.org/2000/svg}rect") if element.get("width") == "12"]
assert len(bars) == 2 * (1 + len(EFFECTS)) + 2, len(bars) # and two in the legend
