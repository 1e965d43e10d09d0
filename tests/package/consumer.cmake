# The consumer program, the same in both projects: main.cpp, and one file for each public header, so that each header
# stands on its own and all of them can be linked into one program. The file includes the header and nothing else but what
# the example at the header's head includes, and it has this example: the lines that begin with "//     ".
find_package(spdlog REQUIRED) # for <baton/spdlog.hpp>; <baton/typed.hpp> needs msgpack's headers, on the usual path

get_target_property(headers baton::baton HEADER_SET)
set(sources ${CMAKE_CURRENT_LIST_DIR}/consumer.cpp)
foreach(header IN LISTS headers)
    cmake_path(GET header STEM name)
    cmake_path(GET header FILENAME file)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/includes_${name}.cpp)
    file(READ ${header} text)
    string(FIND "${text}" "#pragma once" end)
    string(SUBSTRING "${text}" 0 ${end} example)
    string(REGEX MATCHALL "\n//     #include [^\n]*" includes "${example}")
    string(REGEX REPLACE ";?\n//     " "\n" includes "${includes}") # of a list, one text
    string(REPLACE "\n//     #include " "\n// " example "${example}")
    string(REPLACE "\n//     " "\n" example "${example}")
    file(WRITE ${source} "#include <baton/${file}>${includes}\n\nnamespace example_${name} {\n${example}}\n")
    list(APPEND sources ${source})
endforeach()
list(LENGTH headers count)
if(count LESS 6)
    message(FATAL_ERROR "the package names ${count} public headers only: ${headers}")
endif()

add_executable(consumer ${sources})
target_link_libraries(consumer PRIVATE baton::baton spdlog::spdlog)
