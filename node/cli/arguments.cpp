#include "arguments.hpp"

#include "config.hpp"
#include "parse.hpp"
#include "session.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace baton::cli {
namespace {

std::string commands_page() {
    return R"(
Commands of `baton run`, one a line, each answered by a JSON object on one line:
)" + session::page() +
           R"(
  A leading "#ID " comes back as "id". DUR is a number and ms, s, m or h. VALUE and ELEMENT go to the end of the line;
  they, KEY, PREFIX and FIELD may be written as JSON strings in double quotes. With --hex VALUE and ELEMENT are
  hexadecimal. A key holds one type of value (stash, add, insert, set-field, enable) until it is dropped. The cut of
  `digest` is a list of "replica:counter". A reply with "error" changed nothing.
  Words at the end of a stash that look like its options are options, and the reply lists them. All after KEY -- is VALUE.
  Bytes that are not UTF-8 are replied in base64: "value" is null, and "value_base64" has them; likewise "key_base64",
  "element_base64" and so on, and {"base64":…} in lists. KEY, PREFIX, FIELD and ELEMENT may be typed so: base64:/wA=
  End of input, SIGTERM and SIGINT mean leave; a second signal ends the leave with what it has reached. With --leave-now
  they mean `leave now`, which stops a whole mesh without waiting for a successor.

  To change the key of a running mesh: key-install on every node, then key-use, then key-remove of the old key. ID is the
  name of a key, 16 hexadecimal digits. KEY of key-install is 64 hexadecimal digits, or base64.

  A watch writes lines with "change" (put, removed, initial_done, lagged) and its PREFIX as "watch".

)";
}

constexpr const char* statuses = R"(
Exit status: 0 safe, 1 could not start (get, put, members, watch, top: no member found, no such key, or output that no
reader accepts), 2 usage, 3 degraded or spilled, 4 unsafe, or the node has failed.
)";

/// An option whose value is text that `parse` makes something of, on the command line and in a file.
template <class Into, class Parse>
CLI::Option* add_parsed(checked_app& app, const std::string& name, Into& into, const std::string& text,
                        Parse parse, const std::string& what) {
    const auto fault = [parse, what](const std::string& given) -> std::optional<std::string> {
        if (parse(given)) return std::nullopt;
        return cited(given) + " is not " + what;
    };
    app.checks.emplace(name.substr(name.find("--") + 2), fault);
    return app.add_option_function<std::string>(
        name,
        [name, &into, parse, fault](const std::string& given) {
            if (const auto wrong = fault(given)) throw CLI::ValidationError(name, *wrong);
            into = *parse(given);
        },
        text);
}

template <class Duration>
void add_duration(checked_app& app, const std::string& name, Duration& into, const std::string& text) {
    const auto parse = [](const std::string& given) -> std::optional<Duration> {
        const auto parsed = parse_duration(given);
        return parsed ? std::optional(std::chrono::ceil<Duration>(*parsed)) : std::nullopt;
    };
    add_parsed(app, name, into, text, parse, "a duration such as 250ms, 1.5s or 1m")->type_name("DUR");
}

// CLI11 reads a number with a leading zero as octal: `--port 05671` would be port 3001.
template <class Number>
void add_number(checked_app& app, const std::string& name, Number& into, const std::string& text,
                const std::string& type) {
    constexpr auto most = std::numeric_limits<Number>::max();
    const auto parse = [](const std::string& given) -> std::optional<Number> {
        const auto parsed = parse_number(given, most);
        return parsed ? std::optional(static_cast<Number>(*parsed)) : std::nullopt;
    };
    add_parsed(app, name, into, text, parse, "a whole number from 0 to " + std::to_string(most))
        ->type_name(type)
        ->default_str(std::to_string(into));
}

/// The page of --help: one option a line, its default and its variable at the end.
class pages : public CLI::Formatter {
  public:
    pages() { column_width(42); }
    [[nodiscard]] std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_type_size() != 0 && !option->get_type_name().empty()
                   ? ' ' + option->get_type_name()
                   : std::string{};
    }
    [[nodiscard]] std::string make_option_desc(const CLI::Option* option) const override {
        auto text = option->get_description();
        if (text.find("default: ") == text.npos && !option->get_default_str().empty())
            text += "; default: " + option->get_default_str();
        if (!option->get_envname().empty()) text += "; env: " + option->get_envname();
        return text;
    }
};

void add_network(checked_app& app, options& node) {
    app.option_defaults()->group("Network");
    app.add_option("--name", node.name, "Name for people; default: node- and 8 digits of the id");
    app.add_option("--cluster", node.cluster, "Nodes of other clusters are ignored")->capture_default_str();
    app.add_option("--host", node.host, "Local address to use; default: every usable interface")
        ->type_name("ADDR");
    add_number(app, "--port", node.port, "TCP port for requests, which others use as a seed; 0: any", "PORT");
    add_number(app, "--publish-port", node.publish_port, "TCP port for broadcasts of writes; 0: any", "PORT");
    app.add_option(
           "--seed", node.seeds,
           "Member to contact: HOST:PORT, or a service with SRV records, _baton._tcp.NAME; repeatable")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false);
    app.add_option("--advertise", node.advertise,
                   "Address under which others dial this node; default: where they see it; repeatable")
        ->type_name("HOST[:PORT[/PUBLISH_PORT]]")
        ->allow_extra_args(false);
    app.add_option("--dns-server", node.dns_servers,
                   "Name server for the names of seeds; default: the system's; repeatable")
        ->type_name("ADDR[:PORT]")
        ->allow_extra_args(false);
    app.add_flag_callback(
        "--no-peer-exchange", [&node] { node.exchange_peers = false; },
        "Send no addresses of members to others, and ignore those that others send");
    app.add_flag_callback(
        "--no-beacon", [&node] { node.beacon.enabled = false; }, "Send and receive no beacons (UDP)");
    app.add_flag_callback(
        "--clients", [&node] { node.clients.enabled = true; },
        "Open a port for clients, which are no members; default: only if --host is a loopback address");
    app.add_flag_callback(
        "--no-clients", [&node] { node.clients.enabled = false; }, "Open no port for clients");
    add_number(app, "--clients-port", node.clients.port, "TCP port for clients; 0: any", "PORT");
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
    app.add_flag("--wait-for-interface", node.wait_for_interface,
                 "Start even if --host or --interface does not exist yet");
    app.add_option("--exclude-interface", node.beacon.interfaces_excluded,
                   "Network interface not to use; repeatable")
        ->type_name("IF")
        ->allow_extra_args(false);
    add_number(app, "--chunk-bytes", node.limits.chunk_bytes_max, "Bytes of one chunk of a session", "N");
    add_duration(app, "--redial-for", node.liveness.redial_for,
                 "How long to try the address of a crashed member; default: 6h");
    add_duration(app, "--leave-within", node.leave_within, "Deadline of a leave; default: 25s");
    app.add_option("--key-file", node.security.key_file,
                   "File with the keys of the mesh, which only its owner can read; default: open mesh")
        ->type_name("FILE");
    app.add_option("--spill-dir", node.spill_dir,
                   "Folder for spills: the whole state, if no member takes it over; read at the start")
        ->type_name("DIR");
    app.add_flag("--spill-dir-optional", node.spill_dir_optional,
                 "Start even if the folder of --spill-dir cannot be used");
    app.add_flag("--keep-spills", node.keep_spills, "Keep a spill until a later one replaces it");
    app.add_flag("--accept-keyless-spills", node.accept_keyless_spills,
                 "With a key: read spills that no key has sealed, too");
    add_duration(app, "--alone-after", node.alone_after,
                 "Consider this node alone after this time, if every seed refuses; default: 5s");
    add_parsed(
        app, "--mesh-size", node.mesh_size,
        "How many members the mesh is meant to have, so that a minority knows it; 0: not known",
        [](const std::string& given) -> std::optional<std::optional<std::size_t>> {
            const auto parsed = parse_number(given, std::numeric_limits<std::size_t>::max());
            if (!parsed) return std::nullopt;
            return *parsed != 0 ? std::optional(static_cast<std::size_t>(*parsed)) : std::nullopt;
        },
        "a whole number from 0 to " + std::to_string(std::numeric_limits<std::size_t>::max()))
        ->type_name("N")
        ->default_str("0");
    app.add_flag(
        "--founding", node.founding,
        "First node of a new mesh: synced without meeting a member; may confirm keys as absent while alone");
}

void add_operations(checked_app& app, arguments& given) {
    app.option_defaults()->group("Operations, of run");
    app.add_flag("--no-input", given.no_input,
                 "Read no commands: run until a signal, as services and containers do");
    app.add_option("--http", given.http.listen,
                   "Serve the page of the mesh, /metrics, /livez and /readyz there, read-only; default: off")
        ->type_name("ADDR:PORT");
    app.add_option(
           "--http-host", given.http.hosts,
           "Name by which these pages may be asked for, besides IP addresses and localhost; repeatable")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--http-token-file", given.http.token_file,
                   "File with a token; only who has it sees names of keys on the page")
        ->type_name("FILE");
    add_duration(app, "--ready-within", given.ready_within,
                 "Under systemd: report READY after this time even if the node is not synced; default: 1m");
}

/// `baton ACTION --help`: what concerns that action.
std::string page_of(const CLI::App& app, const CLI::App& sub) {
    const pages made;
    const bool runs = sub.get_name() == "run",
               joins = sub.get_name() != "keygen" && sub.get_name() != "check-config";
    std::string usage = "Usage: baton " + sub.get_name();
    for (const auto* each : sub.get_options()) {
        const auto name = each->get_name(true);
        usage += each->get_required() ? ' ' + name : " [" + name + ']';
    }
    return usage + (joins ? " [OPTIONS]\n\n" : "\n\n") + sub.get_description() + '\n' +
           (joins ? made.make_groups(&app, CLI::AppFormatMode::Normal) : std::string{}) +
           (runs ? commands_page() : std::string{}) + statuses;
}

/// What to say of a command line that makes no sense.
std::string sentence_of(const CLI::App& app, const CLI::ParseError& fault) {
    if (!app.get_subcommands().empty()) return fault.what();
    for (const auto& word : app.remaining()) {
        if (word.starts_with('-')) continue;
        std::string known;
        for (const auto* each : app.get_subcommands({}))
            (known += known.empty() ? "" : ", ") += each->get_name();
        return cited(word) + " is not an action; those are " + known;
    }
    return fault.what();
}

/// The words of the command line. A file that only the environment names is as if it stood there.
std::vector<std::string> words_of(int argc, const char* const* argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    const char* const file = std::getenv(variable_of("config").c_str());
    const bool named = std::ranges::any_of(
        words, [](const auto& word) { return word == "--config" || word.starts_with("--config="); });
    if (file != nullptr && *file != '\0' && !named)
        words.insert(words.begin(), std::string("--config=") + file);
    std::ranges::reverse(words); // as CLI11 takes them
    return words;
}

/// Says so on standard error; the exit status.
int complain_of_usage(const std::string& sentence) {
    std::cerr << "baton: " << sentence << "\nRun baton --help for more information.\n";
    return 2;
}

} // namespace

void add_options(checked_app& app, arguments& given) {
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // of one that is repeated
    app.set_config("--config", "", "Read options from a file of NAME = VALUE lines (TOML)")
        ->type_name("FILE");
    app.allow_config_extras(CLI::config_extras_mode::error);
    add_network(app, given.node);
    add_operations(app, given);
    app.option_defaults()->group("Options");
    add_duration(app, "--within", given.within,
                 "get, put, members, watch, top: how long to look for the mesh; default: 5s");
    app.add_flag("--hex", given.hex, "Values are hexadecimal digits");
    app.add_flag("--leave-now", given.leave_now,
                 "run: leave without waiting for a successor, since the whole mesh stops");
    app.add_flag(
        "--json", given.json,
        "run, top, members: JSON lines on a terminal, too; without a terminal there is nothing else");
    add_duration(app, "--every", given.every, "top: time between two pictures; default: 1s");
    add_number(app, "-n,--iterations", given.iterations,
               "top: end after so many pictures; 0: at q or a signal", "N");
    app.add_flag("--once", given.once, "top: one picture, of a node that is synced");
    app.add_flag("-v,--verbose", given.verbose,
                 "Log everything to standard error, not only warnings and errors");
}

std::variant<arguments, int> parse_arguments(int argc, const char* const* argv) {
    arguments given;
    checked_app app{
        "One member of a baton mesh: a replicated map in memory, handed over when a process goes away.",
        "baton"};
    app.footer(commands_page() + statuses);
    app.set_version_flag("--version", "baton " BATON_VERSION);
    app.require_subcommand(1);
    app.fallthrough(); // options may stand before or after the action, and mean the same in the file
    add_options(app, given);
    read_options_elsewhere(app);
    app.formatter(std::make_shared<pages>());

    const auto action_of = [&](const std::string& name, action what, const std::string& text) {
        auto* sub = app.add_subcommand(name, text);
        sub->set_help_flag(); // that of the program is told which action it is about
        sub->callback([&given, what] { given.what = what; });
        return sub;
    };
    action_of(
        "run", action::run,
        "Be a member until a leave: commands on stdin, JSON lines on stdout, or a prompt on a terminal");
    auto* get = action_of("get", action::get, "KEY: print its value. KEY may be base64:…");
    get->add_option("KEY", given.key)->required();
    auto* put = action_of(
        "put", action::put,
        "KEY VALUE: stash it; the exit status shows how safe the value is. VALUE -: all of standard input");
    put->add_option("KEY", given.key)->required();
    put->add_option("VALUE", given.value)->required();
    const auto with_key = [&](CLI::App* sub, const char* second = nullptr) {
        sub->add_option("KEY", given.key)->required();
        if (second != nullptr) sub->add_option(second, given.value)->required();
    };
    with_key(action_of("drop", action::drop, "KEY: remove what it holds"));
    action_of("keys", action::keys, "[PREFIX]: print the keys that begin with it, one a line")
        ->add_option("PREFIX", given.key);
    with_key(action_of("count", action::count, "KEY: print the sum of the counter"));
    with_key(action_of("add", action::add, "KEY N: add to the counter"), "N");
    with_key(action_of("insert", action::insert, "KEY ELEMENT: put it into the set"), "ELEMENT");
    action_of("stats", action::stats, "Print the counters of a member as JSON");
    action_of("ping", action::ping, "Print how long a call to a member and back takes, as JSON");
    action_of("leave", action::leave, "NAME: make the member of that name or id leave; needs its door")
        ->add_option("NAME", given.key)
        ->required();
    action_of("members", action::members, "Print every member as a JSON line");
    auto* watch =
        action_of("watch", action::watch,
                  "PREFIX: join, print each key under it and each change as a JSON line, until a signal");
    watch->add_option("PREFIX", given.key)->required();

    action_of("top", action::top,
              "Join, and show the mesh live on a terminal until q; this node holds a copy, too");
    auto* check = action_of("check-config", action::check_config,
                            "FILE: check a file of options, and the files that it names, as run would");
    check->add_option("FILE", given.key)->required();

    auto* keygen = action_of("keygen", action::keygen,
                             "[FILE]: make a key, in a new file of mode 0600, or on standard output");
    keygen->add_option("FILE", given.key);

    if (const auto faults = faults_of_environment(app); !faults.empty()) {
        for (const auto& each : faults) std::cerr << "baton: " << each << '\n';
        return 2;
    }
    try {
        app.parse(words_of(argc, argv));
    } catch (const CLI::CallForHelp&) {
        const auto about = app.get_subcommands();
        std::cout << (about.empty()
                          ? app.get_formatter()->make_help(&app, "baton", CLI::AppFormatMode::Normal)
                          : page_of(app, *about.front()));
        return 0;
    } catch (const CLI::CallForVersion& version) {
        std::cout << version.what() << '\n';
        return 0;
    } catch (const CLI::ParseError& fault) {
        return complain_of_usage(sentence_of(app, fault));
    }
    given.node.log = log_to_stderr(given.verbose, given.what != action::run);
    return given;
}

} // namespace baton::cli
