// The kernel level: tiled_mvm and the scalar ops of its regions. Included by AnalogOps.td.

def Analog_AnyOperand : AnyTypeOf<[RankedTensorOf<[F32, I32]>, F32]>;
def Analog_StatArray : TypedArrayAttrBase<Analog_StatAttr, "statistics">;
def Analog_ResultArray : TypedArrayAttrBase<Analog_ResultAttr, "results">;

def Analog_TiledMvmOp : Analog_Op<"tiled_mvm", [Pure, AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "a whole fused layer direction: a tiled contraction with scalar code at load, end of tile and finish";
  let description = [{
    Every operand names the axes it varies over; sizes follow from the operands. One axis is contracted; the crossbar tile t cuts
    axis k. If k is contracted (forward), `end_tile` maps the accumulators of a tile before they are summed over t; if k is an
    output axis (gradients), end_tile is absent. The two output axes are those of the result of kind `value`, or, where that is
    absent, of `finish`.

    Regions and their block arguments, in order (visible: all axes are t or among the element's axes):
    - load_lhs, load_rhs: an element of each operand of the side (i1 for bits), every visible parameter, every visible statistic of
      this side. Yields one or more f32.
    - end_tile: one f32 per accumulator, every parameter visible over (t, row, column) of the output, every statistic. Yields one f32
      and one `bits` per bits result.
    - finish: the sum (over tiles, or the contraction), an element of each epilogue operand, every visible parameter, every visible
      statistic if t is visible. Yields one f32 if there is a value result, and one `reduce` per sum (f32) or count (i1) result.
    - tail: one f32 per sum or count result, every parameter visible over their axes. Yields as many f32: the final results (sums and
      counts may be passed through). Where the tail is absent, a sum is f32 and a count is i64.
    t is visible in load regions, in end_tile, and in finish only if k is an output axis.

    ```mlir
    %y = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 512>)
        lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%b over (n) : tensor<?xf32>)
        results(value over (m, n))
      load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
      load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
      accumulate(0 * 0)
      end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
      finish { ^bb0(%s: f32, %bias: f32): %r = arith.addf %s, %bias : f32  analog.yield %r : f32 }
      : tensor<?x?xf32>
    ```
  }];
  let arguments = (ins Variadic<Analog_AnyOperand>:$lhs, Variadic<Analog_AnyOperand>:$rhs, Variadic<Analog_AnyOperand>:$epilogue,
                       Variadic<Analog_AnyOperand>:$params, Variadic<Analog_KeyTensor>:$keys, Optional<Analog_F32Matrix>:$init,
                       Analog_AxisAttr:$contract, Analog_TilingAttr:$tiling, Analog_AxesArray:$lhs_axes, Analog_AxesArray:$rhs_axes,
                       Analog_AxesArray:$epilogue_axes, Analog_AxesArray:$param_axes, Analog_StatArray:$stats, DenseI64ArrayAttr:$accumulators,
                       Analog_ResultArray:$result_specs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$load_lhs, SizedRegion<1>:$load_rhs, AnyRegion:$end_tile, SizedRegion<1>:$finish,
                        AnyRegion:$tail);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The two output axes, row and column.
    std::pair<Axis, Axis> getOutputAxes();
    /// Row and column axis of the elements a load region works on: those of the side's first operand.
    std::pair<Axis, Axis> getElementAxes(Side side);
    /// Number of accumulators per tile.
    int64_t getAccumulatorCount() { return getAccumulators().size() / 2; }
    /// Indices of parameters visible where the element's coordinates are `axes`.
    ::llvm::SmallVector<int64_t> getVisibleParams(::llvm::ArrayRef<Axis> axes);
    /// Indices of statistics visible there; `side` limits them to one side.
    ::llvm::SmallVector<int64_t> getVisibleStats(::llvm::ArrayRef<Axis> axes, std::optional<Side> side = std::nullopt);
    /// Axes visible in each region, t included where it is.
    ::llvm::SmallVector<Axis> getLoadAxes(Side side);
    ::llvm::SmallVector<Axis> getEndTileAxes();
    ::llvm::SmallVector<Axis> getFinishAxes();
    /// Expected block argument types of a region (index as in getRegions()).
    ::llvm::SmallVector<::mlir::Type> getRegionArgumentTypes(unsigned region);
    AxesAttr getAxesOf(::mlir::ArrayAttr axes, int64_t i) { return ::mlir::cast<AxesAttr>(axes[i]); }
    /// True for a packed bits operand: i32 words, bit n mod 32 of word n / 32.
    static bool isBits(::mlir::Value operand);
    /// Axes visible in a region (index as in getRegions()), and the side its statistics are limited to.
    ::llvm::SmallVector<Axis> getVisibleAxes(unsigned region);
    /// Number of block arguments of a region before its parameters.
    unsigned getElementCount(unsigned region);
    /// Removes parameters and statistics that no region uses (exported statistics stay).
    void pruneUnused();
    /// Indices of the results of `kind`, in order.
    ::llvm::SmallVector<int64_t> getResultsOf(::llvm::ArrayRef<ResultKind> kinds);
  }];
}

def Analog_NormalOp : Analog_Op<"normal", []> {
  let summary = "the Gaussian draw of this element (16-bit map)";
  let description = "Key `key` of the kernel, stream `stream`; the address is the element's (row, column within tile, tile).";
  let arguments = (ins I64Attr:$key, I64Attr:$stream);
  let results = (outs F32:$result);
  let assemblyFormat = "`key` `(` $key `)` `stream` `(` $stream `)` attr-dict `:` type($result)";
}

def Analog_UniformOp : Analog_Op<"uniform", []> {
  let summary = "the uniform draw of this element, (word + 1/2) / 2^32";
  let arguments = (ins I64Attr:$key, I64Attr:$stream);
  let results = (outs F32:$result);
  let assemblyFormat = "`key` `(` $key `)` `stream` `(` $stream `)` attr-dict `:` type($result)";
}

def Analog_IndexOp : Analog_Op<"index", [Pure]> {
  let summary = "an index of this element: tile, row, column within the tile, or the tile's physical rows";
  let arguments = (ins Analog_IndexKindAttr:$kind);
  let results = (outs I32:$result);
  let assemblyFormat = "$kind attr-dict `:` type($result)";
}

def Analog_SurrogateOp : Analog_Op<"surrogate", [RecursiveMemoryEffects]> {
  let summary = "scalar code with a derivative of its own";
  let description = [{
    `value` maps the inputs (first the differentiated one, then constants and parameters) to the result and optional bits, which are
    results of the op too, so that end_tile can yield them. `derivative`
    takes the inputs after the first, then the bits if there are any, else the first input, then the incoming gradient; it yields the
    gradient of the first input, and through `reduce` the summands (f32) and counts (i1) of a parameter gradient. `tail` (optional)
    maps the reduced sums and counts and the inputs after the first to that parameter gradient; `wrt` is the parameter's input index.
  }];
  let arguments = (ins Variadic<F32>:$inputs, OptionalAttr<I64Attr>:$wrt);
  let results = (outs F32:$result, Variadic<I1>:$saved);
  let regions = (region SizedRegion<1>:$value, SizedRegion<1>:$derivative, AnyRegion:$tail);
  let assemblyFormat = [{
    `(` $inputs `)` (`wrt` `(` $wrt^ `)`)? `value` $value `derivative` $derivative (`tail` $tail^)? attr-dict `:` type(results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = "/// True if the value region yields bits, which stand for the first input in the derivative.\nbool savesBits();";
}

def Analog_YieldOp : Analog_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments]> {
  let summary = "results of a region: values, bits, and summands of reductions";
  let arguments = (ins Variadic<F32>:$values, Variadic<I1>:$bits, Variadic<AnyTypeOf<[F32, I1]>>:$reductions);
  let assemblyFormat = [{
    ($values^ `:` type($values))? (`bits` `(` $bits^ `)`)? (`reduce` `(` $reductions^ `:` type($reductions) `)`)? attr-dict
  }];
}
