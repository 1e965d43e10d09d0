#!/usr/bin/env bash
# CLI11 2.1.2 (Debian 12: libcli11-dev 2.1.2+ds-1). Seen on 2026-11-29.
#
# Behaviour: an option of an integer type reads a number with a leading zero as octal, in the command line and in a
# configuration file alike. `--port 05671` is port 3001 without any message, and `--port 08` is an error. A program that
# pads numbers (ports, counters, dates) sets something else than it shows. Options of a floating-point type read the same
# text as decimal.
#
# Output seen:
#   --port 05671: 3001
#   port = 05671 in a file: 3001
#   --port 08: refused
#   --seconds 05671: 5671
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libcli11-dev=2.1.2+ds-1 >/dev/null
dpkg-deb -x libcli11-dev_*.deb .
cat >numbers.cpp <<'SOURCE'
#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
    CLI::App app;
    int port = -1;
    double seconds = -1;
    app.add_option("--port", port);
    app.add_option("--seconds", seconds);
    app.set_config("--config");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Error&) {
        std::cout << "refused\n";
        return 0;
    }
    std::cout << (port != -1 ? static_cast<double>(port) : seconds) << '\n';
}
SOURCE
g++ -std=c++17 -I usr/include numbers.cpp -o numbers
echo 'port = 05671' >numbers.toml
seen="--port 05671: $(./numbers --port 05671)
port = 05671 in a file: $(./numbers --config numbers.toml)
--port 08: $(./numbers --port 08)
--seconds 05671: $(./numbers --seconds 05671)"
echo "$seen"
[[ $seen == "--port 05671: 3001
port = 05671 in a file: 3001
--port 08: refused
--seconds 05671: 5671" ]]
