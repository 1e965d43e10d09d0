# A CMake package as vcpkg and Conan have it: it names the library of the system.
add_library(c-ares::cares INTERFACE IMPORTED)
set_target_properties(c-ares::cares PROPERTIES INTERFACE_LINK_LIBRARIES cares)
