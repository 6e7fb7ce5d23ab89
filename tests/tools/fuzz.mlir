// A falsified result is found, and shrunk to a layer without effects and of as few elements as still has the element; the file
// runs with the command in its first line, which finds the difference again.
// RUN: rm -rf %t && not mho-fuzz --self-test --seed=3 --cases=9 --out=%t | FileCheck %s
// RUN: not sh -c "$(sed -n '1s|^// ||p' %t/case-3-[0-9].mlir)" | FileCheck %s --check-prefix=AGAIN
// CHECK: mho-fuzz: case [[CASE:[0-9]]] of seed 3 differs: {{[0-9]+x[0-9]+x[0-9]+}}, tiles of
// CHECK: mho-fuzz: shrunk to {{[0-9]+x0x[0-9]+}}, tiles of 0; in
// CHECK-NEXT: // mho-run {{.*}}case-3-[[CASE]].mlir layer
// CHECK-NEXT: func.func @layer(
// CHECK-NEXT: analog.mvm
// CHECK-NEXT: analog.accumulate
// CHECK: differs from the reference: largest difference inf of {{3[89]|4[0-9]}} elements, at element 37
// CHECK: mho-fuzz: {{[0-9]}} cases of seed 3, {{.*}}, 1 failing, done
// AGAIN: differs from the reference: largest difference inf of {{3[89]|4[0-9]}} elements, at element 37

// The same seed gives the same cases, on their own too.
// RUN: mho-fuzz --print --seed=7 --cases=3 > %t.three
// RUN: mho-fuzz --print --seed=7 --first=2 --cases=1 > %t.last
// RUN: FileCheck %s --check-prefix=PRINTED < %t.last
// PRINTED: func.func @layer(
// RUN: mho-fuzz --print --seed=8 --first=2 --cases=1 | not cmp - %t.last
// RUN: sh -c 'tail -n "$(wc -l < %t.last)" %t.three | cmp - %t.last'
// Effects of every site, of several accumulators, values and sums, with every surrogate that they may have.
// RUN: mho-fuzz --print --seed=7 --cases=200 | FileCheck %s --check-prefix=KINDS
// KINDS-DAG: on input(%e){{.*}} learnable) {{.*}}surrogate(own)
// KINDS-DAG: on weight(%e){{.*}} surrogate(derived)
// KINDS-DAG: on tile(%e) accumulators({{.*}} learnable{{.*}} surrogate(derived)
// KINDS-DAG: on tile(%e) accumulators(%a0 = l1 * {{.*}}, %a1 = {{.*}} surrogate(derived)
// KINDS-DAG: on output(%e) {{.*}}surrogate(derived)
// KINDS-DAG: on output(%e) sums(%s0, %s1{{.*}} surrogate(own)
// KINDS-DAG: {{%r[0-9]+}}:3 = analog.apply @{{.*}}
// RUN: mho-fuzz --seed=2 --cases=2 --out=%t | FileCheck %s --check-prefix=EQUAL
// EQUAL: mho-fuzz: 2 cases of seed 2, {{.*}} 0 declined, 0 failing, done
// RUN: not mho-fuzz --seed=2 --cases=1 --least=2 --out=%t | FileCheck %s --check-prefix=LEAST
// LEAST: mho-fuzz: 1 cases compared, and --least=2 asked for

// RUN: %exits 2 mho-fuzz --cases=0 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: %exits 2 mho-fuzz --fast 2>&1 | FileCheck %s --check-prefix=OPTION
// NUMBER: --cases=0: expected a whole number from 1 to
// OPTION: '--fast' is no option
