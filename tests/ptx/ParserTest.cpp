// What the parser and the decoder take, and what they refuse, with line and text.
#include "runtime/Ptx/Parser.h"
#include "runtime/Ptx/Module.h"
#include "tests/ptx/Kernel.h"

#include <fstream>
#include <iterator>

namespace mho::ptx {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string entry(const std::string &body) {
  return ".version 8.5\n.target sm_80\n.address_size 64\n.visible .entry kernel(.param .u64 p0)\n{\n.reg .pred p, "
         "q;\n.reg .b16 h<4>;\n.reg .b32 r<8>;\n.reg .f32 f<8>;\n.reg .b64 d<8>;\n" +
         body + "\nret;\n}\n";
}
constexpr int kBodyLine = 11;

std::string messageOf(const std::string &text) {
  auto module = Module::parse(text);
  return module ? "" : module.message();
}

TEST(Parser, UnknownInstruction) {
  EXPECT_EQ(messageOf(entry("mov.u32 r0, 1;\nfoo.b32 r0, r1;")),
            "line 12: unknown instruction 'foo', in 'foo.b32 r0, r1;'");
  EXPECT_THAT(messageOf(entry("call.uni (r0), f, (r1);")), HasSubstr("unknown instruction 'call'"));
  EXPECT_THAT(messageOf(entry("brx.idx r0, table;")), HasSubstr("unknown instruction 'brx'"));
}

TEST(Parser, UnknownFormsAreRefused) {
  for (const char *text : {
           "add.foo.u32 r0, r1, r2;",
           "add.u32.sat r0, r1, r2;",
           "add.sat.u32 r0, r1, r2;",
           "add.rn.u32 r0, r1, r2;",
           "add.rna.f32 f0, f1, f2;",
           "fma.f32 f0, f1, f2, f3;",
           "div.f32 f0, f1, f2;",
           "sqrt.f32 f0, f1;",
           "add.ftz.f64 d0, d1, d2;",
           "min.xorsign.abs.f32 f0, f1, f2;",
           "mul.u32 r0, r1, r2;",
           "mad.hi.sat.s32 r0, r1, r2, r3;",
           "mad.lo.cc.s16 h0, h1, h2, h3;",
           "sin.f32 f0, f1;",
           "cvt.f32.s32 f0, r1;",
           "cvt.rn.s32.s64 r0, d1;",
           "cvt.rn.f32.f16 f0, h1;",
           "cvt.rna.f16.f32 h0, f1;",
           "cvt.rn.satfinite.e4m3x2.f32 h0, f1, f2;",
           "setp.lt.b32 p, r1, r2;",
           "setp.ltu.s32 p, r1, r2;",
           "setp.lo.s32 p, r1, r2;",
           "shfl.down.b32 r0, r1, 1, 31;",
           "vote.all.pred p, q;",
           "ld.global.v8.f32 {f0,f1,f2,f3,f4,f5,f6,f7}, [d0];",
           "ld.global.v4.u64 {d0,d1,d2,d3}, [d4];",
           "ld.shared::cluster.u32 r0, [r1];",
           "st.const.u32 [d0], r1;",
           "atom.global.add.f16x2 r0, [d0], r1;",
           "atom.local.add.u32 r0, [d0], r1;",
           "red.global.cas.b32 [d0], r1, r2;",
           "cp.async.bulk.shared.global [r0], [d0], r1;",
           "cp.async.cg.shared.global [r0], [d0], 8;",
           "cp.async.ca.shared.global [r0], [d0], 5;",
           "ldmatrix.sync.aligned.m16n16.x1.shared.b8 {r0}, [r1];",
           "ldmatrix.sync.aligned.m8n8.x3.shared.b16 {r0,r1,r2}, [r3];",
           "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {f0,f1,f2,f3}, {r0,r1}, {r2}, {f0,f1,f2,f3};",
           "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {f0,f1,f2,f3}, {r0,r1,r2,r3}, {r4,r5}, {f0,f1,f2,f3};",
           "mma.sync.aligned.m16n8k16.col.row.f32.f16.f16.f32 {f0,f1,f2,f3}, {r0,r1,r2,r3}, {r4,r5}, {f0,f1,f2,f3};",
           "mma.sync.aligned.m16n8k8.row.col.s32.s8.s8.s32 {r0,r1,r2,r3}, {r4,r5}, {r6}, {r0,r1,r2,r3};",
           "bar.arrive 0, 64;",
           "barrier.cluster.arrive;",
           "lop3.b32 r0, r1, r2, r3, 256;",
           "prmt.b32.foo r0, r1, r2, r3;",
           "bfe.b32 r0, r1, r2, r3;",
           "mov.b128 d0, d1;",
           "membar.foo;",
           "wgmma.fence;",
           "fma.rn.relu.f32 f0, f1, f2, f3;",
           "isspacep.const p, d0;",
           "mov.u32 r0, %clock;",
       }) {
    std::string message = messageOf(entry(text));
    EXPECT_THAT(message, AllOf(HasSubstr("line " + std::to_string(kBodyLine) + ": "), HasSubstr("in '"))) << text;
  }
}

TEST(Parser, OperandsMustFit) {
  for (auto [text, what] : {std::pair{"add.u32 r0, r1;", "2 operands where 3"},
                            {"add.u32 r0, r1, d2;", "register 'd2' of type .b64 as a value of type .u32"},
                            {"add.u32 r0, r1, x;", "unknown name 'x'"},
                            {"add.u32 1, r1, r2;", "a result that is no register"},
                            {"add.u32 r0, r1, 0x100000000;", "no value of type .u32"},
                            {"@r0 mov.u32 r1, r2;", "'r0' is no predicate"},
                            {"selp.u32 r0, r1, r2, r3;", "no predicate"},
                            {"bra nowhere;", "no such label"},
                            {"ld.param.u32 r0, [nothing];", "unknown name 'nothing'"},
                            {"ld.shared.u32 r0, [p0];", "'p0' lies in the space .param"},
                            {"ld.global.u32 r0, [r1];", "an address of 32 bits"},
                            {"ld.global.v2.u32 {r0}, [d0];", "no vector of 2"},
                            {"mov.b64 d0, {r0, r1, r2};", "a vector of 3"},
                            {"mov.u32 r0, r1", "expected ',' or ';' before 'ret'"},
                            {"add.f32 f0, f1, 1;", "no value of type .f32"},
                            {"mov.u32 r0, r99;", "unknown name 'r99'"}})
    EXPECT_THAT(messageOf(entry(text)), HasSubstr(what)) << text;
}

TEST(Parser, ModulesMustFit) {
  for (auto [text, what] :
       {std::pair{"", "no .version"},
        {"int main() {}", "line 1"},
        {".version 8.5\n.target sm_80\n.address_size 32\n", "line 3: addresses of another size"},
        {".version 8.5\n/* open", "line 2: a comment"},
        {".version 8.5\n.foo x;", "line 2: a directive that is not known"},
        {".version 8.5\n.entry k()\n{\n", "line 2: the body of 'k' does not end"},
        {".version 8.5\n.entry k() { a: a: ret; }", "occurs twice"},
        {".version 8.5\n.entry k() { .reg .b32 x; .reg .b32 x; }", "declared twice"},
        {".version 8.5\n.global .b32 x[2] = {1, 2, 3};", "more initial values"},
        {".version 8.5\n.shared .b8 x[];", "impossible size"},
        {".version 8.5\n.entry k() { .local .b8 x[600000]; ret; }", "bytes of local memory per thread"},
        {".version 8.5\n.entry k() .foo { }", "'.foo' is not known for an entry"},
        {".version 8.5\n.entry k() { ret; }\n.entry k() { ret; }", "line 3: entry 'k' occurs twice"}})
    EXPECT_THAT(messageOf(text), HasSubstr(what)) << text;
}

TEST(Parser, TakesWhatCompilersWrite) {
  std::string text = R"(//
.version 8.5
.target sm_80, debug
.address_size 64
.file 1 "a b.cu"
.extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);
.global .align 4 .f32 numbers[3] = {0f3F800000, 2.5, -1.0};
.global .align 1 .b8 text[4] = {104, 105, 0};
.extern .shared .align 16 .b8 dynamic[];
.func (.param .b32 out) helper(.param .b32 in) { .reg .b32 x; ret; }
.visible .entry kernel(.param .u64 .ptr .global .align 16 result, .param .align 8 .b8 bytes[12])
.maxntid 64, 1, 1
.minnctapersm 2
{
  .reg .b32 %r<4>; .reg .b64 %rd<3>; .reg .pred %p<2>;
  .pragma "nounroll";
  .loc 1 7 3, function_name $L__info, inlined_at 1 9 1
  ld.param.u64 %rd0, [ result + 0 ];
  { .reg .b32 %r0; .reg .pred p; mov.u32 %r0, 40; bra $inner; mov.u32 %r0, 0; $inner: add.u32 %r1, %r0, 0b10; }
  { .reg .b32 %r0; mov.u32 %r0, 017; bra $inner; $inner: add.u32 %r1, %r1, %r0; }
  ld.param.u32 %r2, [bytes+8];
  add.u32 %r1, %r1, %r2;
  st.global.u32 [%rd0+-0], %r1;
  mov.u64 %rd1, numbers+4;
  ld.global.b32 %r3, [%rd1];
  st.global.u32 [ %rd0 + 4 ], %r3;
}
.section .debug_str { .b8 65, 0 }
)";
  std::vector<uint32_t> out(2);
  struct {
    uint32_t words[3];
  } bytes{{1, 2, 1000}};
  Report report = KernelRun(text).buffer(out).value(bytes).block({1})();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out[0], 42u + 15u + 1000u);
  EXPECT_EQ(out[1], 0x40200000u);
  EXPECT_EQ(report.lines[0].place.source, "a b.cu:7");
}

TEST(Parser, ThePageNamesEveryInstruction) {
  std::ifstream file(std::string(MHO_DOCS) + "/ptx.md");
  std::string page((std::istreambuf_iterator<char>(file)), {});
  for (const std::string &opcode : knownOpcodes())
    EXPECT_THAT(page, testing::ContainsRegex("\\b" + opcode + "\\b")) << opcode;
}

TEST(Launch, RefusesWhatDoesNotFit) {
  auto module = Module::parse(
      ".version 8.5\n.target sm_80\n.visible .entry k(.param .u64 a, .param .u32 n) .reqntid 32, 2, 1 { ret; }");
  ASSERT_TRUE(module) << module.message();
  Arguments good, few, wrong;
  good.add(uint64_t(0)).add(1);
  few.add(uint64_t(0));
  wrong.add(uint64_t(0)).add(uint64_t(0));
  auto messageFor = [&](const char *kernel, Dim grid, Dim block, int64_t shared, const Arguments &arguments) {
    auto report = module->launch(kernel, grid, block, shared, arguments, Memory());
    return report ? "" : report.message();
  };
  EXPECT_EQ(messageFor("k", {1}, {32, 2}, 0, good), "");
  EXPECT_EQ(messageFor("j", {1}, {32, 2}, 0, good), "no entry 'j'; there are: k");
  EXPECT_THAT(messageFor("k", {1}, {32}, 0, good), HasSubstr("requires 32 x 2 x 1"));
  EXPECT_THAT(messageFor("k", {1}, {2048}, 0, good), HasSubstr("expected 1 to 1024"));
  EXPECT_THAT(messageFor("k", {1, 70000}, {32, 2}, 0, good), HasSubstr("a grid of"));
  EXPECT_THAT(messageFor("k", {1}, {32, 2}, 300000, good), HasSubstr("bytes of shared memory"));
  EXPECT_EQ(messageFor("k", {1}, {32, 2}, 0, few), "'k' has 2 parameters and got 1 arguments");
  EXPECT_THAT(messageFor("k", {1}, {32, 2}, 0, wrong), HasSubstr("parameter 'n' of 'k' has 4 bytes"));
}

} // namespace
} // namespace mho::ptx
