#include "shell/io_thread.hpp"

#include "discovery/address.hpp"
#include "discovery/search.hpp"
#include "shell/threads.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iterator>
#include <system_error>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t reads_per_wake = 64; // from one socket, then the others have their turn
thread_local bool is_io_thread = false;    // of a node; it sends by settle() only, and holds PUB already
} // namespace

// Timestamps only order concurrent writes: for them the tick of the kernel (1 to 10 ms) is exact enough, and
// every write reads it.
moment io_thread::now() {
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &wall);
    return {instant{std::chrono::steady_clock::now().time_since_epoch()},
            static_cast<std::uint64_t>(wall.tv_sec) * 1000 +
                static_cast<std::uint64_t>(wall.tv_nsec) / 1'000'000};
}

io_thread::io_thread(options settings, core::mesh_options mesh_settings, std::unique_ptr<sockets> owned,
                     std::optional<beacon_socket> beacon, std::vector<interface> interfaces,
                     std::optional<unicast_socket> unicast)
    : settings_(std::move(settings))
    , mesh_(std::move(mesh_settings), now())
    , watches_(settings_.limits.watch_keys_max)
    , events_(settings_.limits.events_max)
    , best_host_(best_host(interfaces))
    , sockets_(std::move(owned))
    , beacon_(std::move(beacon))
    , unicast_(std::move(unicast))
    , resolver_(settings_.dns_servers, names)
    , seen_{std::move(interfaces)}
    , bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
    , timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    watches_.board().pass_to(pending_);
    try {
        if (bell_ < 0 || timer_ < 0)
            throw std::system_error(errno, std::generic_category(), "eventfd or timerfd");
        make_spills();
        thread_ = start_thread([this] { run(); });
    } catch (...) {
        ::close(bell_);
        ::close(timer_);
        throw;
    }
}

io_thread::~io_thread() {
    leave(settings_.destructor_leave_within, 2);
    thread_.join();
    ::close(bell_);
    ::close(timer_);
}

void io_thread::ring() const {
    if (rung_ || rung_.exchange(true)) return; // the I/O thread has not looked since the last time
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_, &one, sizeof one);
}

// ---------------------------------------------------------------- callers

// A single write on an idle wire is sent by its own thread: one thread less to wake. Whoever holds PUB takes
// the batch from the mesh and sends it without letting go, so frames leave in the order of their counters.
// When somebody else has PUB, or writes come in a burst, the bell sees to it.
bool io_thread::send_directly(const moment& at) {
    if (packing_.note_write(at.now) || is_io_thread) return false;
    std::unique_lock publishing(publisher_mutex_, std::try_to_lock);
    if (!publishing || !sockets_) return false;
    {
        const guest lock(*this);
        mesh_.flush(at, direct_out_);
        if (pending_.wants_room()) ring();
    }
    sent_.notify_all();
    for (const auto& action : direct_out_.actions) {
        if (const auto* each = std::get_if<core::send_broadcast>(&action)) sockets_->broadcast(each->bytes);
    }
    direct_out_.clear();
    // Sending may have swallowed the sign that a subscription came in: then the I/O thread has to look.
    return !sockets_->publisher_readable();
}

void io_thread::after_write(std::unique_lock<std::mutex>& lock, const moment& at) {
    if (waiters_ != 0) changed_.notify_all();
    const bool unsent = mesh_.has_unsent(), news = mesh_.has_news();
    collect();
    lock.unlock();
    watches_.ring();
    if ((unsent && !send_directly(at)) || news) ring();
}

void io_thread::collect() const {
    watches_.collect(mesh_.state().notes());
    if (pending_.has_ready()) ring();
}

void io_thread::begin_leave(std::chrono::milliseconds within, std::size_t copies, bool nobody_stays) {
    const guest lock(*this);
    if (leaving_) return;
    const auto since = now().now;
    leaving_.emplace(leaving{});
    leaving_->since = since;
    leaving_->deadline = since + bounded(within);
    leaving_->copies = copies;
    leaving_->nobody_stays = nobody_stays;
    ring();
}

leave_report io_thread::leave(std::chrono::milliseconds within, std::size_t copies, bool nobody_stays) {
    begin_leave(within, copies, nobody_stays);
    std::unique_lock lock(mutex_, std::defer_lock);
    enter(lock);
    changed_.wait(lock, [this] { return stopped_; });
    return *leaving_->report;
}

node_stats io_thread::stats() const {
    auto all = with([this](core::mesh& mesh) {
        auto numbers = mesh.stats();
        numbers.acknowledged = pending_.met;
        return numbers;
    });
    all.members = members();
    all.sends_refused += sends_refused_;
    return all;
}

std::vector<member> io_thread::members() const {
    constexpr std::size_t members_a_hold = 32;
    std::vector<member> all;
    for (replica_id after{};;) {
        auto some = with([&](core::mesh& mesh) { return mesh.members(after, members_a_hold); });
        if (some.empty()) break;
        after = some.back().id;
        std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    core::sort_by_name(all);
    return all;
}

std::string io_thread::host() const {
    const guest lock(*this);
    return best_host_;
}

void io_thread::on_merges(std::function<void()> hook) {
    const guest lock(*this);
    merges_ready_ = std::move(hook);
}

void io_thread::on_searches(std::function<void(std::string, std::string_view)> hook) {
    const guest lock(*this);
    search_ = std::move(hook);
}

bool io_thread::is_leaving() const {
    const guest lock(*this);
    return leaving_.has_value();
}

void io_thread::remark(std::string line) {
    const guest lock(*this);
    if (remarks_.size() < 64) remarks_.push_back(std::move(line));
}

void io_thread::know_types(std::unique_lock<std::mutex>& lock) {
    while (mesh_.state().folding_typed()) {
        (void)mesh_.state().fold(256);
        lock.unlock();
        lock.lock();
    }
}

void io_thread::hurry() {
    hurry_ = true;
    ring();
}

// ---------------------------------------------------------------- the I/O thread

void io_thread::loop() {
    is_io_thread = true;
    auto& sources = sockets_->sources();
    sources.add_bell(bell_);
    sources.add_bell(timer_);
    if (addresses_.fd() >= 0) sources.add(addresses_.fd(), addresses);
    if (beacon_) {
        for (const int fd : {beacon_->fd(), beacon_->ipv6_fd()}) {
            if (fd >= 0) sources.add(fd, beacons);
        }
    }
    if (unicast_ && unicast_->fd() >= 0) sources.add(unicast_->fd(), datagrams);
    wake_at_ = now().now;
    seen_.look_at = wake_at_; // something may have changed before there was somebody to hear of it
    begin_spills();
    while (!ended_) {
        poll();
        rounds_.fetch_add(1, std::memory_order_relaxed);
        tell_unnamed();
        const std::lock_guard publishing(publisher_mutex_);
        answer_bell();
        read_subscriber(); // what others wrote before anything else: somebody waits to see it
        read_publisher();
        read_router();
        read_links();
        read_beacons();
        read_datagrams();
        read_doors();
        read_knocks();
        read_names();
        watch_addresses();
        tend_gates();
        if (now().now >= wake_at_) give(core::time_passed{}, {});
        if (pending_.any()) work_on_pending();
        tend_spills();
        manage_leave();
    }
}

// While writes are packed the bell stays silent: writers do not pay for what would only be noticed later.
void io_thread::answer_bell() {
    const auto at = now().now;
    if (!rung_ || packing_.is_packing(at)) return;
    rung_ = false; // before looking, so that whatever is written after the look rings again
    sockets_->sources().touched(publications); // a caller rings also for what its sending has hidden
    const auto packed = with([](const core::mesh& mesh) { return mesh.unsent_bytes(); });
    settle();
    packing_.sent(at, packed);
}

// Milliseconds are too coarse for packing: the timer wakes poll() in time for it.
void io_thread::arm_timer(mesh_clock::duration in) {
    itimerspec when{};
    when.it_value.tv_nsec = std::max<std::int64_t>(in.count(), 1);
    ::timerfd_settime(timer_, 0, &when, nullptr);
}

void io_thread::poll() {
    const auto at = now().now;
    const bool rung = rung_, packing = rung && packing_.is_packing(at);
    if (packing) arm_timer(packing_.until() - at);
    bool due = rung && !packing;
    auto next =
        std::min({wake_at_, pending_at_, seen_.look_at, gatekeeper_.due(), knocker_.due(), names_at_});
    if (found_spills_) {
        due = leave_file_->take_due() || found_spills_->is_due() || due;
        next = std::min(next, found_spills_->next_look());
    }
    const auto left = due ? 0ms : std::chrono::ceil<std::chrono::milliseconds>(next - at);
    sockets_->sources().wait(std::clamp(left, 0ms, 1000ms));
}

// One input: into the mesh, then everything it makes possible, then what it wants sent.
void io_thread::give(const core::input& in, std::string_view host) {
    core::verdict verdict;
    {
        const std::lock_guard lock(mutex_);
        verdict = mesh_.step(now(), in, out_);
        publish(out_);
    }
    perform();
    if (!verdict) complain(host, verdict.refused);
    settle();
}

// Slices of work until none is left. Between two, whoever waits for the lock has it first.
void io_thread::settle() {
    for (bool more = true; more;) {
        {
            const std::lock_guard lock(mutex_);
            more = mesh_.work(now(), out_);
            publish(out_);
        }
        perform();
        if (more) give_way();
    }
    sent_.notify_all();
}

void io_thread::give_way() const {
    for (int tries = 0; tries < 200 && at_door_.load(std::memory_order_relaxed) != 0; ++tries)
        std::this_thread::yield();
}

// Under the lock: what readers and waiters are to know.
void io_thread::publish(core::outbox& out) {
    if (out.wake_at) wake_at_ = *out.wake_at;
    const bool news = !out.events.empty() || out.events_applied != 0 || out.acknowledged;
    out.acknowledged = false;
    for (auto& each : out.events) {
        log(log_level::info, line_of(each));
        events_.push(std::move(each));
    }
    collect();
    if (settings_.log) {
        for (const auto& each : out.traces) {
            log(log_level::debug, "trace=\"" + std::string(each.what) +
                                      "\" id=" + each.who.to_string().substr(0, 8) +
                                      " a=" + std::to_string(each.a) + " b=" + std::to_string(each.b));
        }
    }
    for (const auto& line : remarks_) log(log_level::warning, line);
    remarks_.clear();
    for (const auto& line : out.remarks) log(log_level::warning, line);
    out.remarks.clear();
    out.events.clear();
    out.traces.clear();
    if (out.merges_ready && merges_ready_) merges_ready_();
    if (news) pending_.note_news();
    if (news && waiters_ != 0) changed_.notify_all();
}

// ---------------------------------------------------------------- sockets → inputs

// Each reads from its socket until nothing is left, or until it is the others' turn.

bool io_thread::take(source of) {
    auto& sources = sockets_->sources();
    if (!sources.is_pending(of)) return false;
    sources.drained(of);
    return true;
}

void io_thread::read_publisher() {
    auto& sources = sockets_->sources();
    for (std::size_t i = 0; i < reads_per_wake && sources.is_pending(publications); ++i) {
        zmq::message_t message;
        if (!receive(sockets_->publisher(), message)) return sources.drained(publications);
        const auto text = message.to_string_view();
        const auto host = sockets::host_of(message);
        if (text.empty() || text.front() > 1) {
            give(core::noise_arrived{"message to a publisher"}, host);
        } else if (const auto who = sockets::subscriber_of(text.substr(1));
                   who && !sockets_->is_from(message, *who) && sockets::is_of_a_link(message)) {
            give(core::noise_arrived{"stolen identity"}, host);
        } else if (who) {
            give(core::subscriber_changed{*who, text.front() == 1}, host);
        } else if (text.size() > 1) {
            give(core::noise_arrived{"stray subscription"}, host);
        }
    }
}

void io_thread::read_subscriber() {
    auto& sources = sockets_->sources();
    for (std::size_t i = 0; i < reads_per_wake && sources.is_pending(broadcasts); ++i) {
        zmq::message_t message;
        if (!receive(sockets_->subscriber(), message)) return sources.drained(broadcasts);
        give(core::broadcast_arrived{message.to_string_view()}, sockets::host_of(message));
        while (message.more() && receive(sockets_->subscriber(), message)) {
        }
    }
}

void io_thread::read_router() {
    auto& sources = sockets_->sources();
    for (std::size_t i = 0; i < reads_per_wake && sources.is_pending(requests); ++i) {
        zmq::message_t from, message, rest;
        if (!receive(sockets_->router(), from)) return sources.drained(requests);
        if (!from.more() || !receive(sockets_->router(), message)) continue;
        bool more = message.more();
        while (more && receive(sockets_->router(), rest)) more = rest.more();
        const auto host = sockets::host_of(message);
        const auto who = sockets::replica_of(from.to_string_view());
        if (who && !sockets_->is_from(message, *who)) {
            give(core::noise_arrived{"stolen identity"}, host);
        } else if (who) {
            give(core::request_arrived{*who, host, message.to_string_view()}, host);
        } else if (!sockets::is_of_a_replaced_link(from.to_string_view(), message)) {
            give(core::noise_arrived{"request without a routing id"}, host);
        }
    }
}

// Reading may add or remove connections: each is looked up again. What is told of a link comes before what
// came by it.
void io_thread::read_links() {
    const auto& pending = sockets_->sources().pending();
    reading_.assign(std::lower_bound(pending.begin(), pending.end(), first_link), pending.end());
    for (const auto each : reading_) {
        const auto link = static_cast<core::link_id>(each - first_link);
        if (!read_monitor(link) || !read_dealer(link)) continue;
        sockets_->sources().drained(each);
        sockets_->mend(link);
    }
}

bool io_thread::read_monitor(core::link_id link) {
    for (std::size_t i = 0; i < reads_per_wake; ++i) {
        const auto at = sockets_->connections().find(link);
        if (at == sockets_->connections().end()) return true;
        zmq::message_t message, rest;
        if (!receive(at->second.monitor, message)) return true;
        std::uint16_t what = 0;
        std::uint32_t value = 0;
        if (message.size() < sizeof what + sizeof value) continue;
        std::memcpy(&what, message.data(), sizeof what);
        std::memcpy(&value, static_cast<const char*>(message.data()) + sizeof what, sizeof value);
        [[maybe_unused]] const auto endpoint = receive(at->second.monitor, rest);
        if (what == ZMQ_EVENT_CONNECTED) {
            at->second.local = local_host(static_cast<int>(value));
            continue;
        }
        sockets::note_event(at->second, what);
        give(core::link_changed{link, what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED,
                                what == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL},
             {});
    }
    return false;
}

bool io_thread::read_dealer(core::link_id link) {
    for (std::size_t i = 0; i < reads_per_wake; ++i) {
        const auto at = sockets_->connections().find(link);
        if (at == sockets_->connections().end()) return true;
        zmq::message_t message, rest;
        if (!receive(at->second.dealer, message)) return true;
        bool more = message.more();
        while (more && receive(at->second.dealer, rest)) more = rest.more();
        const auto host = sockets::host_of(message);
        give(core::reply_arrived{link, host, message.to_string_view()}, host);
    }
    return false;
}

// The desk answers it, if there is one.
void io_thread::pass_search(std::string endpoint, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (search_) search_(std::move(endpoint), bytes);
}

void io_thread::read_beacons() {
    if (!take(beacons)) return;
    beacon_->receive(reads_per_wake, [this](std::string_view host, std::string_view bytes) {
        if (discovery::is_search(bytes)) return pass_search(discovery::endpoint_of(host, 0), bytes);
        give(core::beacon_arrived{host, bytes}, host);
    });
}

void io_thread::read_datagrams() {
    if (!take(datagrams)) return;
    unicast_->receive(reads_per_wake,
                      [this](std::string_view host, std::string endpoint, std::string_view bytes) {
                          if (discovery::is_search(bytes)) return pass_search(std::move(endpoint), bytes);
                          give(core::datagram_arrived{host, std::move(endpoint), bytes}, host);
                      });
}

void io_thread::read_knocks() {
    auto& sources = sockets_->sources();
    const auto at = now().now;
    if (!sources.is_pending(knocks) && at < knocker_.due()) return;
    for (auto& each : knocker_.collect(sources, at)) give(each, {});
}

// libzmq has turned somebody away; it does not say whom. Of two that speak differently the first to notice
// hangs up, which is all that the other one sees.
namespace {
const char* fault_of(std::uint16_t what) {
    if (what == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return "link with a key that no beacon vouches for";
    if (what == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        return "link without encryption, or for another key than ours";
    return "link that broke off in its handshake";
}
} // namespace
void io_thread::read_doors() {
    if (!sockets_->sources().is_pending(refusals)) return;
    bool drained = true;
    for (auto& door : sockets_->doors()) {
        for (std::size_t i = 0; i < reads_per_wake; ++i) {
            zmq::message_t message, rest;
            if (!receive(door, message)) break;
            drained = drained && i + 1 < reads_per_wake;
            std::uint16_t what = 0;
            std::memcpy(&what, message.data(), std::min(sizeof what, message.size()));
            [[maybe_unused]] const auto endpoint = receive(door, rest);
            give(core::noise_arrived{fault_of(what)}, {});
        }
    }
    if (drained) sockets_->sources().drained(refusals);
}

} // namespace baton::shell
