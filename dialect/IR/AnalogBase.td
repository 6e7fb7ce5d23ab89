// The dialect `analog`: its definition, base classes, enums and attributes.
#ifndef MHO_DIALECT_IR_ANALOGBASE_TD
#define MHO_DIALECT_IR_ANALOGBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Analog_Dialect : Dialect {
  let name = "analog";
  let cppNamespace = "::mho::analog";
  let summary = "tiled analog matrix-vector multiplication, at two levels";
  let description = [{
    The *algebra* has one value-semantic tensor op per physical effect of a crossbar layer; the crossbar tile is visible in the
    types ([T,B,O] accumulator planes). The *kernel* level has one op, `analog.tiled_mvm`, a tiled contraction with small regions
    of scalar code. What each op computes is dialect/SPEC.md.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Function attribute that holds the crossbar tiling of the algebra ops in it.
    static constexpr llvm::StringLiteral kTilingAttr = "analog.tiling";
    /// Function attribute, a unit: the input gradient contracts with the forward pass's own noisy weights, drawn again.
    static constexpr llvm::StringLiteral kNoisyBackwardAttr = "analog.noisy_backward";
    /// Argument attribute: the role of a kernel argument, e.g. "x", "weight", "range", or the name of a scalar strength.
    static constexpr llvm::StringLiteral kNameAttr = "analog.name";
    /// Argument attribute: value of a scalar strength when the caller gives none. Not part of a kernel's identity.
    static constexpr llvm::StringLiteral kValueAttr = "analog.value";
    /// Result attribute of a gradient function: the argument of the forward function that the result is the gradient of.
    static constexpr llvm::StringLiteral kGradientAttr = "analog.gradient";
  }];
}

class Analog_Op<string mnemonic, list<Trait> traits = []> : Op<Analog_Dialect, mnemonic, traits>;

class Analog_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mho::analog";
  let genSpecializedAttr = 0;
}

def Analog_TilingKind : Analog_Enum<"TilingKind", "how K rows are cut into crossbar tiles", [
    I32EnumAttrCase<"Balanced", 0, "balanced">, I32EnumAttrCase<"Fixed", 1, "fixed">]>;
def Analog_Axis : Analog_Enum<"Axis", "an axis of the contraction: tile, batch row, output, input", [
    I32EnumAttrCase<"T", 0, "t">, I32EnumAttrCase<"M", 1, "m">, I32EnumAttrCase<"N", 2, "n">, I32EnumAttrCase<"K", 3, "k">]>;
def Analog_Granularity : Analog_Enum<"Granularity", "over what a weight statistic is taken, within a tile", [
    I32EnumAttrCase<"Channel", 0, "channel">, I32EnumAttrCase<"Tensor", 1, "tensor">, I32EnumAttrCase<"Row", 2, "row">]>;
def Analog_GradientKind : Analog_Enum<"GradientKind", "surrogate gradient of a clamp", [
    I32EnumAttrCase<"Masked", 0, "masked">, I32EnumAttrCase<"StraightThrough", 1, "straight_through">]>;
def Analog_RangeGradient : Analog_Enum<"RangeGradient", "gradient of a DAC's given range", [
    I32EnumAttrCase<"SignFiltered", 0, "sign_filtered">, I32EnumAttrCase<"Paper", 1, "paper">, I32EnumAttrCase<"Lsq", 2, "lsq">]>;
def Analog_StatKind : Analog_Enum<"StatKind", "a reduction of an operand over the rows of a tile", [
    I32EnumAttrCase<"AbsMax", 0, "absmax">, I32EnumAttrCase<"Sum", 1, "sum">, I32EnumAttrCase<"Count", 2, "count">]>;
def Analog_Side : Analog_Enum<"Side", "the side of the contraction an operand is on", [
    I32EnumAttrCase<"Lhs", 0, "lhs">, I32EnumAttrCase<"Rhs", 1, "rhs">]>;
def Analog_ResultKind : Analog_Enum<"ResultKind", "what a result of tiled_mvm holds", [
    I32EnumAttrCase<"Value", 0, "value">, I32EnumAttrCase<"Stat", 1, "stat">, I32EnumAttrCase<"Bits", 2, "bits">,
    I32EnumAttrCase<"Sum", 3, "sum">, I32EnumAttrCase<"Count", 4, "count">, I32EnumAttrCase<"Planes", 5, "planes">,
    I32EnumAttrCase<"TileSum", 6, "tile_sum">, I32EnumAttrCase<"TileCount", 7, "tile_count">]>;
def Analog_IndexKind : Analog_Enum<"IndexKind", "an index of the element a region works on", [
    I32EnumAttrCase<"Tile", 0, "tile">, I32EnumAttrCase<"Row", 1, "row">, I32EnumAttrCase<"Column", 2, "column">,
    I32EnumAttrCase<"TileRows", 3, "tile_rows">]>;

def Analog_EffectSite : Analog_Enum<"EffectSite", "the elements that a user's effect maps", [
    I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Weight", 1, "weight">, I32EnumAttrCase<"Tile", 2, "tile">,
    I32EnumAttrCase<"Output", 3, "output">]>;
def Analog_SurrogateKind : Analog_Enum<"SurrogateKind", "what a user's effect is differentiated as", [
    I32EnumAttrCase<"StraightThrough", 0, "straight_through">, I32EnumAttrCase<"Masked", 1, "masked">,
    I32EnumAttrCase<"Derived", 2, "derived">, I32EnumAttrCase<"Own", 3, "own">]>;

def Analog_GaussianMap : Analog_Enum<"GaussianMap", "what a Gaussian draw is made of: 16 or 32 random bits", [
    I32EnumAttrCase<"Half", 0, "half">, I32EnumAttrCase<"Word", 1, "word">]>;

class Analog_EnumAttr<EnumAttrInfo info, string mnemonic> : EnumAttr<Analog_Dialect, info, mnemonic>;
def Analog_GranularityAttr : Analog_EnumAttr<Analog_Granularity, "granularity">;
def Analog_GradientKindAttr : Analog_EnumAttr<Analog_GradientKind, "gradient">;
def Analog_RangeGradientAttr : Analog_EnumAttr<Analog_RangeGradient, "range_gradient">;
def Analog_AxisAttr : Analog_EnumAttr<Analog_Axis, "axis">;
def Analog_EffectSiteAttr : Analog_EnumAttr<Analog_EffectSite, "site">;
def Analog_SurrogateKindAttr : Analog_EnumAttr<Analog_SurrogateKind, "surrogate_kind">;
def Analog_GaussianMapAttr : Analog_EnumAttr<Analog_GaussianMap, "gaussian">;
def Analog_IndexKindAttr : Analog_EnumAttr<Analog_IndexKind, "index_kind">;

class Analog_Attr<string name, string attrMnemonic> : AttrDef<Analog_Dialect, name> { let mnemonic = attrMnemonic; }

def Analog_TilingAttr : Analog_Attr<"Tiling", "tiling"> {
  let summary = "how K inputs are cut into crossbar tiles: the one definition used everywhere";
  let description = [{
    `balanced`: T = ceil(K / rows), the first K mod T tiles get one row more. `fixed`: every tile has `rows` physical rows, the
    last one is padded with zeros. rows <= 0: one tile. Example: `#analog.tiling<balanced, rows = 512>`.
  }];
  let parameters = (ins "TilingKind":$kind, "int64_t":$rows);
  let assemblyFormat = "`<` $kind `,` `rows` `=` $rows `>`";
  let extraClassDeclaration = [{
    /// Number of tiles T of a layer with `inputs` inputs (0 inputs: 0 tiles).
    int64_t getTileCount(int64_t inputs) const;
    /// First input of tile `tile`; of tile T: `inputs`.
    int64_t getTileBegin(int64_t inputs, int64_t tile) const;
    /// Physical rows of tile `tile`, padding included.
    int64_t getPhysicalRows(int64_t inputs, int64_t tile) const;
    /// getTileCount as arithmetic on index values.
    ::mlir::Value buildTileCount(::mlir::OpBuilder &builder, ::mlir::Location loc, ::mlir::Value inputs) const;
    /// getTileBegin as arithmetic on index values.
    ::mlir::Value buildTileBegin(::mlir::OpBuilder &builder, ::mlir::Location loc, ::mlir::Value inputs, ::mlir::Value tile) const;
    /// getPhysicalRows as arithmetic on index values.
    ::mlir::Value buildPhysicalRows(::mlir::OpBuilder &builder, ::mlir::Location loc, ::mlir::Value inputs, ::mlir::Value tile) const;
  }];
}

def Analog_AxesAttr : Analog_Attr<"Axes", "axes"> {
  let summary = "the axes an operand varies over, in the order of its dimensions: #analog.axes<t, n>, a scalar: #analog.axes<>";
  let parameters = (ins OptionalArrayRefParameter<"Axis">:$axes);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool contains(Axis axis) const { return ::llvm::is_contained(getAxes(), axis); }
    /// Every axis is one of `visible`.
    bool within(::llvm::ArrayRef<Axis> visible) const;
    /// "(t, n)"
    std::string str() const;
  }];
}

def Analog_StatAttr : Analog_Attr<"Stat", "stat"> {
  let summary = "a statistic of tiled_mvm: reduction of raw operand `operand` of a side over the rows of a tile";
  let description = "`over` is (t, r) with r the operand's row axis, or (t): then the reduction covers all rows too.";
  let parameters = (ins "StatKind":$kind, "Side":$side, "int64_t":$operand, "AxesAttr":$over);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// The text between the angle brackets, as tiled_mvm writes it in its lists.
    static ::mlir::FailureOr<StatAttr> parseBody(::mlir::AsmParser &parser);
    void printBody(::mlir::AsmPrinter &printer) const;
  }];
}

def Analog_ResultAttr : Analog_Attr<"Result", "result"> {
  let summary = "what a result of tiled_mvm holds, and the axes it varies over; for a statistic, which one";
  let parameters = (ins "ResultKind":$kind, "AxesAttr":$over, DefaultValuedParameter<"int64_t", "0">:$stat);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// The text between the angle brackets, as tiled_mvm writes it in its lists.
    static ::mlir::FailureOr<ResultAttr> parseBody(::mlir::AsmParser &parser);
    void printBody(::mlir::AsmPrinter &printer) const;
  }];
}

#endif
