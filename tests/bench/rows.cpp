// What can be measured, in the order in which it is, and the roles of child processes by name.
#include "bench.hpp"

namespace baton::bench {

const std::vector<benchmark>& benchmarks() {
    static const std::vector<benchmark> all{
        {{"visible_back_to_back", "visible_back_to_back_p99", "visible_back_to_back_redis"},
         when::always,
         run_visible_back_to_back},
        {{"visible_1ms", "visible_1ms_p99", "visible_1ms_redis"}, when::always, run_visible_paced},
        {{"watch_back_to_back", "watch_back_to_back_p99"}, when::always, run_watch_back_to_back},
        {{"watch_1ms", "watch_1ms_p99"}, when::always, run_watch_paced},
        {{"stash_copies2", "stash_copies2_p99", "stash_copies2_redis", "stash_copies2_redis_p99"},
         when::always,
         run_ack},
        {{"leave_100k"}, when::always, run_leave, 100'000},
        {{"leave_10k_fresh"}, when::always, run_leave_fresh, 10'000},
        {{"puts_100k", "puts_100k_zmq"}, when::always, run_puts, 100'000},
        {{"puts_1m", "puts_1m_zmq"}, when::not_quick, run_puts, 1'000'000},
        {{"puts_hot"}, when::always, run_puts_hot, 10'000},
        {{"puts_secure"}, when::always, run_puts_secure, 100'000},
        {{"visible_secure", "visible_secure_p99"}, when::always, run_visible_secure},
        {{"newcomer_10k"}, when::always, run_newcomer, 10'000},
        {{"newcomer_100k"}, when::always, run_newcomer, 100'000},
        {{"newcomer_1m"}, when::not_quick, run_newcomer, 1'000'000},
        {{"newcomer_1m_pickup_p999", "newcomer_1m_pickup_max"},
         when::not_quick,
         run_newcomer_pickup,
         1'000'000},
        {{"newcomer_10m"}, when::named, run_newcomer_large, 10'000'000},
        {{"repair_bytes_d1_n1e4", "repair_bytes_d100_n1e4", "repair_bytes_d10000_n1e4", "repair_trips_n1e4"},
         when::always,
         run_repair,
         10'000},
        {{"repair_bytes_d1_n1e6", "repair_bytes_d100_n1e6", "repair_bytes_d10000_n1e6", "repair_trips_n1e6"},
         when::not_quick,
         run_repair,
         1'000'000},
        {{"idle_bytes"}, when::not_quick, run_idle, 1'000'000},
        {{"join", "join_max"}, when::always, run_join},
        {{"local_pickup_100k", "local_stash_100k"}, when::always, run_local, 100'000},
        {{"local_pickup_1m", "local_stash_1m"}, when::not_quick, run_local, 1'000'000},
        {{"memory_1m"}, when::not_quick, run_memory, 1'000'000},
        {{"memory_10m"}, when::named, run_memory, 10'000'000},
        {{"remove_1m"}, when::not_quick, run_remove, 1'000'000},
        {{"spill_write", "spill_merge"}, when::not_quick, run_spill, 1'000'000},
    };
    return all;
}

const std::map<std::string, role>& roles() {
    static const std::map<std::string, role> all{
        {"node", role_node},
        {"visible_writer", role_visible_writer},
        {"visible_reader", role_visible_reader},
        {"visible_zmq_writer", role_visible_zmq_writer},
        {"visible_zmq_reader", role_visible_zmq_reader},
        {"visible_redis_writer", role_visible_redis_writer},
        {"visible_redis_reader", role_visible_redis_reader},
        {"watch_reader", role_watch_reader},
        {"ack_holder", role_ack_holder},
        {"ack_writer", role_ack_writer},
        {"ack_zmq_holder", role_ack_zmq_holder},
        {"ack_zmq_writer", role_ack_zmq_writer},
        {"ack_redis_writer", role_ack_redis_writer},
        {"leave_stayer", role_leave_stayer},
        {"leave_leaver", role_leave_leaver},
        {"puts_writer", role_puts_writer},
        {"puts_reader", role_puts_reader},
        {"puts_zmq_writer", role_puts_zmq_writer},
        {"puts_zmq_reader", role_puts_zmq_reader},
        {"newcomer", role_newcomer},
        {"spill", role_spill},
        {"repair", role_repair},
        {"join_host", role_join_host},
        {"join_guest", role_join_guest},
        {"local_node", role_local_node},
        {"local_map", role_local_map},
    };
    return all;
}

} // namespace baton::bench
