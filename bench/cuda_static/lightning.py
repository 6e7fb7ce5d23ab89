"""aihwkit-lightning's own Triton kernel (2.1.0, triton_linear.py): forward, with its input range and quantisation.

One slice of the input, so that the length of its loop is an argument. Its configuration is the one of 128 x 128.
"""
from cuda_static.rivals import Rival
from cuda_static.sass import Missing

CASES = {"ADC": False, "output noise + ADC": True}  # whether there is output noise
ROWS, COLUMNS, STAGED, STAGES, THREADS = 128, 128, 32, 4, 128
POINTERS = {"inp_ptr": "*fp16", "weights_ptr": "*fp16", "out_ptr": "*fp16", "ir_vector_ptr": "*fp16",
            "assumed_wmax_ptr": "*fp16", "reduced_assumed_wmax_ptr": "*fp16", "input_range_ptr": "*fp16",
            "upper_end_of_slices_ptr": "*i32"}
NUMBERS = ("inp_size", "hidden_size", "out_size", "stride_inp_inp_size", "stride_weights_out_size", "stride_out_inp_size",
           "stride_assumed_wmax_num_slices", "stride_input_range_slice", "stride_ir_vector_inp")


def compile_kernel(architecture, with_noise):
    try:
        from aihwkit_lightning.nn.modules.triton_utils.triton_linear import matmul_kernel
        import triton.language as tl
    except ImportError as error:
        raise Missing(f"aihwkit-lightning was not found ({error}): install the test requirements (scripts/setup --with-tests)") from error
    kernel = getattr(matmul_kernel, "fn", matmul_kernel) if not hasattr(matmul_kernel, "arg_names") else matmul_kernel
    constants = {
        "num_slices": 1, "stride_inp_hidden_size": 1, "stride_weights_hidden_size": 1, "stride_out_out_size": 1,
        "stride_assumed_wmax_out_size": 1, "stride_ir_vector_hidden": 1, "inp_res": 2.0 / 254, "is_fp": False,
        "out_res": 2.0 / 254, "out_quant": True, "out_bound": 12.0, "bound_per_channel": False, "out_noise": with_noise,
        "out_noise_std": 0.04, "out_noise_per_channel": False, "ir_vector_is_none": False, "dtype": tl.float16,
        "precision": None, "BLOCK_SIZE_INP": ROWS, "BLOCK_SIZE_HIDDEN": STAGED, "BLOCK_SIZE_OUT": COLUMNS, "GROUP_SIZE_INP": 8}
    signature = {**POINTERS, **{name: "i32" for name in NUMBERS}, "out_noise_seed": "i32"}
    signature = {name: signature[name] for name in kernel.arg_names if name in signature}
    aligned = list(POINTERS) + list(NUMBERS)
    return Rival(kernel, architecture, signature, constants, THREADS, STAGES, aligned)


def rows(case, tile_rows, architectures, row):
    for architecture in architectures:
        rival = compile_kernel(architecture, CASES[case])
        sizes = {name: tile_rows for name in NUMBERS} | {"inp_size": ROWS, "out_size": COLUMNS, "stride_out_inp_size": COLUMNS}
        yield row(case, tile_rows, architecture, "aihwkit-lightning 2.1.0, its own kernel", (ROWS, COLUMNS), THREADS, rival.kernel,
                  rival.count(sizes), rival.shared, rival.milliseconds, rival.cubin)
