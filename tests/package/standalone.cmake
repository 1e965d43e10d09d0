# Installs this build, and configures, builds and runs a copy of examples/standalone, as its README says.
set(prefix ${BINARY}/prefix)
file(REMOVE_RECURSE ${prefix} ${BINARY}/copy) # what is installed no more must be missed
execute_process(COMMAND ${CMAKE_COMMAND} --install ${INSTALL_FROM} --prefix ${prefix} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(COPY ${SOURCE}/ DESTINATION ${BINARY}/copy)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${BINARY}/copy -B ${BINARY}/build -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY}/build COMMAND_ERROR_IS_FATAL ANY)
string(RANDOM cluster) # meets nobody else's example
execute_process(COMMAND ${BINARY}/build/ticket_counter tickets-${cluster} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
if(NOT printed STREQUAL "sold ticket 1\n")
    message(FATAL_ERROR "ticket_counter printed: ${printed}")
endif()
