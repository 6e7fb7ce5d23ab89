# Language level, warnings, compiler launcher and output directories of all targets.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(MHO_CCACHE ccache)
if(MHO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MHO_CCACHE})
endif()
# g++ -fuse-ld=lld takes the first ld.lld on its path, which Debian's lld-19 does not provide by that name.
find_program(MHO_LLD ld.lld PATHS /usr/lib/llvm-19/bin NO_DEFAULT_PATH)
if(MHO_LLD)
  get_filename_component(_mho_lld_dir ${MHO_LLD} DIRECTORY)
  add_link_options(-fuse-ld=lld -B${_mho_lld_dir})
endif()

option(MHO_SANITIZE "Build with the address and undefined-behaviour sanitizers" OFF)
if(MHO_SANITIZE)
  # MLIR and torch are not instrumented, so container annotations and vptr checks across them would report what is no error.
  # So would LLVM's poisoned arenas, which MLIR fills without unpoisoning: the preset's ASAN_OPTIONS switches them off.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# What is installed finds mho's own library beside it, and LLVM and torch where the build found them.
include(GNUInstallDirs)
set(CMAKE_INSTALL_RPATH "$ORIGIN;$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

# Our numerics are defined op by op: no contraction, no fast-math, on any host code that computes them.
add_compile_options(-Wall -Wextra -Wno-unused-parameter -ffp-contract=off)
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
