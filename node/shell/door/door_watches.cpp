#include "shell/door/door_watches.hpp"

#include "wire/client_watch.hpp"

#include <algorithm>
#include <utility>

namespace baton::shell {

namespace client = wire::client;
using crdt::slot_name, crdt::store, crdt::value_type;

namespace {

constexpr std::size_t slice_keys = 256, slices_per_page = 8, pages_per_turn = 16, names_min = 256;

/// Appends what the key holds now. False: the page has no room for it. A value that the client has, or that
/// is larger than a page, is left out.
bool put_key(store& state, const std::string& key, const cut& has, std::string& into) {
    client::watched_key made;
    made.key = key;
    if (state.has_typed_keys()) made.types = state.types_of(key) & ~unsigned{client::watched_key::reg};
    if ((made.types & client::watched_key::counter) != 0)
        made.sum = wire::zigzag(static_cast<std::uint64_t>(state.count(key).value_or(0)));
    std::size_t live = 0;
    const auto found = state.read({value_type::reg, key, {}}, &live);
    if (found) {
        made.types |= client::watched_key::reg;
        made.written = found->id;
        made.epoch = found->epoch;
        made.siblings = live - 1;
        made.total = found->value.size();
        if (found->value.size() <= page_bytes && !has.has(found->id)) made.value = found->value;
    }
    if (!into.empty() && into.size() + (made.value ? made.value->size() : 0) >= page_bytes) return false;
    client::put_watched(into, made);
    return true;
}

} // namespace

door_watches::door_watches(io_thread& engine, std::size_t names_max, std::shared_ptr<mailbox> bell)
    : engine_(engine)
    , names_max_(names_max)
    , bell_(std::move(bell))
    , board_(names_max) {
    engine_.with_board([this](core::mesh&, watch_board& board) { board.pass_to(*this); });
}

door_watches::~door_watches() {
    engine_.with_board([this](core::mesh&, watch_board& board) { board.stop_passing_to(*this); });
}

void door_watches::note(std::string_view key) {
    board_.note(key);
    if (board_.has_news() && !news_.exchange(true)) bell_->ring();
}

void door_watches::note_all() {
    board_.note_all();
    if (board_.has_news() && !news_.exchange(true)) bell_->ring();
}

void door_watches::begin(const name& of, std::string prefix, cut has) {
    end(of);
    // Changes are noted from here on, and the keys are read later, so none is missed.
    engine_.with([&](core::mesh& mesh) {
        mesh.state().notes().want(true);
        board_.add(prefix);
    });
    auto& made = all_[of];
    made.walks = prefix;
    made.prefix = std::move(prefix);
    made.has = std::move(has);
    by_prefix_[made.prefix].insert(of);
}

void door_watches::end(const name& of) {
    const auto at = all_.find(of);
    if (at == all_.end()) return;
    changed_names left; // destroyed without the lock
    engine_.with_board([&](core::mesh& mesh, watch_board& board) {
        left = board_.remove(at->second.prefix);
        if (!board.wants_notes()) mesh.state().notes().want(false);
    });
    const auto same = by_prefix_.find(at->second.prefix);
    same->second.erase(of);
    if (same->second.empty()) by_prefix_.erase(same);
    due_.erase(of);
    all_.erase(at);
}

std::vector<std::uint64_t> door_watches::end_all(const replica_id& client) {
    std::vector<std::uint64_t> waited;
    for (auto at = all_.lower_bound({client, 0}); at != all_.end() && at->first.client == client;) {
        const auto [of, one] = std::pair(at->first, at->second.asked);
        ++at;
        if (one != 0) waited.push_back(one);
        end(of);
    }
    return waited;
}

std::size_t door_watches::size_of(const replica_id& client) const {
    std::size_t count = 0;
    for (auto at = all_.lower_bound({client, 0}); at != all_.end() && at->first.client == client; ++at)
        ++count;
    return count;
}

std::size_t door_watches::bytes() const {
    constexpr std::size_t of_a_name = 100, of_a_watch = 500;
    std::size_t sum = 0;
    for (const auto& [of, one] : all_) sum += of_a_watch + bytes(one.has) + of_a_name * one.changed.size();
    return sum;
}

std::uint64_t door_watches::ask(const name& of, std::uint64_t call) {
    auto& one = all_.at(of);
    const auto before = std::exchange(one.asked, call);
    if (one.is_due()) due_.insert(of);
    return before;
}

// ---------------------------------------------------------------- what has changed

void door_watches::distribute(const std::vector<changed_names>& news) {
    for (const auto& each : news) {
        const auto same = by_prefix_.find(each.prefix);
        if (same == by_prefix_.end()) continue;
        for (const auto& of : same->second) {
            auto& one = all_.at(of);
            one.add(each, std::max(names_min, names_max_ / all_.size()));
            if (one.is_due()) due_.insert(of);
        }
    }
}

// ---------------------------------------------------------------- pages

std::vector<door_watches::page> door_watches::look() {
    std::vector<page> made;
    if (all_.empty()) return made;
    if (news_.exchange(false)) distribute(engine_.with([this](core::mesh&) { return board_.take(); }));
    for (std::size_t i = 0, turns = std::min(due_.size(), pages_per_turn); i < turns && !due_.empty(); ++i) {
        auto at = due_.upper_bound(last_);
        if (at == due_.end()) at = due_.begin();
        last_ = *at;
        auto& one = all_.at(last_);
        kept_reply reply;
        reply.what.number = one.asked;
        if (!fill(one, reply)) continue;
        one.asked = 0;
        due_.erase(last_);
        made.push_back({last_, std::move(reply)});
    }
    return made;
}

// Several holds of the lock. False if nothing could be read yet.
bool door_watches::fill(watch& of, kept_reply& into) {
    if (!of.walks && (of.lost != 0 || of.again)) {
        of.again = false;
        of.begins = true;
        of.lost_before = std::exchange(of.lost, 0);
        of.changed.clear();
        of.walks = of.prefix;
    }
    const bool walked = of.walks.has_value();
    std::string keys;
    cut reached;
    slice last;
    bool moved = false;
    for (std::size_t i = 0; i < slices_per_page && (i == 0 || last.more); ++i) {
        std::vector<changed_names> news;
        engine_.with_board([&](core::mesh& mesh, watch_board& board) {
            last = read_slice(mesh, of, keys);
            (void)board.collect(mesh.state().notes());
            news = board_.take();
            news_ = false;
            const bool is_news = std::any_of(news.begin(), news.end(),
                                             [&](const auto& each) { return each.prefix == of.prefix; });
            if (of.is_due() || is_news || !last.moved) return;
            const auto seen = mesh.state().seen();
            for (const auto& each : seen.entries()) {
                if (each.counter > of.has.of(each.replica)) reached.push_back(each);
            }
        });
        distribute(news);
        for (const auto& each : last.keys) of.changed.take_out(each); // noted before it was read
        moved = moved || last.moved;
    }
    if (!moved) return false;
    of.has.join(reached);
    if (of.has.size() > client::writers_max) of.has = reached; // of writers that are gone; as the client does
    client::put_reached(into.value, reached);
    into.value += keys;
    if (walked && std::exchange(of.begins, false)) {
        into.what.flags |= client::reply::begins;
        into.what.total = std::exchange(of.lost_before, 0);
    }
    if (walked && !of.walks) into.what.flags |= client::reply::ends;
    return true;
}

// Half of the slice is for changed keys while a walk is under way. Keys are read only when everything that a
// sync has brought is folded in, and walks go by the index.
door_watches::slice door_watches::read_slice(core::mesh& mesh, watch& of, std::string& into) {
    slice made;
    auto& state = mesh.state();
    if (state.folding()) {
        (void)state.fold(slice_keys);
        return made;
    }
    const auto of_changed = of.walks ? slice_keys / 2 : slice_keys;
    while (made.keys.size() < of_changed) {
        auto key = of.changed.pop();
        if (!key) break;
        if (!put_key(state, *key, {}, into)) {
            of.changed.push(*key);
            return made;
        }
        made.moved = true;
        made.keys.push_back(*std::move(key));
    }
    if (of.walks) {
        if (!mesh.order(io_thread::now())) return made;
        made.moved = true;
        std::vector<std::string> there;
        auto next = state.keys_from(of.prefix, *of.walks, slice_keys - made.keys.size(), there);
        for (auto& key : there) {
            if (!put_key(state, key, of.has, into)) {
                of.walks = std::move(key);
                return made;
            }
            made.keys.push_back(std::move(key));
        }
        of.walks = std::move(next);
    }
    made.more = of.walks || of.changed.size() != 0;
    return made;
}

} // namespace baton::shell
