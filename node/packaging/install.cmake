# What `cmake --install` puts where, by component:
#   runtime   libbaton.so.0, if it is shared
#   dev       headers, the library to link with, the CMake package, baton.pc
#   program   baton, its manual page and completions
#   docs      licence and documents
#   python    the Python package, if it was built (node/python)
# Without --component it installs all of them.
include(CMakePackageConfigHelpers)
set(baton_packaging ${PROJECT_SOURCE_DIR}/node/packaging)
set(BATON_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Where zsh finds completions")
set(baton_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/baton)

# ---- library ----

set(baton_installed baton)
if(baton_type STREQUAL SHARED_LIBRARY AND BATON_INSTALL_STATIC)
    list(APPEND baton_installed baton_static)
endif()
install(TARGETS ${baton_installed} EXPORT baton-targets
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
    ARCHIVE COMPONENT dev
    FILE_SET HEADERS COMPONENT dev)
install(EXPORT baton-targets NAMESPACE baton:: DESTINATION ${baton_cmake_dir} COMPONENT dev)
if(baton_type STREQUAL SHARED_LIBRARY) # it has found its libraries already
    set(baton_optional_dependencies libzmq libsodium libcares threads)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/baton-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/baton-config.cmake
    INSTALL_DESTINATION ${baton_cmake_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/baton-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/baton-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/baton-config-version.cmake
    DESTINATION ${baton_cmake_dir} COMPONENT dev)
install(FILES ${baton_packaging}/dependencies.cmake DESTINATION ${baton_cmake_dir} RENAME baton-dependencies.cmake
    COMPONENT dev)

# ---- baton.pc: its paths follow the file, so an installed tree can be moved ----

# What was found by pkg-config is linked as it is there, shared as a rule. Its module is not required: --static would add all
# that is below libzmq, which does not link on Debian 12 (findings/debian_zmq_static_flags_do_not_link.sh). A CMake package's
# module is required.
set(baton_requires)
set(baton_below)
foreach(library IN ITEMS zmq:libzmq sodium:libsodium cares:libcares)
    string(REGEX MATCH "^(.*):(.*)$" library ${library})
    if(baton_${CMAKE_MATCH_1}_FOUND)
        foreach(flag IN LISTS baton_${CMAKE_MATCH_1}_LDFLAGS)
            string(REGEX REPLACE "^-L" "" folder ${flag})
            if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
                string(APPEND baton_below " ${flag}")
            endif()
        endforeach()
    else()
        string(APPEND baton_requires " ${CMAKE_MATCH_2}")
    endif()
endforeach()
string(APPEND baton_below " -lstdc++ -lm -pthread")
if(baton_type STREQUAL SHARED_LIBRARY)
    set(baton_pc_links "Requires.private:${baton_requires}\nLibs: -L\${libdir} -lbaton\nLibs.private:${baton_below}")
else() # a program that links libbaton.a needs the libraries below it, also without --static
    set(baton_pc_links "Requires:${baton_requires}\nLibs: -L\${libdir} -lbaton${baton_below}")
endif()
cmake_path(IS_ABSOLUTE CMAKE_INSTALL_LIBDIR baton_libdir_is_absolute)
if(baton_libdir_is_absolute)
    set(baton_pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(baton_pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
    file(RELATIVE_PATH baton_up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
    cmake_path(APPEND baton_pc_prefix "\${pcfiledir}" ${baton_up})
    string(REGEX REPLACE "/$" "" baton_pc_prefix ${baton_pc_prefix})
    set(baton_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
configure_file(${baton_packaging}/baton.pc.in ${CMAKE_CURRENT_BINARY_DIR}/baton.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/baton.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# ---- program ----

if(BATON_BUILD_PROGRAM)
    install(TARGETS baton_program RUNTIME COMPONENT program)
    if(baton_type STREQUAL SHARED_LIBRARY AND NOT CMAKE_INSTALL_RPATH AND NOT baton_libdir_is_absolute)
        file(RELATIVE_PATH baton_to_libraries /p/${CMAKE_INSTALL_BINDIR} /p/${CMAKE_INSTALL_LIBDIR})
        set_target_properties(baton_program PROPERTIES INSTALL_RPATH "$ORIGIN/${baton_to_libraries}") # any prefix
    endif()
endif()

install(FILES ${baton_packaging}/baton.h.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
if(BATON_BUILD_PROGRAM)
    install(FILES ${baton_packaging}/baton.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
    install(FILES ${baton_packaging}/baton.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME baton COMPONENT program)
    install(FILES ${baton_packaging}/_baton DESTINATION ${BATON_ZSH_DIR} COMPONENT program)
endif()

# ---- documents ----

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/GUIDE.md
              ${PROJECT_SOURCE_DIR}/LIMITS.md ${PROJECT_SOURCE_DIR}/SECURITY.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
              ${PROJECT_SOURCE_DIR}/wire/PROTOCOL.md ${PROJECT_SOURCE_DIR}/wire/PEERS.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs)

# ---- uninstall: removes what the last installations from this build folder have listed ----

set(baton_uninstall baton_uninstall)
if(PROJECT_IS_TOP_LEVEL)
    set(baton_uninstall uninstall)
endif()
add_custom_target(${baton_uninstall} COMMAND ${CMAKE_COMMAND} -DMANIFESTS=${CMAKE_BINARY_DIR}
    -P ${baton_packaging}/uninstall.cmake)
