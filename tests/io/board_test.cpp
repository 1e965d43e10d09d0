// Proves that the board on which changed names wait for the dispatcher gives each prefix the names that begin
// with it, once and in the order of their first change, or says how many there were when they are too many:
// against a model that keeps everything, over random steps.
#include "shell/watch_board.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace baton;
using namespace baton::shell;

namespace {

std::vector<std::string> names_in(const name_queue& queue) {
    std::vector<std::string> all;
    queue.each([&](const std::string& name) { all.push_back(name); });
    return all;
}

/// Short names lie inside of a std::string, long ones do not.
std::string some_name(std::mt19937& random) {
    const auto number = std::to_string(random() % 30);
    return (random() % 2 == 0 ? "a/" : "ab/") + (random() % 2 == 0 ? number : number + std::string(40, 'x'));
}

} // namespace

TEST_CASE("board: a queue of names gives each once, without those taken out", "[io][board]") {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        name_queue queue;
        std::vector<std::string> model;
        for (int step = 0; step < 6000; ++step) {
            const auto name = some_name(random);
            const auto at = std::find(model.begin(), model.end(), name);
            switch (random() % 5) {
            case 0:
            case 1:
                REQUIRE(queue.push(name) == (at == model.end()));
                if (at == model.end()) model.push_back(name);
                break;
            case 2:
                queue.take_out(name);
                if (at != model.end()) model.erase(at);
                break;
            case 3: {
                const auto got = queue.pop();
                REQUIRE(got.has_value() == !model.empty());
                if (!got) break;
                REQUIRE(*got == model.front());
                model.erase(model.begin());
                break;
            }
            default: // it is moved like any value
                name_queue moved = std::move(queue);
                queue = std::move(moved);
            }
            REQUIRE(queue.size() == model.size());
            if (step % 16 == 0) REQUIRE(names_in(queue) == model);
        }
    }
}

TEST_CASE("board: every watched prefix gets its names, or their number", "[io][board]") {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        constexpr std::size_t names_max = 12;
        watch_board board(names_max);
        key_notes notes;
        notes.want(true);
        struct expected {
            std::vector<std::string> names; ///< every note
            bool all = false;
        };
        std::map<std::string, expected> model;
        std::map<std::string, int> times;
        for (int step = 0; step < 3000; ++step) {
            const std::string prefixes[] = {"", "a", "a/", "ab/", "ab/1", "b"};
            const auto& prefix = prefixes[random() % 6];
            switch (random() % 16) {
            case 0:
                board.add(prefix);
                if (++times[prefix] == 1) model[prefix] = {};
                break;
            case 1:
                if (times[prefix] == 0) break;
                (void)board.remove(prefix);
                if (--times[prefix] == 0) model.erase(prefix);
                break;
            case 2: {
                for (const auto& each : board.take()) {
                    REQUIRE(model.contains(each.prefix));
                    auto& wanted = model[each.prefix];
                    std::vector<std::string> once;
                    for (const auto& name : wanted.names) {
                        if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(name);
                    }
                    REQUIRE(each.all == wanted.all);
                    if (once.size() <= names_max) REQUIRE(names_in(each.names) == once);
                    REQUIRE((each.lost != 0) == (once.size() > names_max));
                    REQUIRE(each.lost <= wanted.names.size());
                    wanted = {};
                }
                for (const auto& [name, rest] : model) REQUIRE((rest.names.empty() && !rest.all));
                break;
            }
            case 3:
                if (random() % 8 != 0) break;
                notes.note_all();
                REQUIRE(board.collect(notes) == !model.empty());
                for (auto& [name, rest] : model) rest.all = true;
                break;
            default:
                const auto name = some_name(random);
                notes.note(name);
                (void)board.collect(notes);
                for (auto& [begin, rest] : model) {
                    if (name.starts_with(begin)) rest.names.push_back(name);
                }
            }
            REQUIRE(board.empty() == model.empty());
        }
    }
}
