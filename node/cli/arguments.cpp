#include "arguments.hpp"

#include "parse.hpp"
#include "session.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <limits>

namespace baton::cli {
namespace {

std::string footer() {
    return R"(
Commands of `baton run`, one a line, each answered by a JSON object on one line:
)" + session::help() +
           R"(
  A leading "#ID " comes back as "id". DUR is a number and ms, s, m or h. VALUE and ELEMENT go to the end of the line;
  they, KEY, PREFIX and FIELD may be written as JSON strings in double quotes. With --hex VALUE and ELEMENT are
  hexadecimal. A key holds one type of value (stash, add, insert, set-field, enable) until it is dropped. The cut of `digest` is a list of "replica:counter". A reply with "error" changed nothing.
  End of input, SIGTERM and SIGINT mean leave; a second signal ends the leave with what it has reached.

  A key is changed in a running mesh by key-install on every node, then key-use, then key-remove of the old one; ID is
  16 hexadecimal digits, the name of a key, and KEY of key-install 64, or base64. keys-installed names the one in use first.

  A watch writes lines with "change" (put, removed, initial_done, lagged) and its PREFIX as "watch".

Exit status: 0 safe, 1 could not start (get, put, members, watch: nobody found, no such key, or output that nobody
takes), 2 usage, 3 degraded or spilled, 4 unsafe.
)";
}

template <class Duration>
void add_duration(CLI::App& app, const std::string& name, Duration& into, const std::string& text) {
    app.add_option_function<std::string>(
           name,
           [name, &into](const std::string& given) {
               const auto parsed = parse_duration(given);
               if (!parsed)
                   throw CLI::ValidationError(name,
                                              "'" + given + "' is not a duration such as 250ms, 1.5s or 1m");
               into = std::chrono::ceil<Duration>(*parsed);
           },
           text)
        ->type_name("DUR");
}

// CLI11 reads a number with a leading zero as octal: `--port 05671` would be port 3001.
template <class Number>
void add_number(CLI::App& app, const std::string& name, Number& into, const std::string& text,
                const std::string& type) {
    constexpr auto most = std::numeric_limits<Number>::max();
    app.add_option_function<std::string>(
           name,
           [name, &into](const std::string& given) {
               const auto parsed = parse_number(given, most);
               if (!parsed)
                   throw CLI::ValidationError(name, "'" + given + "' is not a whole number from 0 to " +
                                                        std::to_string(most));
               into = static_cast<Number>(*parsed);
           },
           text)
        ->type_name(type)
        ->default_str(std::to_string(into));
}

void add_network(CLI::App& app, options& node) {
    app.option_defaults()->group("Network");
    app.add_option("--name", node.name, "Shown to people; default: node- and 8 digits of the id");
    app.add_option("--cluster", node.cluster, "Nodes of other clusters are ignored")->capture_default_str();
    app.add_option("--host", node.host, "Local address to use; default: every usable interface")
        ->type_name("ADDR");
    add_number(app, "--port", node.port, "Port that others name as a seed; 0: any", "PORT");
    add_number(app, "--publish-port", node.publish_port, "Port of the delta stream; 0: any", "PORT");
    app.add_option("--seed", node.seeds, "HOST:PORT of a member to join by; repeatable")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false);
    app.add_option("--advertise", node.advertise,
                   "Where others are to dial this node, instead of where it is seen; repeatable")
        ->type_name("HOST[:PORT[/PUBLISH_PORT]]")
        ->allow_extra_args(false);
    app.add_flag_callback(
        "--no-peer-exchange", [&node] { node.exchange_peers = false; },
        "Neither tell members of one another nor heed what they tell");
    app.add_flag_callback(
        "--no-beacon", [&node] { node.beacon.enabled = false; }, "Neither announce nor listen by UDP");
    add_number(app, "--beacon-port", node.beacon.port, "UDP port of the beacon", "PORT");
    app.add_option("--group", node.beacon.group, "IPv4 multicast group of the beacon")
        ->type_name("ADDR")
        ->capture_default_str();
    app.add_option("--group-ipv6", node.beacon.group_ipv6,
                   "IPv6 multicast group of the beacon, of link-local scope")
        ->type_name("ADDR")
        ->capture_default_str();
    app.add_option("--interface", node.beacon.interfaces, "Network interface for the beacon; repeatable")
        ->type_name("IF")
        ->allow_extra_args(false);
    app.add_option("--exclude-interface", node.beacon.interfaces_excluded,
                   "Network interface not to use; repeatable")
        ->type_name("IF")
        ->allow_extra_args(false);
    add_number(app, "--chunk-bytes", node.limits.chunk_bytes_max, "Size of one piece of a full state", "N");
    add_duration(app, "--redial-for", node.liveness.redial_for,
                 "How long the address of a crashed member is dialled; default: 6h");
    add_duration(app, "--leave-within", node.leave_within, "Deadline of a leave; default: 25s");
    app.add_option("--key-file", node.security.key_file,
                   "Keys of the mesh, a file that only its owner can read; default: an open mesh")
        ->type_name("FILE");
    app.add_option("--spill-dir", node.spill_dir,
                   "Folder for the whole state when nobody takes over, and to come back from")
        ->type_name("DIR");
    app.add_flag("--spill-dir-optional", node.spill_dir_optional,
                 "Start also where the folder of --spill-dir cannot be used");
    app.add_flag("--keep-spills", node.keep_spills,
                 "Keep a file of --spill-dir until a later one is there in its place");
    app.add_flag("--accept-keyless-spills", node.accept_keyless_spills,
                 "With a key: merge files of --spill-dir that no key has sealed");
    add_duration(app, "--alone-after", node.alone_after,
                 "With --spill-dir: go on without others after; default: 5s");
}

} // namespace

std::variant<arguments, int> parse_arguments(int argc, const char* const* argv) {
    arguments given;
    CLI::App app{
        "One member of a baton mesh: a replicated map in memory, handed over when a process goes away.",
        "baton"};
    app.footer(footer());
    app.set_version_flag("--version", "baton " BATON_VERSION);
    app.set_config("--config", "", "Read options from a file of NAME = VALUE lines (TOML)")
        ->type_name("FILE");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.require_subcommand(1);
    app.fallthrough(); // options may stand before or after the action, and mean the same in the file
    add_network(app, given.node);
    app.option_defaults()->group("Options");
    add_duration(app, "--within", given.within,
                 "get, put, members, watch: how long to look for the mesh; default: 5s");
    app.add_flag("--hex", given.hex, "Values are hexadecimal digits");
    app.add_flag("-v,--verbose", given.verbose,
                 "Log everything to standard error, not only warnings and errors");

    const auto action_of = [&](const std::string& name, action what, const std::string& text) {
        auto* sub = app.add_subcommand(name, text);
        sub->set_help_flag(); // the one page of help says it all
        sub->callback([&given, what] { given.what = what; });
        return sub;
    };
    action_of("run", action::run, "Be a member until told to leave; commands on stdin, JSON lines on stdout");
    auto* get = action_of("get", action::get, "KEY: join, print its value, leave");
    get->add_option("KEY", given.key)->required();
    auto* put =
        action_of("put", action::put, "KEY VALUE: join, stash, leave; the exit status says how safe it is");
    put->add_option("KEY", given.key)->required();
    put->add_option("VALUE", given.value)->required();
    action_of("members", action::members, "Join, print every other member as a JSON line, leave");
    auto* watch =
        action_of("watch", action::watch,
                  "PREFIX: join, print what is under it and each change as a JSON line, until a signal");
    watch->add_option("PREFIX", given.key)->required();

    auto* keygen = action_of("keygen", action::keygen,
                             "[FILE]: make a key, in a new file of mode 0600, or on standard output");
    keygen->add_option("FILE", given.key);

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.get_formatter()->make_help(&app, "baton", CLI::AppFormatMode::Normal);
        return 0;
    } catch (const CLI::CallForVersion& version) {
        std::cout << version.what() << '\n';
        return 0;
    } catch (const CLI::ParseError& fault) {
        std::cerr << "baton: " << fault.what() << "\nRun baton --help for more information.\n";
        return 2;
    }
    given.node.log = log_to_stderr(given.verbose);
    return given;
}

} // namespace baton::cli
