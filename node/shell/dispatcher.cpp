#include "shell/dispatcher.hpp"

#include "shell/threads.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace baton {

std::string_view to_string(change_kind kind) {
    constexpr std::string_view names[] = {"put", "removed", "initial_done", "lagged"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(value_kind type) {
    constexpr std::string_view names[] = {"register", "counter", "set", "map", "flag"};
    return names[static_cast<std::size_t>(type)];
}

void watch_handle::unwatch() noexcept {
    const auto w = std::exchange(of_, nullptr);
    if (!w || w->calls->generation != shell::forks()) return; // in a forked child the thread does not exist
    change_handler dead; // destroyed after the lock is released: it may own handles
    {
        std::unique_lock lock(w->calls->mutex);
        w->ended = true;
        --w->calls->count;
        const bool inside = std::this_thread::get_id() == w->calls->thread;
        if (!inside) w->calls->idle.wait(lock, [&] { return w->calls->running != w.get(); });
        if (w->calls->running == w.get()) {
            w->ended_inside = true;
        } else {
            dead = std::move(w->handler);
        }
    }
    w->calls->bell->ring();
}

namespace shell {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t slice_keys = 256;
constexpr std::size_t slice_bytes = std::size_t{1} << 20; // limit for values; the last value may exceed it
constexpr steady_clock::duration turn_min = 1ms;
} // namespace

dispatcher::dispatcher(io_thread& engine, const limit_options& limits)
    : engine_(engine)
    , names_max_(limits.watch_keys_max)
    , watches_max_(limits.watches_max)
    , calls_(std::make_shared<watch_calls>()) {
    calls_->generation = forks();
    calls_->bell = engine.bell();
}

result<watch_handle> dispatcher::watch(std::string prefix, change_handler handler) {
    auto w = std::make_shared<watcher>(watcher{calls_, std::move(prefix), std::move(handler)});
    {
        const std::lock_guard lock(calls_->mutex);
        if (calls_->count >= watches_max_) {
            return error{errc::too_many_watches,
                         "there are " + std::to_string(watches_max_) +
                             " watches already, and limits.watches_max allows no more"};
        }
        if (!thread_.joinable() && !calls_->stopped) {
            try {
                thread_ = start_thread([self = shared_from_this()] { self->run(); });
            } catch (const std::system_error& failure) {
                return error{errc::network,
                             std::string("cannot start the thread for watches: ") + failure.what()};
            }
        }
        ++calls_->count;
    }
    // Changes are noted from here on and the snapshot is read later, so none is missed.
    engine_.with_board([&](core::mesh& mesh, watch_board& board) {
        mesh.state().notes().want(true);
        board.add(w->prefix);
    });
    {
        const std::lock_guard lock(calls_->mutex);
        inbox_.push_back(w);
    }
    calls_->bell->ring();
    return watch_handle(std::move(w));
}

void dispatcher::stop() {
    std::thread ending;
    {
        const std::lock_guard lock(calls_->mutex);
        calls_->stopped = true;
        ending.swap(thread_);
    }
    calls_->bell->ring();
    if (!ending.joinable()) return;
    if (ending.get_id() == std::this_thread::get_id()) {
        ending.detach(); // a handler destroys the node: the thread ends when the handler has returned
    } else {
        ending.join();
    }
}

// ---------------------------------------------------------------- the thread

void dispatcher::run() {
    {
        const std::lock_guard lock(calls_->mutex);
        calls_->thread = std::this_thread::get_id();
    }
    steady_clock::duration last_round{};
    for (;;) {
        const auto heard = calls_->bell->heard();
        if (!adopt()) return;
        distribute(engine_.with_board([](core::mesh&, watch_board& board) { return board.take(); }));
        // If one watcher takes long, all others together may take as long: they lose half of the time, not
        // all.
        const auto share = std::max(turn_min, last_round / std::max<std::int64_t>(1, std::ssize(all_)));
        const auto start = steady_clock::now();
        bool busy = false;
        for (const auto& s : all_) {
            busy = turn(*s, share) || busy;
            const std::lock_guard lock(calls_->mutex);
            if (calls_->stopped) return;
        }
        last_round = steady_clock::now() - start;
        if (!busy) calls_->bell->wait(heard);
    }
}

// Adds new watchers and removes those that have ended. Returns false if the dispatcher stops.
bool dispatcher::adopt() {
    std::vector<std::unique_ptr<subscription>> ended;
    {
        const std::lock_guard lock(calls_->mutex);
        if (calls_->stopped) return false;
        for (auto& w : inbox_) {
            auto& s = *all_.emplace_back(std::make_unique<subscription>());
            s.walks = w->prefix;
            s.who = std::move(w);
        }
        inbox_.clear();
        const auto living =
            std::stable_partition(all_.begin(), all_.end(), [](const auto& s) { return !s->who->ended; });
        std::move(living, all_.end(), std::back_inserter(ended));
        all_.erase(living, all_.end());
    }
    if (ended.empty()) return true;
    std::vector<changed_names> left; // destroyed after the lock is released, like the watchers
    engine_.with_board([&](core::mesh& mesh, watch_board& board) {
        for (const auto& s : ended) left.push_back(board.remove(s->who->prefix));
        if (!board.wants_notes()) mesh.state().notes().want(false);
    });
    return true;
}

// Reads and reports until nothing is left or the share of time is used up. Returns true if there is more.
bool dispatcher::turn(subscription& s, steady_clock::duration share) {
    const auto start = steady_clock::now();
    for (;;) {
        if (s.ready.empty() && !fill(s)) return false;
        std::size_t told = 0;
        bool over = false;
        for (; !s.ready.empty() && !over; ++told) {
            if (!call(*s.who, s.ready.front())) return false;
            s.ready.pop_front();
            over = steady_clock::now() - start >= share;
        }
        // A turn reads only as much as it can report, so that values are not old by then.
        s.portion =
            over && !s.ready.empty() ? std::max<std::size_t>(told, 1) : std::min(slice_keys, s.portion * 2);
        if (over) return true;
        if (s.ready.empty() && told == 0 && steady_clock::now() - start >= share) return true;
    }
}

bool dispatcher::call(watcher& who, const change& what) {
    {
        const std::lock_guard lock(calls_->mutex);
        if (who.ended || calls_->stopped) return false;
        calls_->running = &who;
    }
    who.handler(what);
    change_handler dead;
    bool goes_on = false; // false if the handler has ended its watch or the node
    {
        const std::lock_guard lock(calls_->mutex);
        calls_->running = nullptr;
        goes_on = !who.ended && !calls_->stopped;
        // Otherwise the caller that waits for the end takes it.
        if (who.ended_inside) dead = std::move(who.handler);
    }
    calls_->idle.notify_all();
    return goes_on;
}

// ---------------------------------------------------------------- what has changed

void dispatcher::distribute(const std::vector<changed_names>& news) {
    for (const auto& each : news) {
        for (const auto& s : all_) {
            if (s->who->prefix == each.prefix) s->add(each, names_max_);
        }
    }
}

// ---------------------------------------------------------------- reading

// Reads a slice. Returns true if there is something to report or to continue.
bool dispatcher::fill(subscription& s) {
    if (!s.walks && (s.lost != 0 || s.again)) {
        if (s.lost != 0) {
            change& told = s.ready.emplace_back();
            told.kind = change_kind::lagged;
            told.count = std::exchange(s.lost, 0);
            s.announces = true;
        }
        s.again = false;
        s.changed.clear();
        s.walks = s.who->prefix;
    }
    if (!s.walks && s.changed.size() == 0) return false;
    const bool walk = s.walks && (s.walk_next || s.changed.size() == 0);
    s.walk_next = !walk;
    known_slice known;
    if (walk) {
        s.known.each_from(*s.walks, [&](std::string_view key) {
            known.more = known.keys.size() == slice_keys;
            if (!known.more) known.keys.emplace_back(key);
            return !known.more;
        });
    }
    std::vector<std::string> read;
    const auto news = engine_.with_board([&](core::mesh& mesh, watch_board& board) {
        auto& state = mesh.state();
        if (state.folding()) {
            (void)state.fold(slice_keys); // read only when everything is folded in
        } else if (walk) {
            read_on(mesh, s, known, read);
        } else {
            read_changed(state, s, read);
        }
        (void)board.collect(state.notes());
        return board.take();
    });
    distribute(news);
    for (const auto& name : read) s.changed.take_out(name); // the change was noted before the key was read
    std::erase_if(s.ready, [&](const change& told) {
        if (told.kind == change_kind::put) s.known.insert(told.key);
        return told.kind == change_kind::removed && !s.known.erase(told.key); // the watcher never saw the key
    });
    return true;
}

void dispatcher::read_changed(store& state, subscription& s, std::vector<std::string>& read) const {
    std::size_t bytes = 0;
    while (read.size() < s.portion && bytes < slice_bytes) {
        auto name = s.changed.pop();
        if (!name) return;
        read_key(state, s, *name, bytes);
        read.push_back(*std::move(name));
    }
}

// A walk merges the present keys with the reported keys: a key that was reported and is not present is gone.
void dispatcher::read_on(core::mesh& mesh, subscription& s, const known_slice& known,
                         std::vector<std::string>& read) const {
    if (!mesh.order(io_thread::now())) return; // builds a slice of the index that the walk uses
    auto& state = mesh.state();
    std::vector<std::string> there;
    // The key where the walk continues.
    auto next = state.keys_from(s.who->prefix, *s.walks, s.portion, there);
    if (known.more && (!next || known.keys.back() < *next)) next = known.keys.back() + '\0';
    std::size_t bytes = 0;
    for (const auto& key : there) {
        if (next && key >= *next) break;
        if (bytes >= slice_bytes) {
            next = key;
            break;
        }
        read_key(state, s, key, bytes);
        read.push_back(key);
    }
    for (const auto& key : known.keys) {
        if (next && key >= *next) break;
        if (!std::binary_search(read.begin(), read.end(), key)) read_key(state, s, key, bytes);
    }
    s.walks = std::move(next);
    if (s.walks) return;
    if (std::exchange(s.announces, false)) s.ready.emplace_back().kind = change_kind::initial_done;
}

void dispatcher::read_key(store& state, subscription& s, const std::string& key, std::size_t& bytes) {
    const slot_name slot{value_type::reg, key, {}};
    bool any = false;
    const auto tell = [&](value_kind type) -> change& {
        any = true;
        change& told = s.ready.emplace_back();
        told.key = key;
        told.type = type;
        return told;
    };
    if (const auto found = state.read(slot)) {
        change& told = tell(value_kind::reg);
        told.value = found->value;
        told.written = version{found->id};
        if (found->epoch != 0) told.epoch = owner_epoch{found->epoch};
        told.siblings = state.sibling_count(slot) - 1;
        bytes += found->value.size();
    }
    const auto types = state.has_typed_keys() ? state.types_of(key) : 0;
    const auto holds = [types](value_type type) { return (types >> static_cast<unsigned>(type) & 1) != 0; };
    if (holds(value_type::counter)) tell(value_kind::counter).sum = state.count(key).value_or(0);
    if (holds(value_type::set)) tell(value_kind::set);
    if (holds(value_type::map)) tell(value_kind::map);
    if (holds(value_type::flag)) tell(value_kind::flag);
    if (any) return;
    change& gone = s.ready.emplace_back();
    gone.kind = change_kind::removed;
    gone.key = key;
}

} // namespace shell
} // namespace baton
