// The benchmarks and the roles their child processes play. rows.cpp lists them.
//
// A benchmark runs in the parent, measures ours and the reference by turns, and returns its rows. A role runs
// in a child of its own (process.hpp): it gets its settings as the first line and ends when the parent closes
// the pipe.
#pragma once

#include "plots.hpp"
#include "process.hpp"
#include "report.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace baton::bench {

struct settings {
    std::size_t rounds = 5;
    bool quick = false;
    bench::plots* plots = nullptr; ///< gets the curves of what is measured
};

enum class when : std::uint8_t {
    always,
    not_quick, ///< left out of a quick run unless it is named
    named,     ///< only when the name is given in full
};

struct benchmark {
    std::vector<std::string> rows; ///< the names of what it returns
    bench::when when;
    std::vector<row> (*run)(const benchmark& self, const settings& how);
    std::uint64_t keys = 0;
};

const std::vector<benchmark>& benchmarks();

using role = void (*)(const json& told, parent& up);
const std::map<std::string, role>& roles();

std::vector<row> run_visible_back_to_back(const benchmark& self, const settings& how);
std::vector<row> run_visible_paced(const benchmark& self, const settings& how);
std::vector<row> run_visible_secure(const benchmark& self, const settings& how);
std::vector<row> run_visible_clients(const benchmark& self, const settings& how);
std::vector<row> run_client_get(const benchmark& self, const settings& how);
std::vector<row> run_client_gets(const benchmark& self, const settings& how);
std::vector<row> run_puts_secure(const benchmark& self, const settings& how);
std::vector<row> run_watch_back_to_back(const benchmark& self, const settings& how);
std::vector<row> run_watch_paced(const benchmark& self, const settings& how);
std::vector<row> run_ack(const benchmark& self, const settings& how);
std::vector<row> run_leave(const benchmark& self, const settings& how);
std::vector<row> run_leave_fresh(const benchmark& self, const settings& how);
std::vector<row> run_puts(const benchmark& self, const settings& how);
std::vector<row> run_puts_hot(const benchmark& self, const settings& how);
std::vector<row> run_newcomer(const benchmark& self, const settings& how);
std::vector<row> run_newcomer_large(const benchmark& self, const settings& how);
std::vector<row> run_newcomer_pickup(const benchmark& self, const settings& how);
std::vector<row> run_repair(const benchmark& self, const settings& how);
std::vector<row> run_idle(const benchmark& self, const settings& how);
std::vector<row> run_join(const benchmark& self, const settings& how);
std::vector<row> run_join_lan(const benchmark& self, const settings& how);
std::vector<row> run_many(const benchmark& self, const settings& how);
std::vector<row> run_many_simulated(const benchmark& self, const settings& how);
std::vector<row> run_local(const benchmark& self, const settings& how);
std::vector<row> run_memory(const benchmark& self, const settings& how);
std::vector<row> run_spill(const benchmark& self, const settings& how);
std::vector<row> run_remove(const benchmark& self, const settings& how);

void role_node(const json& told, parent& up);
void role_visible_writer(const json& told, parent& up);
void role_visible_reader(const json& told, parent& up);
void role_visible_zmq_writer(const json& told, parent& up);
void role_visible_zmq_reader(const json& told, parent& up);
void role_visible_redis_writer(const json& told, parent& up);
void role_visible_redis_reader(const json& told, parent& up);
void role_client_get(const json& told, parent& up);
void role_client_gets(const json& told, parent& up);
void role_client_echo(const json& told, parent& up);
void role_client_echoed(const json& told, parent& up);
void role_client_crowd(const json& told, parent& up);
void role_watch_reader(const json& told, parent& up);
void role_ack_holder(const json& told, parent& up);
void role_ack_writer(const json& told, parent& up);
void role_ack_zmq_holder(const json& told, parent& up);
void role_ack_zmq_writer(const json& told, parent& up);
void role_ack_redis_writer(const json& told, parent& up);
void role_leave_stayer(const json& told, parent& up);
void role_leave_leaver(const json& told, parent& up);
void role_puts_writer(const json& told, parent& up);
void role_puts_reader(const json& told, parent& up);
void role_puts_zmq_writer(const json& told, parent& up);
void role_puts_zmq_reader(const json& told, parent& up);
void role_newcomer(const json& told, parent& up);
void role_spill(const json& told, parent& up);
void role_repair(const json& told, parent& up);
void role_join_host(const json& told, parent& up);
void role_join_guest(const json& told, parent& up);
void role_join_lan(const json& told, parent& up);
void role_zbeacon_host(const json& told, parent& up);
void role_zbeacon_guest(const json& told, parent& up);
void role_many(const json& told, parent& up);
void role_many_node(const json& told, parent& up);
void role_local_node(const json& told, parent& up);
void role_local_map(const json& told, parent& up);

/// False when the program was built without abseil; role_local_map then fails.
bool has_local_map();
/// False when it was built without CZMQ; role_zbeacon_host and role_zbeacon_guest then fail.
bool has_zbeacon();

} // namespace baton::bench
