// The kernel level: tiled_mvm and the scalar ops of its regions. Included by AnalogOps.td.

def Analog_AnyOperand : AnyTypeOf<[RankedTensorOf<[F32, F16, BF16, I32]>, F32]>;
def Analog_StoredMatrix : TensorRankOf<[F32, F16, BF16], [2]>;
def Analog_StatArray : TypedArrayAttrBase<Analog_StatAttr, "statistics">;
def Analog_ResultArray : TypedArrayAttrBase<Analog_ResultAttr, "results">;

def Analog_TiledMvmOp : Analog_Op<"tiled_mvm", [Pure, AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "a whole fused layer direction: a tiled contraction with scalar code at load, end of tile and finish";
  let description = [{
    Every operand names the axes it varies over; sizes follow from the operands. One of m, n and k is contracted; the crossbar tile t
    cuts one of them. If that is the contracted axis (forward), `end_tile` maps the accumulators of a tile before they are summed over
    t; if it is an output axis (gradients), end_tile is absent. The output axes are the two that are not contracted, in the order m, n,
    k: the output's row and column.

    Regions and their block arguments, in order (visible: all axes are t or among the element's axes):
    - load_lhs, load_rhs: an element of each operand of the side (i1 for bits), every visible parameter, every visible statistic of
      this side. Yields one or more f32, which `accumulate(0 * 0, 1 * 0)` pairs: lhs value * rhs value of each accumulator.
    - the map of a statistic, `stats(sum(rhs 0) over (t, n) map {...})`: an element of its operand, every parameter visible there,
      every visible statistic of this side that stands before it. Yields the f32 that is reduced; without a map, the element is.
    - end_tile: one f32 per accumulator, an element of each epilogue operand (i1 for bits), every visible parameter and statistic.
      Yields one f32 or more, what is summed over t, if there is a finish region; one per `planes` result; one `bits` per bits result;
      one `reduce` per tile_sum (f32) or tile_count (i1) result.
    - finish: the sums over t, or one sum per accumulator where there is no end_tile; an element of each visible epilogue operand, every
      visible parameter and statistic. Yields one f32 if there is a value result, and one `reduce` per sum (f32) or count (i1) result.
      Absent exactly where there are none of these.
    - tail: one f32 per reduction result, every parameter over some axes of one of these. Yields as many f32: the final results (sums
      and counts may be passed through), each made of reductions over its own axes and of parameters over some of them. Where the tail is absent, a sum is f32 and a count is i64.
    t is visible in load regions, in maps, in end_tile, and in finish only if it cuts an output axis.

    Scalar code is made of the ops of one list (SPEC.md, "Scalar code"); nothing else may stand in a region.

    lhs, rhs and epilogue operands and the value may be of f16 or bf16 (SPEC.md, "Storage"): regions see and yield f32 all the same.

    ```mlir
    %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
        lhs(%x over (m, k) : tensor<?x?xf32>)
        rhs(%w over (n, k) : tensor<?x?xf32>)
        params(%b over (n) : tensor<?xf32>)
        results(value over (m, n))
      load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
      load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
      accumulate(0 * 0)
      end_tile { ^bb0(%a: f32, %bias: f32): analog.yield %a : f32 }
      finish { ^bb0(%s: f32, %bias: f32): %r = arith.addf %s, %bias : f32  analog.yield %r : f32 }
      : tensor<?x?xf32>
    ```
  }];
  let arguments = (ins Variadic<Analog_AnyOperand>:$lhs /*tiled_mvm_i1*/, Variadic<Analog_AnyOperand>:$rhs /*tiled_mvm_i2*/,
                       Variadic<Analog_AnyOperand>:$epilogue /*tiled_mvm_i3*/, Variadic<Analog_AnyOperand>:$params /*tiled_mvm_i4*/,
                       Variadic<Analog_KeyTensor>:$keys /*tiled_mvm_i5*/, Optional<Analog_StoredMatrix>:$init /*tiled_mvm_i6*/,
                       Analog_AxisAttr:$contract /*tiled_mvm_i7*/, Analog_AxisAttr:$tile_axis /*tiled_mvm_i8*/,
                       Analog_TilingAttr:$tiling /*tiled_mvm_i9*/, Analog_AxesArray:$lhs_axes, Analog_AxesArray:$rhs_axes,
                       Analog_AxesArray:$epilogue_axes, Analog_AxesArray:$param_axes, Analog_StatArray:$stats /*tiled_mvm_i10*/,
                       DenseI64ArrayAttr:$accumulators /*tiled_mvm_i11*/, Analog_ResultArray:$result_specs /*tiled_mvm_i12*/);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$load_lhs, SizedRegion<1>:$load_rhs, AnyRegion:$end_tile, AnyRegion:$finish,
                        AnyRegion:$tail, VariadicRegion<AnyRegion>:$stat_maps);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Regions by their index in getRegions(); the map of statistic i is kFirstMap + i, empty where it has none.
    static constexpr unsigned kLoadLhs = 0, kLoadRhs = 1, kEndTile = 2, kFinish = 3, kTail = 4, kFirstMap = 5;
    /// "load_lhs", ..., "map of statistic 0".
    static std::string getRegionName(unsigned region);
    /// True if the tiled axis is the contracted one.
    bool isForward() { return getContract() == getTileAxis(); }
    /// The two output axes, row and column.
    std::pair<Axis, Axis> getOutputAxes();
    /// Row and column axis of the elements a load region works on: those of the side's first operand.
    std::pair<Axis, Axis> getElementAxes(Side side);
    /// Number of accumulators per tile.
    int64_t getAccumulatorCount() { return getAccumulators().size() / 2; }
    /// Number of values that end_tile yields to be summed over t, its first ones; 0 without end_tile or finish.
    unsigned getSumCount();
    /// Axes visible in a region, t included where it is.
    ::llvm::SmallVector<Axis> getVisibleAxes(unsigned region);
    /// Indices of the epilogue operands that a region (end_tile or finish) sees.
    ::llvm::SmallVector<int64_t> getVisibleEpilogue(unsigned region);
    /// Indices of the parameters that a region sees, in the order of its arguments.
    ::llvm::SmallVector<int64_t> getVisibleParams(unsigned region);
    /// Indices of the statistics that a region sees, in the order of its arguments, which follow those of the parameters.
    ::llvm::SmallVector<int64_t> getVisibleStats(unsigned region);
    /// Number of block arguments of a region before its parameters.
    unsigned getElementCount(unsigned region);
    /// Expected block argument types of a region.
    ::llvm::SmallVector<::mlir::Type> getRegionArgumentTypes(unsigned region);
    StatAttr getStat(int64_t i) { return ::mlir::cast<StatAttr>(getStats()[i]); }
    ResultAttr getResultSpec(int64_t i) { return ::mlir::cast<ResultAttr>(getResultSpecs()[i]); }
    AxesAttr getAxesOf(::mlir::ArrayAttr axes, int64_t i) { return ::mlir::cast<AxesAttr>(axes[i]); }
    /// True for a packed bits operand: i32 words, bit c mod 32 of word c / 32 along the last axis.
    static bool isBits(::mlir::Value operand);
    /// Indices of the results of `kinds`, in order.
    ::llvm::SmallVector<int64_t> getResultsOf(::llvm::ArrayRef<ResultKind> kinds);
    /// Indices of all reductions: sum, count, tile_sum, tile_count.
    ::llvm::SmallVector<int64_t> getReductions();
    /// Replaces the op by one without the accumulators, parameters and statistics that no region uses (exported statistics stay).
    TiledMvmOp pruneUnused();
  }];
}

class Analog_DrawOp<string mnemonic, dag extra = (ins)> : Analog_Op<mnemonic, [DeclareOpInterfaceMethods<Analog_DrawOpInterface>]> {
  let description = [{
    Key `key` of the kernel, stream `stream`, both absent in analog.effect, whose uses name them; the address is the element's (row,
    column within tile, tile). `redraw` marks a draw that repeats one of the same key, stream and kind, bit for bit: here, in another
    kernel of the function or in the forward pass.
  }];
  let arguments = !con((ins DefaultValuedAttr<I64Attr, "-1">:$key /*normal_i1, uniform_i1*/,
                            DefaultValuedAttr<I64Attr, "-1">:$stream /*normal_i2, uniform_i2*/,
                            UnitAttr:$redraw /*normal_i3, uniform_i3*/), extra);
  let results = (outs F32:$result);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Key and stream of a draw of analog.effect, which has neither.
    static constexpr int64_t kUnnamed = -1;
  }];
}

def Analog_NormalOp : Analog_DrawOp<"normal", (ins DefaultValuedAttr<Analog_GaussianMapAttr, "GaussianMap::Half">:$map /*normal_i4*/)> {
  let summary = "the Gaussian draw of this element, by the map of 16 or of 32 random bits";
  let assemblyFormat = [{
    (`key` `(` $key^ `)`)? (`stream` `(` $stream^ `)`)? (`map` `` $map^)? (`redraw` $redraw^)? attr-dict `:` type($result)
  }];
}

def Analog_UniformOp : Analog_DrawOp<"uniform"> {
  let summary = "the uniform draw of this element, (word + 1/2) / 2^32";
  let assemblyFormat = "(`key` `(` $key^ `)`)? (`stream` `(` $stream^ `)`)? (`redraw` $redraw^)? attr-dict `:` type($result)";
}

def Analog_IndexOp : Analog_Op<"index", [Pure]> {
  let summary = "an index of this element: tile, row, column within the tile, or the tile's physical rows";
  let arguments = (ins Analog_IndexKindAttr:$kind /*index_i1*/);
  let results = (outs I32:$result);
  let assemblyFormat = "`` $kind attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Analog_SurrogateOp : Analog_Op<"surrogate", [RecursiveMemoryEffects, IsolatedFromAbove]> {
  let summary = "scalar code with a derivative of its own";
  let description = [{
    `value` maps the inputs (first the differentiated one, then constants and parameters) to the result and optional bits, which are
    results of the op too, so that end_tile can yield them. `derivative`
    takes the inputs after the first, then the bits if there are any, else the first input, then the incoming gradient; it yields the
    gradient of the first input, and through `reduce` the summands (f32) and counts (i1) of parameter gradients. `wrt(1, 2)` names
    the parameters by their input; `tail` maps the reduced sums and counts and the inputs after the first to their gradients, one each.
  }];
  let arguments = (ins Variadic<F32>:$inputs /*surrogate_i1*/, DefaultValuedOptionalAttr<DenseI64ArrayAttr, "{}">:$wrt /*surrogate_i2*/);
  let results = (outs F32:$result, Variadic<I1>:$saved);
  let regions = (region SizedRegion<1>:$value, SizedRegion<1>:$derivative, AnyRegion:$tail);
  let assemblyFormat = [{
    `(` $inputs `)` `` custom<Wrt>($wrt) `value` $value `derivative` $derivative (`tail` $tail^)? attr-dict `:` type(results)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = "/// True if the value region yields bits, which stand for the first input in the derivative.\nbool savesBits();";
}

def Analog_YieldOp : Analog_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments, ParentOneOf<["TiledMvmOp", "SurrogateOp", "EffectOp"]>]> {
  let summary = "results of a region: values, bits, and summands of reductions";
  let arguments = (ins Variadic<F32>:$values /*yield_i1*/, Variadic<I1>:$bits /*yield_i2*/,
                       Variadic<AnyTypeOf<[F32, I1]>>:$reductions /*yield_i3*/);
  let assemblyFormat = [{
    ($values^ `:` type($values))? (`bits` `(` $bits^ `)`)? (`reduce` `(` $reductions^ `:` type($reductions) `)`)? attr-dict
  }];
}
