include(CMakeFindDependencyMacro)
find_dependency(baton)
include(${CMAKE_CURRENT_LIST_DIR}/parent-targets.cmake)
