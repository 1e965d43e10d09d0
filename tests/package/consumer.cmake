# The consumer program, the same in both projects: main.cpp, and one file for each public header that includes nothing
# else, so that each header stands on its own and all of them can be linked into one program.
find_package(spdlog REQUIRED) # for <baton/spdlog.hpp>; <baton/typed.hpp> needs msgpack's headers, on the usual path

get_target_property(headers baton::baton HEADER_SET)
set(sources ${CMAKE_CURRENT_LIST_DIR}/consumer.cpp)
foreach(header IN LISTS headers)
    cmake_path(GET header STEM name)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/includes_${name}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <baton/${name}.hpp>\n")
    list(APPEND sources ${source})
endforeach()
list(LENGTH headers count)
if(count LESS 6)
    message(FATAL_ERROR "the package names ${count} public headers only: ${headers}")
endif()

add_executable(consumer ${sources})
target_link_libraries(consumer PRIVATE baton::baton spdlog::spdlog)
