# Where baton finds its libraries: in CMake packages where pkg-config knows none, and nowhere, which is said in one sentence.
# Configures the project `defaults`, builds nothing.
set(ENV{PKG_CONFIG_LIBDIR} ${BINARY}/none)
set(ENV{PKG_CONFIG_PATH})
function(configure variable)
    file(REMOVE_RECURSE ${BINARY})
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/defaults -B ${BINARY} -G ${GENERATOR}
        -DBATON_SOURCE=${BATON_SOURCE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} ${ARGN}
        RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
    set(${variable} "${status}\n${said}" PARENT_SCOPE)
endfunction()

configure(said -DCMAKE_PREFIX_PATH=${SOURCE}/config_packages)
if(NOT said MATCHES "^0\n")
    message(FATAL_ERROR "with CMake packages and no pkg-config: ${said}")
endif()
configure(said -DCMAKE_PREFIX_PATH=)
if(said MATCHES "^0\n" OR NOT said MATCHES "baton needs[ \n]+libzmq;libsodium;libcares")
    message(FATAL_ERROR "without packages: ${said}")
endif()
