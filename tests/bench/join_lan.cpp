// join_lan: start of a second node → `joined` on both, by broadcast on an Ethernet interface; beside the
// beacon of CZMQ (zbeacon) at the interval of Zyre, which is built on it: from before the second beacon is
// made until both have heard each other. In a network of their own. Every start is a process of its own, at a
// random moment of the interval.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "own_network.hpp"

#ifdef BATON_BENCH_HAS_CZMQ
#include <czmq.h>
#endif
#include <sys/socket.h>

#include <random>

namespace baton::bench {

namespace {

constexpr int interval_ms = 1000; // zyre_set_interval: "every 1,000 msecs"

/// Until the one that was there knows of the newcomer, and until both know of each other.
struct meeting {
    double one_way = 0, both = 0;
};

meeting meet(child& host, const std::string& role, const json& told) {
    child guest{role, told};
    const auto there = guest.hear();
    auto here = host.hear();
    while (here["id"] != there["id"]) here = host.hear();
    guest.tell("leave");
    guest.finish();
    const std::int64_t start = there["start"], on_guest = there["joined"], on_host = here["joined"];
    return {static_cast<double>(on_host - start) / 1e6,
            static_cast<double>(std::max(on_guest, on_host) - start) / 1e6};
}

} // namespace

#ifdef BATON_BENCH_HAS_CZMQ
bool has_zbeacon() { return true; }

namespace {

std::string zbeacon_name() {
    int major = 0, minor = 0, patch = 0;
    zsys_version(&major, &minor, &patch);
    return "zbeacon of CZMQ " + std::to_string(major) + "." + std::to_string(minor) + "." +
           std::to_string(patch);
}

/// A beacon that says `id` and hears all others.
class beacon {
  public:
    beacon(const json& told, const std::string& id) {
        zsys_handler_set(nullptr);
        zsys_set_interface(told["interface"].get<std::string>().c_str());
        actor_ = zactor_new(zbeacon, nullptr);
        zsock_send(actor_, "si", "CONFIGURE", told["port"].get<int>());
        char* host = zstr_recv(actor_);
        const bool usable = host != nullptr && *host != '\0';
        zstr_free(&host);
        if (!usable) throw std::runtime_error("zbeacon finds no interface");
        zsock_send(actor_, "sb", "SUBSCRIBE", "", std::size_t{0});
        zsock_send(actor_, "sbi", "PUBLISH", id.data(), id.size(), interval_ms);
    }
    ~beacon() { zactor_destroy(&actor_); }
    beacon(const beacon&) = delete;
    beacon& operator=(const beacon&) = delete;
    /// Blocks for the next one heard.
    std::string hear() {
        char* from = zstr_recv(actor_);
        zframe_t* said = zframe_recv(actor_);
        std::string id{reinterpret_cast<const char*>(zframe_data(said)), zframe_size(said)};
        zframe_destroy(&said);
        zstr_free(&from);
        return id;
    }

  private:
    zactor_t* actor_;
};

} // namespace

void role_zbeacon_host(const json& told, parent& up) {
    beacon self{told, "host"};
    up.tell("ready");
    for (std::string id, last;; last = id) { // until the parent kills it
        id = self.hear();
        if (id != last) up.tell({{"joined", now_ns()}, {"id", id}});
    }
}

void role_zbeacon_guest(const json& told, parent& up) {
    const auto id = "guest-" + std::to_string(getpid());
    const auto start = now_ns();
    beacon self{told, id};
    while (self.hear() != "host") {
    }
    up.tell({{"start", start}, {"joined", now_ns()}, {"id", id}});
    up.hear();
}
#else
bool has_zbeacon() { return false; }

namespace {
std::string zbeacon_name() { return "libczmq-dev not installed"; }
} // namespace

void role_zbeacon_host(const json&, parent&) { throw std::runtime_error(zbeacon_name()); }
void role_zbeacon_guest(const json&, parent&) { throw std::runtime_error(zbeacon_name()); }
#endif

std::vector<row> run_join_lan(const benchmark& self, const settings& how) {
    const std::size_t starts = how.quick ? 5 : std::max<std::size_t>(20, how.rounds);
    rounds both, one_way;
    child network{"join_lan", {{"starts", starts}}};
    for (std::size_t i = 0; i < starts; ++i) {
        const auto got = network.hear();
        both.ours.push_back(got["ours"]);
        one_way.ours.push_back(got["ours_one_way"]);
        progress(self.rows[0], i, figure(both.ours.back()) + " ms");
        if (!has_zbeacon()) continue;
        both.reference.push_back(got["reference"]);
        one_way.reference.push_back(got["reference_one_way"]);
    }
    const auto name = zbeacon_name() + (has_zbeacon() ? ", every 1 s" : "");
    auto met = summarise(self.rows[0], "ms", both, name, {});
    met.note += "; until both know of each other, median of " + std::to_string(starts);
    auto heard = summarise(self.rows[1], "ms", one_way, name, {});
    heard.note += "; until the one that was there knows of the newcomer: ours has shaken hands by then";
    return {met, heard};
}

void role_join_lan(const json& told, parent& up) {
    if (!enter_own_network()) throw std::runtime_error("needs a network namespace");
    auto ours = mesh_settings();
    ours["host"] = add_broadcast_interface("bench0");
    ours["beacon_port"] = free_port(SOCK_DGRAM);
    const json theirs{{"interface", "bench0"}, {"port", free_port(SOCK_DGRAM)}};
    child host{"join_host", ours};
    host.hear();
    std::unique_ptr<child> beacon_host;
    if (has_zbeacon()) {
        beacon_host = std::make_unique<child>("zbeacon_host", theirs);
        beacon_host->hear();
    }
    std::minstd_rand luck{1};
    for (std::size_t i = 0; i < told["starts"]; ++i) {
        sleep_for_us(static_cast<std::int64_t>(luck() % (interval_ms * 1000)));
        const auto met = meet(host, "join_guest", ours);
        json got{{"ours", met.both}, {"ours_one_way", met.one_way}};
        if (beacon_host) {
            const auto heard = meet(*beacon_host, "zbeacon_guest", theirs);
            got["reference"] = heard.both;
            got["reference_one_way"] = heard.one_way;
        }
        up.tell(got);
    }
}

} // namespace baton::bench
