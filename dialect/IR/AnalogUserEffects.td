// Effects that are text: their definition and their use in a function of the algebra. Included by AnalogOps.td.

def Analog_EffectOp : Analog_Op<"effect", [Symbol /*effect_c1*/, IsolatedFromAbove,
                                           DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "an effect of the user's: scalar code of one element, and what it is differentiated as";
  let description = [{
    `on` says whose elements the effect maps: those of the input, of the weight, of the accumulators of a tile, or of the output, the
    sum over the tiles with the bias. Parameters are
    scales that analog.apply gives, each over some of the axes that it names here; strengths are numbers with a value, which a use may
    replace and which become scalar arguments of the fused kernel. The code is made of the scalar vocabulary (SPEC.md, "Scalar code");
    analog.normal and analog.uniform stand without key and stream, which are those of the use.

    `surrogate` is what the gradient takes the code for: `straight_through` the identity in the element; `masked` 0 where the one bit
    that the code yields is set, else the identity; `derived` the derivative of the code itself; `own` the region `derivative`, with the
    arguments and results of that of analog.surrogate. A parameter marked `learnable` has a gradient: with `own` its summands are what
    `derivative` yields through `reduce`, and `tail` makes it of their sums; with `derived` it is the sum of what the code's derivative in it
    gives.

    An effect on the tile may take further accumulators beside its element: `accumulators(%q = square * magnitude)` is the sum over the
    tile of the input's factor `square` times the weight's factor `magnitude`. `inputs(%x)` names the element that analog.mvm takes of
    the input, after all of the input's effects; `yields` names further factors, which its region makes of that element, of the
    parameters that do not vary over the other side's axis, and of the strengths. `weights(%w)` is the same for the weight. Both regions
    may draw: draws are counted in the order code, inputs, weights. `derived` takes the gradient through them, and through the regions that
    make their factors; the other surrogates take none.

    The code of an effect on the tile may yield more than one f32. The first takes the place of the element; each of the others is
    summed over the tiles by itself, and an effect on the output takes such sums beside its element: `sums(%c0, %c1)`. Neither carries
    a gradient.

    ```mlir
    // Programming noise of a ReRAM cell, which grows with the conductance.
    analog.effect @cell_noise on weight(%w) params(%a over (t, n)) strengths(%floor = 0.01, %slope = 0.3) surrogate(straight_through) {
      %absolute = math.absf %w : f32
      %level = arith.mulf %floor, %a : f32
      %sigma = math.fma %slope, %absolute, %level : f32
      %n = analog.normal : f32
      %noisy = math.fma %sigma, %n, %w : f32
      analog.yield %noisy : f32
    }

    // Read noise, whose variance is the sum of those of the cells' currents.
    analog.effect @read_noise on tile(%y) accumulators(%q = square * magnitude) strengths(%s = 0.02) surrogate(straight_through) {
      %root = math.sqrt %q : f32
      %sigma = arith.mulf %s, %root : f32
      %n = analog.normal : f32
      %noisy = math.fma %sigma, %n, %y : f32
      analog.yield %noisy : f32
    } inputs(%x) yields(square) {
      %square = arith.mulf %x, %x : f32
      analog.yield %square : f32
    } weights(%w) yields(magnitude) {
      %magnitude = math.absf %w : f32
      analog.yield %magnitude : f32
    }

    // The larger of two sums of a tile's values.
    analog.effect @two on tile(%y) surrogate(straight_through) {
      %negative = arith.negf %y : f32
      analog.yield %y, %negative : f32, f32
    }
    analog.effect @larger on output(%y) sums(%other) surrogate(straight_through) {
      %larger = arith.maximumf %y, %other : f32
      analog.yield %larger : f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name /*effect_i1*/, Analog_EffectSiteAttr:$site /*effect_i2*/, StrAttr:$element_name,
                       StrArrayAttr:$param_names /*effect_i3*/, Analog_AxesArray:$param_axes,
                       DenseI64ArrayAttr:$learnable /*effect_i4*/, StrArrayAttr:$strength_names /*effect_i5*/,
                       F32ArrayAttr:$strengths, Analog_SurrogateKindAttr:$surrogate /*effect_i6*/,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$accumulator_names /*effect_i7*/,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$accumulators,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$input_factors /*effect_i8*/,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$weight_factors /*effect_i9*/);
  let regions = (region AnyRegion:$code, AnyRegion:$derivative, AnyRegion:$tail, AnyRegion:$inputs, AnyRegion:$weights);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Axes that a parameter of the site may vary over.
    ::llvm::SmallVector<Axis> getSiteAxes();
    /// The draws of the code, in its order, then those of inputs and weights.
    ::llvm::SmallVector<DrawOpInterface> getDraws();
    /// Of a side: the names of its element and of the factors that its region yields, or nothing; the region; the parameters that it
    /// sees, which do not vary over the axis of the other side.
    ::mlir::ArrayAttr getFactorNames(Side side) { return side == Side::Lhs ? getInputFactors() : getWeightFactors(); }
    ::mlir::Region &getFactorRegion(Side side) { return side == Side::Lhs ? getInputs() : getWeights(); }
    ::llvm::SmallVector<int64_t> getFactorParams(Side side);
    /// Stream of draw `i` where a use names none: of the effect's name alone (SPEC.md N3).
    int64_t getDefaultStream(unsigned i);
    /// How many values the code yields after the first, each summed over the tiles by itself.
    unsigned getFurtherCount();
    /// How many bits the code yields.
    unsigned getBitCount();
    /// True if the bits are results of the forward kernel: those of accumulators, which backward does not have again.
    bool savesBits() { return getSite() == EffectSite::Tile && getBitCount() != 0; }
    AxesAttr getAxesOfParam(unsigned i) { return ::mlir::cast<AxesAttr>(getParamAxes()[i]); }
    ::llvm::StringRef getNameOfParam(unsigned i) { return ::mlir::cast<::mlir::StringAttr>(getParamNames()[i]).getValue(); }
    ::llvm::StringRef getNameOfStrength(unsigned i) { return ::mlir::cast<::mlir::StringAttr>(getStrengthNames()[i]).getValue(); }
  }];
}

def Analog_ApplyOp : Analog_Op<"apply", [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                         DeclareOpInterfaceMethods<Analog_EffectOpInterface,
                                             ["getEffectDraws", "getEffectName", "getSavedBitCount",
                                              "getFurtherAccumulators", "getFurtherSums", "buildFactors",
                                              "buildFurther"]>]> {
  let summary = "an effect of the user's, applied";
  let description = [{
    Maps each element of the input by the code of the effect. `params` gives its parameters in its order, each over axes among those
    that the effect names; `key` is given where it draws. `streams`, one for each draw, takes the place of those that follow from the
    effect's name; `redraw` repeats the draws of a use before this one; `strengths` replaces values of strengths. The results after the
    first are what the code of an effect on the tile yields besides; analog.accumulate sums them, and an effect on the output takes the
    sums: `sums(%s0, %s1)`.
    ```mlir
    %noisy = analog.apply @cell_noise %w params(%a over (t, n)) key(%key) strengths {slope = 0.5 : f32}
        : (tensor<256x784xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<256x784xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$effect /*apply_i1*/, Analog_F32Tensor:$input /*apply_i2*/,
                       Variadic<Analog_F32Matrix>:$sums /*apply_i8*/,
                       Variadic<Analog_F32Tensor>:$params /*apply_i3*/, Analog_AxesArray:$param_axes,
                       Optional<Analog_KeyTensor>:$key /*apply_i4*/, OptionalAttr<DenseI64ArrayAttr>:$streams /*apply_i5*/,
                       UnitAttr:$redraw /*apply_i6*/, OptionalAttr<DictionaryAttr>:$strengths /*apply_i7*/);
  let results = (outs Analog_F32Tensor:$result, Variadic<Analog_F32Planes>:$further);
  let assemblyFormat = [{
    $effect $input (`sums` `(` $sums^ `)`)? `` custom<OptionalParams>($params, $param_axes) (`key` `(` $key^ `)`)? (`streams` $streams^)? (`redraw` $redraw^)?
    (`strengths` $strengths^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The effect that the symbol names; null if there is none.
    EffectOp lookupEffect();
    /// The mvm of the function whose planes the input is, behind other effects; null if there is none.
    MvmOp findMvm();
    /// Stream of draw `i` of the effect.
    int64_t getStreamOf(EffectOp effect, unsigned i);
    /// Value of strength `i` of the effect.
    ::mlir::FloatAttr getStrengthOf(EffectOp effect, unsigned i);
  }];
}
