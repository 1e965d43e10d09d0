# What an installation has: a program that starts, documents, baton.pc, components, and a way to remove it. Included by
# consume.cmake; the installation is in ${prefix}, which is not where it was made for.
function(expect what)
    if(NOT (${ARGN}))
        message(FATAL_ERROR "${what}")
    endif()
endfunction()

# files(<variable> <folder>): the files below it, as paths from there.
function(files variable folder)
    file(GLOB_RECURSE found RELATIVE ${folder} ${folder}/*)
    list(SORT found)
    set(${variable} ${found} PARENT_SCOPE)
endfunction()

# ---- program and documents ----

execute_process(COMMAND ${prefix}/bin/baton --version OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
expect("the installed program says: ${said}" said MATCHES "0\\.")
foreach(document IN ITEMS LICENSE README.md GUIDE.md LIMITS.md SECURITY.md CHANGELOG.md PROTOCOL.md)
    expect("no ${document} in share/doc/baton" EXISTS ${prefix}/share/doc/baton/${document})
endforeach()

# ---- baton.pc: pkg-config alone is enough to compile and link, also statically ----

file(GLOB_RECURSE pc ${prefix}/baton.pc)
expect("no baton.pc" pc)
cmake_path(GET pc PARENT_PATH pc_dir)
set(ENV{PKG_CONFIG_PATH} ${pc_dir})
function(pkg_config variable)
    execute_process(COMMAND pkg-config ${ARGN} baton OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set(${variable} ${flags} PARENT_SCOPE)
endfunction()
pkg_config(compile --cflags)
pkg_config(shared --libs)
pkg_config(static --libs --static)
execute_process(COMMAND pkg-config --modversion baton COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}") # of this build: the sanitizers' must be the same
set(object ${BINARY}/by_pkg_config.o)
execute_process(COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_CXX_COMPILER} ${flags} -std=c++20 ${compile}
    -c ${SOURCE}/../by_pkg_config/main.cpp -o ${object} COMMAND_ERROR_IS_FATAL ANY)
foreach(how IN ITEMS shared static)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${flags} ${object} ${${how}} -Wl,-rpath,${pc_dir}/..
        -o ${BINARY}/by_pkg_config_${how} COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${BINARY}/by_pkg_config_${how} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# ---- components: each file belongs to one ----

files(all ${prefix})
set(together)
foreach(component IN ITEMS runtime dev program docs python)
    set(folder ${BINARY}/components/${component})
    file(REMOVE_RECURSE ${folder})
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${INSTALL_FROM} --prefix ${folder} --component ${component}
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    files(${component} ${folder})
    list(APPEND together ${${component}})
endforeach()
list(SORT together)
expect("the components have other files than the whole installation:\n${together}\n${all}" together STREQUAL all)
expect("the component program lacks bin/baton" "bin/baton" IN_LIST program)
expect("the component dev lacks headers" dev MATCHES "include/baton/node.hpp")
set(outside ${runtime} ${program} ${docs} ${python})
list(FILTER outside INCLUDE REGEX "\\.(hpp|a|pc|cmake)$")
expect("outside of the component dev: ${outside}" NOT outside)

# ---- uninstall: nothing is left ----

set(build ${BINARY}/uninstall)
file(REMOVE_RECURSE ${build})
file(MAKE_DIRECTORY ${build})
file(RENAME ${prefix} ${BINARY}/prefix) # the manifest knows where it was
file(COPY ${INSTALL_FROM}/install_manifest.txt DESTINATION ${build})
execute_process(COMMAND ${CMAKE_COMMAND} -DMANIFESTS=${build} -P ${UNINSTALL} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
files(left ${BINARY}/prefix)
expect("uninstall leaves ${left}" NOT left)
foreach(folder IN ITEMS include/baton share/doc/baton)
    expect("uninstall leaves the folder ${folder}" NOT EXISTS ${BINARY}/prefix/${folder})
endforeach()
