# Configures, builds and runs one consumer project, as a user would. With INSTALL_FROM that build is installed first, and
# installed.cmake looks at what is there. With INSTALLED the project is installed itself, and the project of that name finds
# it. A second run builds again only what has changed.
cmake_minimum_required(VERSION 3.23)
set(prefix ${BINARY}/prefix)
set(with -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}
    -DCMAKE_UNITY_BUILD=${CMAKE_UNITY_BUILD})

# built(<source> <binary> <program> [OPTION…]): configures and builds a project, and runs its program.
function(built source binary program)
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${source} -B ${binary} ${with} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${CMAKE_COMMAND} --build ${binary} COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${binary}/${program} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${prefix} ${prefix}-moved) # a header that is installed no more must be missed
if(INSTALL_FROM)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${INSTALL_FROM} --prefix ${prefix}
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    # What is installed works wherever it is moved.
    file(RENAME ${prefix} ${prefix}-moved)
    set(prefix ${prefix}-moved)
endif()
set(source)
if(BATON_SOURCE)
    set(source -DBATON_SOURCE=${BATON_SOURCE})
endif()
built(${SOURCE} ${BINARY} consumer -DCMAKE_PREFIX_PATH=${prefix} ${source})
if(INSTALL_FROM)
    include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
endif()
if(INSTALLED)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${prefix} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    built(${SOURCE}/../${INSTALLED} ${BINARY}-installed user -DCMAKE_PREFIX_PATH=${prefix})
endif()
