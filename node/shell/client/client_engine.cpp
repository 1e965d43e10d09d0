#include "shell/client/client_engine.hpp"

#include "shell/security.hpp"
#include "shell/threads.hpp"
#include "shell/uninterrupted.hpp"

#include <sys/eventfd.h>

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;
namespace client = wire::client;

namespace {

constexpr std::size_t message_bytes_usual = std::size_t{64} << 10;
constexpr std::size_t under_way_max = client::calls_max / 2;
constexpr auto greeted_within = 1000ms, speak_every = 1000ms, silent_after = 3000ms, tended_every = 100ms;
constexpr auto rounds_apart = 200ms; // between two tries of all doors
constexpr auto patience_with_leaver = 1000ms;

/// Why no frame can carry the call. A member would part from a client that sent it.
std::optional<error> out_of_bounds(const kept_call& what) {
    using client::verb;
    if (what.key.size() > client::text_bytes_max || what.element.size() > client::text_bytes_max)
        return error{errc::key_too_long, "a key, element or field has at most 512 bytes"};
    const auto is = what.what.what;
    const auto most = is == verb::stash_all || is == verb::resolve ? client::whole_bytes_max
                      : client::is_write(is)                       ? client::value_bytes_max
                                                                   : client::part_bytes;
    if (what.value.size() > most) return error{errc::value_too_long, "the value is over 8 MiB"};
    return std::nullopt;
}

} // namespace

client_engine::client_engine(client_options settings, std::optional<client_key> key, finder doors)
    : settings_(std::move(settings))
    , key_(std::move(key))
    , bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    , doors_(std::move(doors))
    , context_(1) {
    const auto drawn = random_bytes(id_.bytes.size());
    std::copy(drawn.begin(), drawn.end(), id_.bytes.begin());
    context_.set(zmq::ctxopt::blocky, false);
    lost_at_ = clock::now();
    thread_ = start_thread([this] { run(); });
}

client_engine::~client_engine() { close(); }

void client_engine::close() {
    if (!thread_.joinable()) return;
    ending_ = true;
    ring();
    thread_.join();
}

void client_engine::ring() {
    if (rung_.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
}

void client_engine::submit(client_op op) {
    if (const auto bad = out_of_bounds(op.call)) return op.done(*bad);
    {
        std::unique_lock lock(mutex_);
        if (closed_) {
            lock.unlock();
            return op.done(error{errc::unreachable, "the client is closed"});
        }
        submitted_.push_back(std::move(op));
    }
    ring();
}

result<void> client_engine::wait_open(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    const auto until = clock::now() + within;
    const auto search_until = std::min(until, clock::now() + settings_.search_within);
    while (!member_ && !closed_ && clock::now() < until) {
        if (!is_found_ && clock::now() >= search_until) break;
        changed_.wait_until(lock, is_found_ ? until : search_until);
        if (last_refusal_ && all_tried_ && !member_) return *last_refusal_;
    }
    if (member_) return {};
    if (last_refusal_) return *last_refusal_;
    return error{errc::unreachable,
                 is_found_
                     ? "no door of cluster '" + settings_.cluster + "' lets this client in"
                     : "no member of cluster '" + settings_.cluster + "' with a door for clients was found"};
}

std::optional<replica_id> client_engine::talks_to() const {
    const std::lock_guard lock(mutex_);
    return member_;
}

std::vector<lost_write> client_engine::lost_writes() const {
    const std::lock_guard lock(mutex_);
    std::vector<lost_write> all;
    for (const auto& each : own_) {
        const auto held = std::find_if(lacking_.entries().begin(), lacking_.entries().end(),
                                       [&](const auto& e) { return e.replica == each.written.id.replica; });
        if (held != lacking_.entries().end() && each.written.id.counter >= held->counter) all.push_back(each);
    }
    return all;
}

void client_engine::accept_loss() {
    {
        const std::lock_guard lock(mutex_);
        accepts_loss_ = true;
        own_.clear();
        lacking_ = {};
    }
    ring();
}

// ---------------------------------------------------------------- the thread

void client_engine::run() {
    try {
        search(clock::now());
        while (!ending_) {
            wait();
            take_submissions();
            const auto at = clock::now();
            if (link_) read();
            leave_member(at);
            if (!is_open_) search(at);
            if (at >= tended_ + tended_every) tend(at);
            flush();
        }
    } catch (const std::exception& failure) { // no descriptors or memory: what waits is answered
        const std::lock_guard lock(mutex_);
        last_refusal_ = error{errc::network, std::string("the client's connection: ") + failure.what()};
    }
    link_.reset();
    std::vector<client_op> late;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        member_.reset();
        late = std::exchange(submitted_, {});
    }
    changed_.notify_all();
    for (auto& each : late) each.done(error{errc::unreachable, "the client is closed"});
    while (!ops_.empty()) {
        const auto& [number, each] = *ops_.begin();
        const bool may_be_made = each.sent && client::is_write(each.op.call.what.what);
        finish(number, may_be_made ? error{errc::unknown, "the client was closed before the answer came"}
                                   : error{errc::unreachable, "the client is closed"});
    }
}

void client_engine::wait() {
    std::vector<zmq::pollitem_t> all{{nullptr, bell_.get(), ZMQ_POLLIN, 0}};
    if (link_) {
        all.push_back({link_->dealer().handle(), 0, ZMQ_POLLIN, 0});
        all.push_back({link_->monitor().handle(), 0, ZMQ_POLLIN, 0});
    }
    auto at_most = std::chrono::milliseconds{tended_every};
    if (!is_open_) {
        for (const int each : doors_.descriptors())
            all.push_back({nullptr, each, ZMQ_POLLIN | ZMQ_POLLERR, 0});
        at_most = 5ms;
    }
    uninterrupted([&] { return zmq::poll(all.data(), all.size(), at_most); });
}

void client_engine::take_submissions() {
    std::uint64_t rung = 0;
    if (rung_) {
        [[maybe_unused]] const auto got = ::read(bell_.get(), &rung, sizeof rung);
        rung_ = false;
    }
    std::vector<client_op> news;
    bool forgets = false;
    {
        const std::lock_guard lock(mutex_);
        news.swap(submitted_);
        forgets = std::exchange(accepts_loss_, false);
    }
    const auto at = clock::now();
    for (auto& each : news) {
        const auto number = ++last_number_;
        each.call.what.number = number;
        auto& made = ops_[number];
        made.op = std::move(each);
        made.since = at;
        unsent_.push_back(number);
    }
    if (!forgets) return;
    seen_ = {};
    if (is_open_) open();
}

// ---------------------------------------------------------------- finding a member

void client_engine::search(clock::time_point now) {
    doors_.look(now);
    if (doors_.has_found()) {
        const std::lock_guard lock(mutex_);
        if (!is_found_) changed_.notify_all();
        is_found_ = true;
    }
    if (link_) {
        const auto state = link_->look();
        if (state == door_link::state::denied) {
            const std::lock_guard lock(mutex_);
            last_refusal_ =
                error{errc::refused, link_->endpoint() + " does not accept the key of this client, " +
                                         (key_ ? "or has none" : "which is none")};
            changed_.notify_all();
        }
        if (state == door_link::state::fine && now < dialled_ + greeted_within) return;
        link_.reset();
    }
    if (const auto endpoint = doors_.next()) return dial(*endpoint);
    {
        const std::lock_guard lock(mutex_);
        if (last_refusal_ && !all_tried_) changed_.notify_all();
        all_tried_ = true;
    }
    if (now < lost_at_ + rounds_apart || now < dialled_ + rounds_apart) return;
    dialled_ = now;
    doors_.begin_again({});
}

void client_engine::dial(const std::string& endpoint) {
    dialled_ = clock::now();
    link_.reset();
    link_ = std::make_unique<door_link>(context_, endpoint, key_);
    open();
}

// OPEN goes out before the connection is made: libzmq sends it with the handshake's end.
void client_engine::open() {
    client::open f;
    f.cluster = settings_.cluster;
    f.id = id_;
    f.name = settings_.name;
    const std::string token = key_ ? key_->token() : std::string{};
    f.token = token;
    f.patience_ms = static_cast<std::uint64_t>(std::max(settings_.patience, 0ms).count());
    f.seen = seen_;
    std::string bytes;
    client::encode(f, bytes);
    is_open_ = false;
    heard_ = spoke_ = clock::now();
    link_->send(bytes);
}

void client_engine::lose(const std::string& first) {
    doors_.begin_again(first); // which may be the link's own
    link_.reset();
    is_open_ = leaves_ = false;
    lost_at_ = clock::now();
    const std::lock_guard lock(mutex_);
    member_.reset();
}

// A watch, but for its beginning before that has been sent.
bool client_engine::is_of_session(const pending& op) {
    const auto& what = op.op.call.what;
    return what.what == client::verb::watch && (op.sent || (what.flags & client::call::begins) == 0);
}

// A member remembers what it has done for a client. Another one does not know what its predecessor has done.
void client_engine::resend(bool same_member, bool known) {
    under_way_ = 0;
    unsent_.clear();
    std::vector<std::uint64_t> all;
    all.reserve(ops_.size());
    for (const auto& [number, each] : ops_) all.push_back(number);
    std::sort(all.begin(), all.end());
    for (const auto number : all) {
        auto& each = ops_.at(number);
        const bool is_write = client::is_write(each.op.call.what.what);
        if (is_of_session(each)) {
            finish(number, error{errc::leaving, "the connection to the member is gone"});
            continue;
        }
        if (each.sent && is_write && !(same_member && known) && each.op.retry == client_retry::never) {
            finish(number,
                   error{errc::unknown, "the connection broke before the answer came: the write may have "
                                        "been made"});
            continue;
        }
        each.offset = 0;
        unsent_.push_back(number);
    }
}

void client_engine::note_leaving() {
    if (!leaves_) leaves_since_ = clock::now();
    leaves_ = true;
}

// ---------------------------------------------------------------- what goes out

void client_engine::flush() {
    if (!is_open_) return;
    while (!moves() && send_one()) {
    }
    const bool owes = taken_ - said_ >= credit_ / 4;
    const auto at = clock::now();
    if (!owes && at < spoke_ + speak_every) return;
    std::string bytes;
    client::encode(client::credit{taken_, !owes}, bytes);
    said_ = taken_;
    spoke_ = at;
    sent_ += bytes.size();
    link_->send(bytes);
}

// One message: as many calls as fit, or one part of a large value.
bool client_engine::send_one() {
    std::string bytes;
    while (!unsent_.empty() && bytes.size() < message_bytes_usual) {
        const auto at = ops_.find(unsent_.front());
        if (at == ops_.end()) {
            unsent_.pop_front();
            continue;
        }
        auto& of = at->second;
        auto f = of.op.call.view();
        const bool is_write = client::is_write(f.what);
        if (of.offset == 0 && under_way_ >= under_way_max) break;
        const auto left = is_write ? f.value.size() - of.offset : 0;
        const auto part = std::min(left, client::part_bytes);
        const auto needs = f.key.size() + f.element.size() + (is_write ? part : f.value.size()) + 128;
        if (sent_ + bytes.size() + needs > told_ + credit_) break;
        if (!bytes.empty() && bytes.size() + needs > client::message_bytes_max / 2) break;
        if (is_write) {
            f.value = f.value.substr(of.offset, part);
            f.offset = of.offset;
            if (part < left) f.flags |= client::call::more;
        }
        if (of.offset == 0) ++under_way_;
        of.sent = true;
        client::encode(f, bytes);
        of.offset += part;
        if (part == left) unsent_.pop_front();
    }
    if (bytes.empty()) return false;
    sent_ += bytes.size();
    spoke_ = clock::now();
    link_->send(bytes);
    return true;
}

// A member that leaves answers what is under way, and new calls wait for the next member. If none is known,
// this one still answers reads.
bool client_engine::moves() const { return leaves_ && link_ && doors_.knows_others(link_->endpoint()); }

void client_engine::leave_member(clock::time_point now) {
    if (!is_open_ || !moves()) return;
    if (under_way_ != 0 && (unsent_.empty() || now < leaves_since_ + patience_with_leaver)) return;
    doors_.forget(link_->endpoint());
    lose({});
}

void client_engine::tend(clock::time_point now) {
    tended_ = now;
    if (is_open_ && now > heard_ + silent_after) lose({});
    if (is_open_ || now < lost_at_ + settings_.reach_within) return;
    std::vector<std::uint64_t> over;
    for (const auto& [number, each] : ops_) {
        if (now >= each.since + settings_.reach_within) over.push_back(number);
    }
    std::optional<error> refusal;
    {
        const std::lock_guard lock(mutex_);
        refusal = last_refusal_;
    }
    for (const auto number : over) {
        const auto& each = ops_.at(number);
        if (each.sent && client::is_write(each.op.call.what.what)) {
            finish(number,
                   error{errc::unknown, "no member can be reached any more: the write may have been made"});
        } else {
            finish(number,
                   refusal.value_or(error{errc::unreachable, "no member of cluster '" + settings_.cluster +
                                                                 "' with a door can be reached"}));
        }
    }
}

} // namespace baton::shell
