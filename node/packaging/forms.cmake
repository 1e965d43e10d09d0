# The library has two forms, made of the same objects. `baton` is the one that BUILD_SHARED_LIBS asks for, static by default.
# The other is baton_shared or baton_static; under both names there is always a target.
#   baton_static   for tests of internals, which the shared form does not export
#   baton_shared   libbaton.so.0, which exports what is marked BATON_API
# Included after the target `baton` is complete.

# baton_form(<name> <type>): the other form.
function(baton_form name type)
    add_library(${name} ${type} $<TARGET_OBJECTS:baton> ${baton_layer_objects})
    set_target_properties(${name} PROPERTIES OUTPUT_NAME baton LINKER_LANGUAGE CXX)
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_include_directories(${name} INTERFACE
        $<BUILD_INTERFACE:$<TARGET_PROPERTY:baton,INTERFACE_INCLUDE_DIRECTORIES>>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${name} PRIVATE ${baton_links} INTERFACE baton::msgpack)
endfunction()

get_target_property(baton_type baton TYPE)
if(baton_type STREQUAL SHARED_LIBRARY)
    add_library(baton_shared ALIAS baton)
    baton_form(baton_static STATIC)
    set(baton_so baton)
    if(NOT BATON_BUILD_TESTS AND NOT BATON_INSTALL_STATIC)
        set_target_properties(baton_static PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
else()
    add_library(baton_static ALIAS baton)
    baton_form(baton_shared SHARED)
    set(baton_so baton_shared)
    if(NOT BATON_BUILD_TESTS)
        set_target_properties(baton_shared PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endif()
set_target_properties(${baton_so} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
# Templates of the standard library are visible whatever the compiler's options say: the linker hides these, too, and gives the
# symbols of C their version.
if(NOT APPLE)
    set(baton_map ${CMAKE_CURRENT_SOURCE_DIR}/packaging/exports.map)
    target_link_options(${baton_so} PRIVATE "LINKER:--version-script=${baton_map}")
    set_target_properties(${baton_so} PROPERTIES LINK_DEPENDS ${baton_map})
endif()
