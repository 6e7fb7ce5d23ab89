# LLVM and MLIR 19, linked as the two shared libraries libMLIR and libLLVM only: the component targets
# (MLIRExecutionEngine and its kind) would bring a second, static MLIR into the process.
find_package(MLIR 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
# TableGen's depfiles as they are: the new policy reruns every rule at each build.
cmake_policy(SET CMP0116 OLD)
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# TableGen takes its include path from the directory.
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})

add_library(mho_mlir INTERFACE)
target_include_directories(mho_mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_link_libraries(mho_mlir INTERFACE MLIR LLVM)

# mho_tablegen(target td-file out.inc flags... [out.inc flags...]...)
function(mho_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(current "")
  set(flags "")
  foreach(word IN LISTS ARGN)
    if(word MATCHES "\\.inc$")
      if(current)
        mlir_tablegen(${current} ${flags})
      endif()
      set(current ${word})
      set(flags "")
    else()
      list(APPEND flags ${word})
    endif()
  endforeach()
  mlir_tablegen(${current} ${flags})
  add_public_tablegen_target(${target})
endfunction()

# mho_add_mlir_library(name DEPENDS tablegen-targets SOURCES files LIBS libraries): one static library of a layer.
function(mho_add_mlir_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPENDS;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC mho_mlir ${A_LIBS})
  if(A_DEPENDS)
    add_dependencies(${name} ${A_DEPENDS})
  endif()
endfunction()
