// actions: what the program does, each from its start to its exit status.
#pragma once

#include "arguments.hpp"

#include <baton/signals.hpp>

#include <optional>
#include <string>

namespace baton::cli {

/// Runs a node until it leaves: commands from standard input, JSON lines to standard output.
int run(const arguments& given);

/// Shows the mesh live, as a node that has joined it.
int top(const arguments& given);

/// Checks a file of options; prints each fault with its line.
int check_config(const arguments& given);

/// Makes a key of a mesh.
int keygen(const arguments& given);

/// Everything else: by a client; or, where no member has a door, joins, waits until synced, acts, leaves.
int run_once(const arguments& given);
/// `stop`: set if the form goes on until a signal. The exit status of what a client has done; nullopt: there
/// is no door, or a client cannot do it.
std::optional<int> by_client(const arguments& given, const std::string& value,
                             const std::optional<stop_signals>& stop);

} // namespace baton::cli
