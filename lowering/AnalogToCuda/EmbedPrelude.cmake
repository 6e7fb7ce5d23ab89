# Writes the prelude of CUDA C++ as one string constant: the files in order, tables put in where they are included.
#   cmake -DFILES=a.cuh;b.cuh -DTABLES=dir -DOUT=Prelude.cpp -P EmbedPrelude.cmake
set(text "// What all kernels of mho share: scalar code, noise, tensors, staging, reductions, loop nests.\n#pragma once\n\n")
foreach(file IN LISTS FILES)
  file(READ ${file} part)
  foreach(table IN ITEMS GaussianTable.inc GaussianWordTable.inc)
    file(READ ${TABLES}/${table} rows)
    string(REPLACE "#include \"${table}\"" "${rows}" part "${part}")
  endforeach()
  string(APPEND text "${part}\n")
endforeach()
file(WRITE ${OUT}.new "namespace mho::lowering {\nextern const char *const kCudaPrelude;\nconst char *const kCudaPrelude = R\"~~(${text})~~\";\n} // namespace mho::lowering\n")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
