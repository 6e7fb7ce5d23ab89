# Install rules and the package config: after `cmake --install build --prefix P`, another project writes
#
#   find_package(mho REQUIRED)                      # with P in CMAKE_PREFIX_PATH
#   target_link_libraries(program PRIVATE mho::torch)
#
# The package is written by hand, not exported: mho::torch is one shared library that holds all layers below it, and its users
# need of it that library, the headers and LibTorch only. They do not need LLVM's headers or CMake files.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# CMake leaves folders of the source tree out of an installed RPATH, and .venv with its LibTorch is one.
foreach(target mho mho-fuzz mho-opt mho-run mho-translate mho-demo mho-bench mho_torch)
  if(TARGET ${target})
    if(MHO_WITH_TORCH)
      set_property(TARGET ${target} APPEND PROPERTY INSTALL_RPATH ${MHO_TORCH_DIR}/lib)
    endif()
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TARGET mho_torch)
  # Includes are written from the root of the repository ("frontends/torch/..."), so that root is include/mho here.
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/frontends/torch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mho/frontends
          FILES_MATCHING PATTERN "*.h" PATTERN "ops/Bridge.h" EXCLUDE PATTERN "ops/LaunchPlace.h" EXCLUDE PATTERN "ops/Shapes.h" EXCLUDE) # internal
  foreach(header EffectText EffectUse LaunchContext LinearSpec Linear TensorRef Status)
    install(FILES ${PROJECT_SOURCE_DIR}/runtime/${header}.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mho/runtime)
  endforeach()

  set(_mho_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mho)
  set(_mho_library ${CMAKE_INSTALL_LIBDIR}/$<TARGET_FILE_NAME:mho_torch>)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mhoConfig.cmake.in ${PROJECT_BINARY_DIR}/mhoConfig.cmake.gen
                                INSTALL_DESTINATION ${_mho_package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/package/mhoConfig.cmake INPUT ${PROJECT_BINARY_DIR}/mhoConfig.cmake.gen)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/mhoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/mhoConfig.cmake ${PROJECT_BINARY_DIR}/package/mhoConfigVersion.cmake
          DESTINATION ${_mho_package_dir})
endif()
