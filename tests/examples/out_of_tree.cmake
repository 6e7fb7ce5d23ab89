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
run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${WORK}/source -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${CXX_FLAGS} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/${EXAMPLE})
