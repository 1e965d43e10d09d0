#!/usr/bin/env bash
# CLI11 2.1.2 (Debian 12: libcli11-dev 2.1.2+ds-1). Seen on 2026-11-30.
#
# Behaviour: an option with envname() takes its value from the configuration file although its variable is set, as long as
# the command line does not name the option: the file is read first, and the environment counts only for what is still
# unset. Most programs let the environment override the file. For the option of set_config() itself the variable of its
# envname() has no effect at all: the file that it names is not read.
#
# Output seen:
#   file and variable: 1
#   variable alone: 2
#   file named by its variable: 0
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libcli11-dev=2.1.2+ds-1 >/dev/null
dpkg-deb -x libcli11-dev_*.deb .
cat >port.cpp <<'SOURCE'
#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
    CLI::App app;
    int port = 0;
    app.add_option("--port", port)->envname("SAMPLE_PORT");
    app.set_config("--config")->envname("SAMPLE_CONFIG");
    CLI11_PARSE(app, argc, argv);
    std::cout << port << '\n';
}
SOURCE
g++ -std=c++17 -I usr/include port.cpp -o port
echo 'port = 1' >sample.toml
seen="file and variable: $(SAMPLE_PORT=2 ./port --config sample.toml)
variable alone: $(SAMPLE_PORT=2 ./port)
file named by its variable: $(SAMPLE_CONFIG=sample.toml ./port)"
echo "$seen"
[[ $seen == "file and variable: 1
variable alone: 2
file named by its variable: 0" ]]
