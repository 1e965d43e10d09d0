"""The recipe as conan-center-index lays it out. From a checkout:
conan create node/packaging/conan/recipes/baton/all --version 0.1.0

The library alone: the program comes from a distribution's package. In the index the source comes from the release's archive,
which conandata.yml names there."""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir

required_conan_version = ">=2.0"


class BatonConan(ConanFile):
    name = "baton"
    description = "Keeps a process's state alive when the process goes away: a brokerless, replicated map in memory"
    license = "MIT"
    topics = ("replication", "crdt", "zeromq", "handoff")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False, "zeromq/*:encryption": "libsodium"}

    def export_sources(self):
        root = os.path.normpath(os.path.join(self.recipe_folder, *[os.pardir] * 6))
        for pattern in ("CMakeLists.txt", "LICENSE", "*.md", "*.in", "crdt/*", "wire/*", "discovery/*", "node/*"):
            copy(self, pattern, root, self.export_sources_folder, excludes=("build/*", "tests/*"))

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("zeromq/4.3.5")
        self.requires("cppzmq/4.10.0")
        self.requires("libsodium/1.0.20")
        self.requires("c-ares/[>=1.27 <2]")
        self.requires("msgpack-cxx/7.0.0", transitive_headers=True)
        self.requires("xxhash/0.8.2")
        if self.options.with_program:
            self.requires("cli11/2.4.1")
            self.requires("editline/3.1")
            self.requires("libmicrohttpd/0.9.77")
            self.requires("nlohmann_json/3.11.3")

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("baton needs Linux: epoll, eventfd and netlink")

    def source(self):
        if self.conan_data and "sources" in self.conan_data:
            get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["BATON_BUILD_PROGRAM"] = False
        toolchain.cache_variables["BATON_BUILD_TESTS"] = False
        toolchain.cache_variables["BATON_BUILD_EXAMPLES"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("lib/cmake", "lib/pkgconfig", "share"):
            rmdir(self, os.path.join(self.package_folder, folder))

    def package_info(self):
        self.cpp_info.libs = ["baton"]
        self.cpp_info.set_property("cmake_file_name", "baton")
        self.cpp_info.set_property("cmake_target_name", "baton::baton")
        self.cpp_info.set_property("pkg_config_name", "baton")
        self.cpp_info.system_libs = ["pthread", "m"]
