# LibTorch as one imported target: torch_cpu and c10 with the wheel's (or the LibTorch archive's) headers. No CUDA toolkit is
# needed, and the same binary runs with CUDA and CPU builds of torch. MHO_TORCH_DIR is the folder that holds include/ and lib/.
set(MHO_TORCH_DIR "" CACHE PATH "Folder of LibTorch: site-packages/torch of torch 2.13.0, or an unpacked LibTorch archive")
if(NOT MHO_TORCH_DIR)
  file(GLOB _mho_torch ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  if(_mho_torch)
    list(GET _mho_torch 0 _mho_torch)
    set(MHO_TORCH_DIR ${_mho_torch} CACHE PATH "" FORCE)
  endif()
endif()
if(NOT EXISTS ${MHO_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found in '${MHO_TORCH_DIR}': run scripts/setup, or set MHO_TORCH_DIR to the folder that holds "
                      "include/ and lib/ of torch 2.13.0, or configure with -DMHO_WITH_TORCH=OFF")
endif()
add_library(mho_libtorch INTERFACE)
target_include_directories(mho_libtorch SYSTEM INTERFACE
  ${MHO_TORCH_DIR}/include ${MHO_TORCH_DIR}/include/torch/csrc/api/include)
target_link_libraries(mho_libtorch INTERFACE ${MHO_TORCH_DIR}/lib/libtorch_cpu.so ${MHO_TORCH_DIR}/lib/libc10.so)
# at::parallel_for is an inline OpenMP loop: serial without -fopenmp.
target_compile_options(mho_libtorch INTERFACE -fopenmp)
target_link_options(mho_libtorch INTERFACE -fopenmp)
