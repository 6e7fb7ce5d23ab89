# cmake -DEXAMPLE=name -DSOURCE=its-folder -DMHO_BUILD=build-tree -DWORK=scratch -DGENERATOR=.. -DCXX=.. -DCXX_FLAGS=.. -P <this>
file(REMOVE_RECURSE ${WORK})
# The source is copied away from the repository: nothing there may help it to compile.
file(COPY ${SOURCE}/ DESTINATION ${WORK}/source)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "'${ARGN}' ended with ${status}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${MHO_BUILD} --prefix ${WORK}/prefix)
run(${WORK}/prefix/bin/mho-demo --help) # an installed program finds its libraries
run(${WORK}/prefix/bin/mho-run --version)
if(EXISTS ${MHO_BUILD}/bin/mho-bench)
  run(${WORK}/prefix/bin/mho bench --help) # finds mho-bench beside it
endif()
file(GLOB license ${WORK}/prefix/share/doc/*/LICENSE)
if(NOT license)
  message(FATAL_ERROR "the licence is not installed")
endif()
foreach(internal Bridge Shapes)
  if(EXISTS ${WORK}/prefix/include/mho/frontends/torch/ops/${internal}.h)
    message(FATAL_ERROR "the internal header ops/${internal}.h is installed")
  endif()
endforeach()

# A component that does not exist is an error that names it.
file(WRITE ${WORK}/component/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(component LANGUAGES CXX)\n"
                                            "find_package(mho REQUIRED COMPONENTS torch cuda)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${WORK}/component -B ${WORK}/component/build
                        -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_COMPILER=${CXX}
                RESULT_VARIABLE status ERROR_VARIABLE message OUTPUT_QUIET)
string(REGEX REPLACE "[ \n]+" " " message "${message}")
if(status EQUAL 0 OR NOT message MATCHES "mho has no component 'cuda'; it has: torch")
  message(FATAL_ERROR "find_package(mho COMPONENTS cuda) ended with ${status}: ${message}")
endif()

run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${WORK}/source -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${CXX_FLAGS} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/${EXAMPLE})
