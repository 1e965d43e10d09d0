# Configures, builds and runs one consumer project, as a user would; with INSTALL_FROM, installs that build first.
# A second run builds again only what has changed.
set(prefix ${BINARY}/prefix)
if(INSTALL_FROM)
    file(REMOVE_RECURSE ${prefix}) # a header that is installed no more must be missed
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${INSTALL_FROM} --prefix ${prefix}
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G ${GENERATOR}
    -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}
    -DCMAKE_UNITY_BUILD=${CMAKE_UNITY_BUILD} -DCMAKE_PREFIX_PATH=${prefix} -DBATON_SOURCE=${BATON_SOURCE}
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${BINARY}/consumer COMMAND_ERROR_IS_FATAL ANY)
