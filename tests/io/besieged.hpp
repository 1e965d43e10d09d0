// besieged: two correct programs, in a mesh with a key or in an open one, and what an attack must not change:
// what they hold, their members, and their use of the machine.
#pragma once

#include "folder.hpp"
#include "insider.hpp"
#include "support/catch.hpp"

#include <baton/key_file.hpp>

#include <filesystem>
#include <fstream>

namespace io {

/// The allowed growth for `mib`; sanitizers keep freed memory.
inline std::size_t more_mib(std::size_t mib) {
    return static_cast<std::size_t>(static_cast<double>(mib) * slowdown());
}

/// What a process uses, as the kernel counts it.
struct usage {
    double cpu_s = 0;
    std::size_t resident_mib = 0, descriptors = 0, threads = 0;

    static usage of(pid_t pid) {
        const auto place = "/proc/" + std::to_string(pid);
        usage now;
        std::string text;
        std::getline(std::ifstream(place + "/stat"), text);
        const auto fields = text.substr(text.rfind(')') + 2); // the name before it may hold anything
        std::istringstream stat(fields);
        std::string skipped;
        for (int i = 0; i < 11; ++i) stat >> skipped;
        double user = 0, system = 0;
        stat >> user >> system;
        now.cpu_s = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
        std::size_t pages = 0, resident = 0;
        std::ifstream(place + "/statm") >> pages >> resident;
        now.resident_mib = resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) >> 20;
        now.descriptors = entries(place + "/fd");
        now.threads = entries(place + "/task");
        return now;
    }

  private:
    static std::size_t entries(const std::string& folder) {
        std::error_code ignored;
        std::size_t count = 0;
        for (auto at = std::filesystem::directory_iterator(folder, ignored);
             !ignored && at != std::filesystem::directory_iterator(); at.increment(ignored))
            ++count;
        return count;
    }
};

/// Two members of one mesh that have met and hold some state. "victim" is the one that is attacked.
class besieged {
  public:
    static constexpr int keys = 20;
    static constexpr std::size_t growth_mib_max = 32; ///< of the victim, by any of the attacks

    explicit besieged(bool with_key)
        : secret(with_key ? std::optional(key(1)) : std::nullopt)
        , victim(net.run("victim", words({"--port", std::to_string(port), "--publish-port",
                                          std::to_string(publish_port)})))
        , companion(net.run("companion", words({}))) {
        meet(victim, "victim", companion, "companion");
        for (int number = 0; number < keys; ++number)
            victim("stash " + name(number) + " value-" + std::to_string(number));
        victim("stash last value copies=2 within=10s");
        agree({&victim, &companion});
        before = usage::of(victim.pid());
    }
    /// Further arguments, with the key of the mesh.
    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
        if (!secret) return more;
        const auto file = place / "key";
        if (!std::filesystem::exists(file) && !baton::write_key_file(file, *secret))
            throw std::runtime_error("no key file");
        more.insert(more.end(), {"--key-file", file});
        return more;
    }
    /// How often the victim has refused something for reasons that contain this.
    [[nodiscard]] std::uint64_t refused(std::string_view reason) {
        std::uint64_t count = 0;
        const auto reply = victim("stats");
        for (const auto& [known, times] : reply.at("refused_by_reason").items())
            if (known.find(reason) != known.npos) count += times.get<std::uint64_t>();
        return count;
    }
    /// Checks that nothing is lost, that the other member acknowledges a new write, that no member was
    /// suspected, and that memory and processor are back within their bounds.
    void check_unharmed() {
        for (auto* each : {&victim, &companion}) {
            for (int number = 0; number < keys; ++number)
                CHECK((*each)("pickup " + name(number)).at("value") == "value-" + std::to_string(number));
            for (const auto* event : {"crashed", "left", "restarted", "name_conflict", "suspect"}) {
                CAPTURE(event);
                CHECK_FALSE(each->saw(event, each == &victim ? "companion" : "victim"));
            }
        }
        CHECK(member_named(victim, "companion").at("state") == "up");
        CHECK(member_named(companion, "victim").at("state") == "up");
        CHECK(victim("stash after the-attack copies=2 within=10s").at("met") == true);
        CHECK(companion("stash after too copies=2 within=10s").at("met") == true);
        CHECK_NOTHROW(agree({&victim, &companion}));
        CHECK(victim("stats").at("diverged") == 0);
        CHECK(usage::of(victim.pid()).resident_mib <= before.resident_mib + more_mib(growth_mib_max));
        CHECK(eventually(5s, [&] { return is_at_rest(); }));
    }

    const mesh net;
    const folder place;
    const std::optional<baton::mesh_key> secret;
    const std::uint16_t port = free_port(SOCK_STREAM), publish_port = free_port(SOCK_STREAM);
    process victim, companion;
    usage before; ///< of the victim

  private:
    static std::string name(int number) { return "key-" + std::to_string(number); }
    /// True if it uses less than a fifth of one processor over 300 ms.
    [[nodiscard]] bool is_at_rest() const {
        const auto start = usage::of(victim.pid()).cpu_s;
        const auto until = clock::now() + 300ms;
        while (clock::now() < until) poll(nullptr, 0, 20);
        return usage::of(victim.pid()).cpu_s - start < 0.06;
    }
};

} // namespace io
