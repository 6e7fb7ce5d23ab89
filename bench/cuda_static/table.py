"""The rows of the comparison: our kernels, Triton's best form of the same, aihwkit-lightning's kernel."""
import sys
import tempfile

from cuda_static import lightning, model, rivals
from cuda_static.count import Problem
from cuda_static.ours import Ours, counters_in
from cuda_static.sass import Missing

LABEL = "static model, no GPU run"
# Name of the row, words of the layer, its function, Triton's kernel.
CASES = {
    "ADC": ("adc", "linear", "adc"),
    "output noise + ADC": ("output_noise adc", "linear", "output_noise"),
    "weight noise + ADC": ("weight_noise adc", "linear", "weight_noise"),
    "dX, saturation mask": ("dac", "linear_dx", "dx"),
    "dW, saturation mask": ("dac", "linear_dw", "dw"),
}
TALL = "row_groups = 4 : i64, warp_rows = 4 : i64, warp_columns = 1 : i64"  # a CTA of 256 x 64
MOST_SPILLED = 16  # bytes
TALL_CASE = "weight noise + ADC"


def spec_of(case, tile_rows):
    return f"tile=fixed:{tile_rows} range=given storage=f16 {CASES[case][0]}"


def row(case, tile_rows, architecture, who, shape, threads, kernel, count, shared, milliseconds, cubin, counters=None):
    """One row; counters are those of a tile."""
    machine, outputs = model.MACHINES[architecture], shape[0] * shape[1]
    wgmma = any(i.base == "HGMMA" for i in kernel.instructions)
    counters = counters or {}
    read = counters.get("sectors")
    busy = model.clocks(machine, *shape, tile_rows, count.per_tile, counters.get("wavefronts"), read and 32 * read, wgmma)
    limiter, most = model.limiter(busy)
    fits = None if shared is None else model.ctas_per_multiprocessor(machine, threads, kernel.registers, shared)
    ideal = counters.get("ideal_wavefronts")
    return {
        "label": LABEL, "case": case, "tile_rows": tile_rows, "architecture": architecture, "kernel": who,
        "cta": f"{shape[0]}x{shape[1]}", "threads": threads, "registers": kernel.registers,
        "spilled_bytes": model.spilled_bytes(kernel), "shared_bytes": shared, "ctas_per_sm": fits,
        "instructions_per_output": round(count.per_output(outputs), 2), "hmma_per_tile": count.tile["HMMA"], "wgmma": wgmma,
        "mufu_per_output": round(count.per_output(outputs, "MUFU"), 2), "imad_per_output": round(count.per_output(outputs, "IMAD"), 2),
        "wavefronts_over_ideal": round(counters["wavefronts"] / ideal, 2) if ideal else None,
        "sector_efficiency": counters.get("sector_efficiency"), "clocks": {name: round(value) for name, value in busy.items()},
        "machine": machine.name, "modelled_clocks": round(most), "limiter": limiter, "compile_ms": round(milliseconds),
        "cubin_bytes": len(cubin), "branches_on_data": len(count.assumed),
    }


def our_rows(tools, case, tile_rows, architectures, schedule=""):
    """Of one layer; the interpreter's counters are those of compute_80's PTX, which differs in its first lines only."""
    _, function, _ = CASES[case]
    ours = Ours(tools, spec_of(case, tile_rows), function, schedule, tile_rows, drop_sums=function == "linear_dx")
    counters = {k: v if k == "sector_efficiency" else v / ours.tiles_run for k, v in ours.counters.items()}
    for architecture in architectures:
        compiled, kernel, count = ours.compile(architecture)
        layer = ours.layer
        yield row(case, tile_rows, architecture, "mho, exact bits", (layer.rows, layer.columns), layer.threads, kernel, count,
                  layer.shared, compiled.milliseconds, compiled.cubin, counters)


def triton_rows(tools, case, tile_rows, architectures, shape):
    """With four warps or eight, whichever executes fewer instructions; one that spills only if the other does too."""
    for architecture in architectures:
        forms = [rivals.best_triton(CASES[case][2], architecture, *shape, tile_rows, threads) for threads in (128, 256)]
        rival, count = min(forms, key=lambda form: (model.spilled_bytes(form[0].kernel) > MOST_SPILLED, form[1].per_tile))
        counters = counters_of(tools, rival, case, shape, tile_rows) if architecture == "sm_80" else None
        who = "Triton, best form, fast numerics" if "noise" in case else "Triton, best form"
        yield row(case, tile_rows, architecture, who, shape, rival.threads, rival.kernel, count, rival.shared, rival.milliseconds,
                  rival.cubin, counters)


def counters_of(tools, rival, case, shape, tile_rows):
    """What the interpreter counts for a tile of a Triton kernel; None where it does not know an instruction of it."""
    tiles, values = rivals.values_of(CASES[case][2], shape, tile_rows)
    words = []
    for name, kind in rival.signature + [("", "u64"), ("", "u64")]:
        if kind.startswith("*"):
            words += ["--arg", f"f16*{1 << 17}=random:3"]
        else:
            type_name = {"i32": "s32", "fp32": "f32"}.get(kind, kind)
            words += ["--arg", f"{type_name}={values.get(name, 1 if name else 0)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(rival.compiled.asm["ptx"])
        file.flush()
        try:
            run = tools.run("mho", "ptx", "run", file.name, "--block", str(rival.threads), "--shared", str(rival.shared),
                            "--no-races", *words)
        except Problem as error:
            print(f"no counters of Triton's kernel for {case}: {str(error)[-300:]}", file=sys.stderr)
            return None
    counters = counters_in(run.stdout)
    return {k: v if k == "sector_efficiency" else v / tiles for k, v in counters.items()}


def rows_of(tools, cases, tiles, architectures, report):
    """All rows; a rival that cannot be compiled is reported and left out."""
    rows = []
    for case in cases:
        for tile_rows in tiles:
            attempts = [lambda: our_rows(tools, case, tile_rows, architectures),
                        lambda: triton_rows(tools, case, tile_rows, architectures, (128, 128))]
            if case == TALL_CASE:
                attempts += [lambda: our_rows(tools, case, tile_rows, architectures, TALL),
                             lambda: triton_rows(tools, case, tile_rows, architectures, (256, 64))]
            if case in lightning.CASES:
                attempts.append(lambda: lightning.rows(case, tile_rows, architectures, row))
            for attempt in attempts:
                try:
                    for each in attempt():
                        rows.append(each)
                        report(each)
                except (Problem, Missing) as error:
                    print(f"{case}, tiles of {tile_rows} rows: {error}", file=sys.stderr)
    return rows
