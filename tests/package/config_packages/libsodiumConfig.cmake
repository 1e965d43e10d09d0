# A CMake package as vcpkg and Conan have it: it names the library of the system.
add_library(libsodium::libsodium INTERFACE IMPORTED)
set_target_properties(libsodium::libsodium PROPERTIES INTERFACE_LINK_LIBRARIES sodium)
