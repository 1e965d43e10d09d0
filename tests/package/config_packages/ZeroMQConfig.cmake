# A CMake package as vcpkg and Conan have it: it names the library of the system.
add_library(libzmq INTERFACE IMPORTED)
set_target_properties(libzmq PROPERTIES INTERFACE_LINK_LIBRARIES zmq)
