#include "shell/client/client_watches.hpp"

#include "crdt/digest.hpp"
#include "shell/client/client_calls.hpp"
#include "wire/codec.hpp"

#include <baton/client_watch.hpp>

#include <algorithm>
#include <deque>
#include <system_error>
#include <utility>

namespace baton {

client_watch::client_watch(std::shared_ptr<shell::client_watcher> of)
    : of_(std::move(of)) {}
client_watch::client_watch(client_watch&&) noexcept = default;
client_watch& client_watch::operator=(client_watch&& other) noexcept {
    if (this != &other) {
        unwatch();
        of_ = std::move(other.of_);
    }
    return *this;
}
client_watch::~client_watch() { unwatch(); }

void client_watch::unwatch() noexcept {
    if (const auto ending = std::exchange(of_, nullptr)) ending->of->end(ending);
}

std::optional<error> client_watch::trouble() const { return of_ ? of_->of->trouble_of(*of_) : std::nullopt; }

namespace shell {

using namespace std::chrono_literals;
namespace wired = wire::client;
using wired::call, wired::reply, wired::verb, wired::watched_key;

namespace {

constexpr auto pause_while_moving = 20ms, pause_in_trouble = 250ms;

constexpr std::pair<unsigned, value_kind> kinds[] = {{watched_key::reg, value_kind::reg},
                                                     {watched_key::counter, value_kind::counter},
                                                     {watched_key::set, value_kind::set},
                                                     {watched_key::map, value_kind::map},
                                                     {watched_key::flag, value_kind::flag}};

/// The report has no contents, so that it does not show whether they have changed.
bool hides_contents(const watched_key& key) {
    return (key.types & (watched_key::set | watched_key::map | watched_key::flag)) != 0;
}

std::uint64_t hash_of(const watched_key& key) { return crdt::hash_bytes(wired::head_of(key), 0); }

} // namespace

client_watches::client_watches(line to_member)
    : line_(std::move(to_member))
    , generation_(forks()) {}

client_watches::~client_watches() {
    if (forked() && thread_.joinable()) thread_.detach(); // it does not exist here
}

bool client_watches::forked() const { return forks() != generation_; }

result<std::shared_ptr<client_watcher>> client_watches::watch(std::string prefix, change_handler handler) {
    auto who = std::make_shared<client_watcher>();
    who->of = shared_from_this();
    who->prefix = std::move(prefix);
    who->handler = std::move(handler);
    std::unique_lock lock(mutex_);
    if (stopped_) return error{errc::unreachable, "the client is closed"};
    if (all_.size() >= wired::watches_max) // each has a call under way
        return error{errc::too_many_watches,
                     "a client has at most " + std::to_string(wired::watches_max) + " watches"};
    if (!thread_.joinable()) {
        try {
            thread_ = start_thread([self = shared_from_this()] { self->run(); });
        } catch (const std::system_error& failure) {
            return error{errc::network,
                         std::string("cannot start the thread for watches: ") + failure.what()};
        }
    }
    who->number = ++last_number_;
    all_.push_back(who);
    wake_.notify_one();
    if (std::this_thread::get_id() == thread_id_) return who; // a handler: this thread is to begin it
    const auto failed = [&] { return who->trouble && who->trouble->code != errc::leaving; };
    changed_.wait(lock, [&] { return !who->is_new || failed() || stopped_; });
    if (!who->is_new) return who;
    who->ended = true;
    wake_.notify_one();
    return failed() ? *who->trouble : error{errc::unreachable, "the client is closed"};
}

void client_watches::end(const watcher& who) noexcept {
    if (forked()) return; // the thread does not exist here
    change_handler dead;  // destroyed after the lock is released: it may own handles
    {
        std::unique_lock lock(mutex_);
        who->ended = true;
        if (std::this_thread::get_id() != thread_id_)
            changed_.wait(lock, [&] { return running_ != who.get(); });
        if (running_ == who.get()) {
            who->ended_inside = true;
        } else {
            dead = std::move(who->handler);
        }
        wake_.notify_one();
    }
}

std::optional<error> client_watches::trouble_of(const client_watcher& who) const {
    if (forked()) return forked_error();
    const std::lock_guard lock(mutex_);
    if (stopped_) return error{errc::unreachable, "the client is closed"};
    return who.trouble;
}

void client_watches::stop() {
    std::thread ending;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        ending.swap(thread_);
    }
    wake_.notify_one();
    changed_.notify_all();
    if (!ending.joinable()) return;
    if (ending.get_id() == std::this_thread::get_id()) {
        ending.detach(); // a handler destroys the client: the thread ends when the handler has returned
    } else {
        ending.join();
    }
}

// ---------------------------------------------------------------- the thread

void client_watches::run() {
    std::unique_lock lock(mutex_);
    thread_id_ = std::this_thread::get_id();
    while (!stopped_) {
        const auto who = next(lock);
        if (!who) continue;
        if (who->ended) {
            lock.unlock();
            auto what = call_of(verb::unwatch, who->prefix);
            what.what.amount = who->number;
            line_.submit({std::move(what), client_retry::never, [](result<kept_reply>&&) {}});
            lock.lock();
        } else if (who->answer) {
            auto got = *std::exchange(who->answer, std::nullopt);
            lock.unlock();
            take(who, std::move(got));
            lock.lock();
        } else {
            const bool anew = !std::exchange(who->is_known, true);
            lock.unlock();
            ask(who, anew);
            lock.lock();
        }
    }
    const auto gone = std::exchange(all_, {}); // destroyed without the lock: handlers may own handles
    lock.unlock();
}

// The next one that there is something to do for, moved to the end of the line; one that has ended is taken
// out. nullptr after a wait.
client_watches::watcher client_watches::next(std::unique_lock<std::mutex>& lock) {
    const auto now = clock::now();
    auto until = clock::time_point::max();
    for (auto at = all_.begin(); at != all_.end(); ++at) {
        const auto& each = **at;
        const bool may_ask = !each.is_asking && !each.answer;
        if (each.ended || each.answer || (may_ask && now >= each.ask_at)) {
            auto found = *at;
            all_.erase(at);
            if (!found->ended) all_.push_back(found);
            return found;
        }
        if (may_ask) until = std::min(until, each.ask_at);
    }
    if (until == clock::time_point::max()) {
        wake_.wait(lock);
    } else {
        wake_.wait_until(lock, until);
    }
    return nullptr;
}

void client_watches::ask(const watcher& who, bool anew) {
    auto what = call_of(verb::watch, who->prefix);
    what.what.amount = who->number;
    if (anew) {
        what.what.flags |= call::begins;
        if (!who->has.empty()) what.value = wire::encode_cut(who->has);
    }
    {
        const std::lock_guard lock(mutex_);
        who->is_asking = true;
    }
    line_.submit({std::move(what), client_retry::never, [who](result<kept_reply> got) {
                      auto& of = *who->of;
                      {
                          const std::lock_guard lock(of.mutex_);
                          who->is_asking = false;
                          who->answer.emplace(std::move(got));
                      }
                      of.wake_.notify_one();
                  }});
}

// Begins anew, from what has been reported.
void client_watches::retry(client_watcher& who, const error& why) {
    const bool moves = why.code == errc::leaving;
    {
        const std::lock_guard lock(mutex_);
        who.is_known = false;
        who.ask_at = clock::now() + (moves ? pause_while_moving : pause_in_trouble);
        if (!moves) who.trouble = why;
    }
    changed_.notify_all();
}

void client_watches::take(const watcher& who, result<kept_reply> got) {
    if (!got) return retry(*who, got.error().code == errc::absent ? error{errc::leaving, {}} : got.error());
    report(who, *got);
}

void client_watches::report(const watcher& who, const kept_reply& got) {
    auto page = wired::decode_watch_page(got.value);
    if (!page) return retry(*who, malformed());
    std::deque<std::string> values; // that the page has no room for
    for (auto& each : page->keys) {
        if (const auto good = complete(*who, each, values.emplace_back()); !good)
            return retry(*who, good.error());
    }
    {
        const std::lock_guard lock(mutex_);
        who->trouble.reset();
        who->is_new = false;
    }
    changed_.notify_all();
    ask(who, false); // the next page comes while this one is reported
    if ((got.what.flags & reply::begins) != 0) ++who->walk;
    if (got.what.total != 0) {
        change lagged;
        lagged.kind = change_kind::lagged;
        lagged.count = got.what.total;
        who->announces = true;
        if (!call(*who, lagged)) return;
    }
    for (const auto& each : page->keys) {
        if (!tell(*who, each)) return;
    }
    if ((got.what.flags & reply::ends) != 0 && !tell_gone(*who)) return;
    who->has.join(page->reached);
    if (who->has.size() > wired::writers_max) who->has = page->reached; // a walk sends more values then
}

// Reads a value that the page does not have and that is not reported yet. What is read now may be newer; so
// it is read before the next page is asked for.
result<void> client_watches::complete(const client_watcher& who, watched_key& key, std::string& value) const {
    if ((key.types & watched_key::reg) == 0 || key.value) return {};
    const auto known = who.known.find(std::string(key.key));
    if (known != who.known.end() && known->second.head == hash_of(key) && !hides_contents(key)) return {};
    auto got = line_.ask(call_of(verb::pickup, key.key));
    if (!got) return got.error();
    if ((got->what.flags & reply::yes) == 0) { // gone by now: that is another change
        key.types &= ~unsigned{watched_key::reg};
        return {};
    }
    value = std::move(got->value);
    key.value = value;
    key.written = got->what.written;
    key.epoch = got->what.epoch;
    key.siblings = got->what.siblings;
    key.total = value.size();
    return {};
}

// False if the watch has ended.
bool client_watches::tell(client_watcher& who, const watched_key& key) {
    std::string name(key.key);
    const auto known = who.known.find(name);
    change now;
    now.key = name;
    if (key.types == 0) {
        if (known == who.known.end()) return true;
        who.known.erase(known);
        now.kind = change_kind::removed;
        return call(who, now);
    }
    const auto head = hash_of(key);
    if (known != who.known.end()) {
        known->second.walk = who.walk;
        if (std::exchange(known->second.head, head) == head && !hides_contents(key)) return true;
    } else {
        who.known.emplace(std::move(name), client_watcher::told{head, who.walk});
    }
    now.kind = change_kind::put;
    for (const auto& [bit, kind] : kinds) {
        if ((key.types & bit) == 0) continue;
        change each = now;
        each.type = kind;
        if (kind == value_kind::counter) each.sum = static_cast<std::int64_t>(wire::unzigzag(key.sum));
        if (kind == value_kind::reg) {
            each.value = key.value.value_or(std::string_view{});
            each.written = version{key.written};
            each.siblings = static_cast<std::size_t>(key.siblings);
            if (key.epoch != 0) each.epoch = owner_epoch{key.epoch};
        }
        if (!call(who, each)) return false;
    }
    return true;
}

// The walk has named all keys: those that it has not named are gone. False if the watch has ended.
bool client_watches::tell_gone(client_watcher& who) {
    std::vector<std::string> gone;
    for (const auto& [name, told] : who.known) {
        if (told.walk != who.walk) gone.push_back(name);
    }
    std::sort(gone.begin(), gone.end());
    change now;
    now.kind = change_kind::removed;
    for (auto& each : gone) {
        who.known.erase(each);
        now.key = std::move(each);
        if (!call(who, now)) return false;
    }
    if (!std::exchange(who.announces, false)) return true;
    change done;
    done.kind = change_kind::initial_done;
    return call(who, done);
}

// False if the watch or the client has ended.
bool client_watches::call(client_watcher& who, const change& what) {
    {
        const std::lock_guard lock(mutex_);
        if (who.ended || stopped_) return false;
        running_ = &who;
    }
    who.handler(what);
    change_handler dead;
    bool goes_on = false;
    {
        const std::lock_guard lock(mutex_);
        running_ = nullptr;
        goes_on = !who.ended && !stopped_;
        if (who.ended_inside) dead = std::move(who.handler);
    }
    changed_.notify_all();
    return goes_on;
}

} // namespace shell
} // namespace baton
