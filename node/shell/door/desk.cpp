#include "shell/door/desk.hpp"

#include "discovery/address.hpp"
#include "discovery/search.hpp"
#include "shell/text.hpp"
#include "shell/threads.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;
namespace client = wire::client;

namespace {

constexpr std::size_t messages_per_turn = 256, guests_kept_per_place = 2;
constexpr std::size_t results_max = 1024, arriving_max = 8, message_bytes = std::size_t{64} << 10;
constexpr auto silent_for = 10s, results_for = 60s, stuck_for = 10s;
constexpr auto tend_every = 250ms, looks_apart = 5ms;
constexpr std::size_t doors_max = 16;

std::string shortened(std::string_view sentence) {
    return std::string(sentence.substr(0, client::text_bytes_max));
}

} // namespace

desk::desk(io_thread& engine, const options& settings, const replica_id& self, std::string endpoint,
           std::unique_ptr<door_socket> door)
    : engine_(engine)
    , settings_(settings)
    , self_(self)
    , endpoint_(std::move(endpoint))
    , door_endpoint_(discovery::endpoint_of(discovery::host_in(endpoint_), door->port()))
    , door_(std::move(door))
    , mail_(std::make_shared<mailbox>())
    , watches_(engine_, settings_.limits.watch_keys_max, mail_) {
    if (auto opened = unicast_socket::open(settings_.host, 0, settings_.wait_for_interface))
        searches_.emplace(std::move(*opened));
    engine_.on_searches([mail = mail_](std::string from, std::string_view bytes) {
        mail->offer({std::move(from), std::string(bytes)});
    });
    thread_ = start_thread([this] { run(); });
}

desk::~desk() {
    engine_.on_searches({});
    ending_ = true;
    mail_->ring();
    thread_.join();
}

void desk::run() {
    try {
        while (!ending_) {
            wait();
            broken_links_ += door_->tend();
            read_messages();
            for (auto& each : mail_->take()) take(each);
            look();
            if (const auto at = now(); at >= tended_ + tend_every) tend(at);
            flush();
        }
        for (auto& each : mail_->take()) take(each);
        flush();
    } catch (const std::exception& failure) { // clients notice that the door is shut
        engine_.remark("event=door_failed reason=\"" + std::string(failure.what()) + '"');
        engine_.on_searches({});
    }
    door_.reset(); // by the thread that has used its sockets
}

void desk::wait() {
    const bool is_waiting = std::any_of(guests_.begin(), guests_.end(),
                                        [](const auto& each) { return !each.second.behind.empty(); });
    std::array<zmq::pollitem_t, 3> all{zmq::pollitem_t{door_->router().handle(), 0, ZMQ_POLLIN, 0},
                                       zmq::pollitem_t{door_->monitor().handle(), 0, ZMQ_POLLIN, 0},
                                       zmq::pollitem_t{nullptr, mail_->fd(), ZMQ_POLLIN, 0}};
    const auto at_most = !listing_.empty() || watches_.is_busy() ? 0ms
                         : is_waiting                            ? looks_apart
                                                                 : tend_every;
    uninterrupted([&] { return zmq::poll(all.data(), all.size(), at_most); });
}

void desk::read_messages() {
    std::string route;
    zmq::message_t message;
    for (std::size_t i = 0; i < messages_per_turn && door_->receive(route, message); ++i)
        take(route, message.to_string_view());
}

guest* desk::of_client(const replica_id& id) {
    const auto at = guests_.find(id);
    return at == guests_.end() ? nullptr : &at->second;
}

void desk::take(const std::string& route, std::string_view bytes) {
    const auto known = by_route_.find(route);
    if (known != by_route_.end()) {
        auto& of = guests_.at(known->second);
        of.heard = now();
        of.taken += bytes.size();
        if (of.taken > of.told + settings_.clients.credit_bytes)
            return part_from(of, why::flood, "the client has sent more than it had credit for");
    }
    for (client::message_reader in(bytes); !in.done();) {
        const auto frame = in.next();
        const auto at = by_route_.find(route);
        auto* const of = at == by_route_.end() ? nullptr : &guests_.at(at->second);
        if (!frame) {
            if (of != nullptr) return part_from(*of, why::stranger, "a frame is " + frame.error().what);
            return refuse(route, why::stranger, "a frame is " + frame.error().what);
        }
        if (const auto* const opening = std::get_if<client::open>(&*frame)) {
            take(route, *opening);
        } else if (of == nullptr) {
            return refuse(route, why::stranger, "send OPEN first");
        } else if (const auto* const asked = std::get_if<client::call>(&*frame)) {
            take(*of, *asked);
        } else if (const auto* const more = std::get_if<client::credit>(&*frame)) {
            take(*of, *more);
        }
    }
}

// ---------------------------------------------------------------- who comes in

void desk::take(const std::string& route, const client::open& f) {
    const auto ours = wire::versions{client::version_min, client::version_max};
    const auto is = "the client '" + printable(f.name) + "' ";
    if (ours.common(f.versions) == 0)
        return refuse(route, why::version,
                      is + "speaks versions " + f.versions.to_string() + ", this member " + ours.to_string());
    if (f.cluster != settings_.cluster)
        return refuse(route, why::cluster,
                      is + "is of cluster '" + printable(f.cluster) + "', this member of '" +
                          printable(settings_.cluster) + "'");
    keys_ = engine_.with([](core::mesh& mesh) { return mesh.keys(); });
    const auto rights =
        keys_.empty() ? std::optional(discovery::access{}) : discovery::access_of(f.token, keys_);
    if (!rights) return refuse(route, why::token, is + "has no key of this mesh");
    if (leaving_) return refuse(route, why::leaving, "this member leaves");
    auto* of = of_client(f.id);
    const bool known = of != nullptr;
    const auto connected = by_route_.size() - (known && !of->route.empty() ? 1 : 0);
    if (connected >= settings_.clients.clients_max)
        return refuse(route, why::many,
                      "this member has " + std::to_string(settings_.clients.clients_max) +
                          " clients already");
    if (!known) {
        if (guests_.size() >= guests_kept_per_place * settings_.clients.clients_max) {
            auto oldest = guests_.end();
            for (auto each = guests_.begin(); each != guests_.end(); ++each) {
                if (each->second.route.empty() &&
                    (oldest == guests_.end() || each->second.heard < oldest->second.heard))
                    oldest = each;
            }
            if (oldest != guests_.end()) guests_.erase(oldest);
        }
        of = &guests_[f.id];
        of->id = f.id;
    } else {
        by_route_.erase(of->route);
    }
    by_route_[route] = f.id;
    of->route = route;
    of->name = printable(f.name);
    of->rights = *rights;
    of->heard = of->moved = now();
    of->patience = std::chrono::milliseconds{f.patience_ms};
    of->taken = of->told = of->sent = of->confirmed = 0;
    of->replies.clear(); // it repeats what it has no answer to
    of->arriving.clear();
    of->behind.clear();
    for (const auto number : watches_.end_all(f.id)) of->under_way.erase(number); // it begins them anew
    of->sent_cut = f.seen;
    of->generation = 0;
    of->question = 0;
    of->owed = engine_.with([&](core::mesh& mesh) { return mesh.state().covers(f.seen); }) ? cut{} : f.seen;
    greet(*of, known);
    of->sent = 0;
}

void desk::greet(guest& of, bool known) {
    if (doors_.empty()) doors_ = doors();
    client::welcome f;
    f.id = self_;
    f.name = settings_.name;
    f.flags = known ? std::uint64_t{client::welcome::known} : 0;
    f.credit_bytes = settings_.clients.credit_bytes;
    f.silent_ms = static_cast<std::uint64_t>(std::chrono::milliseconds{silent_for}.count());
    f.doors = doors_;
    say(of, f);
}

// It counts against the credit of the client, except the first WELCOME, with which the count begins.
void desk::say(guest& of, const client::frame& what) {
    std::string bytes;
    client::encode(what, bytes);
    of.sent += bytes.size();
    (void)door_->send(of.route, bytes);
}

void desk::refuse(const std::string& route, why reason, const std::string& sentence) {
    client::refused f;
    const auto text = shortened(sentence);
    f.reason = reason;
    f.sentence = text;
    f.cluster = settings_.cluster;
    std::string bytes;
    client::encode(f, bytes);
    (void)door_->send(route, bytes);
    if (reason == why::leaving || reason == why::stranger) return; // nobody is at fault
    if (const auto at = now(); at >= refusals_at_ + 1s) {
        refusals_at_ = at;
        refusals_told_ = 0;
    }
    if (++refusals_told_ <= 5) engine_.remark("event=client_refused reason=\"" + text + '"');
}

void desk::part_from(guest& of, why reason, const std::string& sentence) {
    refuse(of.route, reason, sentence);
    disconnect(of);
}

// It repeats what it has no answer to, so nothing that takes memory is kept for it.
void desk::disconnect(guest& of) {
    by_route_.erase(of.route);
    of.route.clear();
    of.replies.clear();
    of.arriving.clear();
    of.behind.clear();
    for (const auto number : watches_.end_all(of.id)) of.under_way.erase(number);
}

std::string desk::doors() const {
    std::string all;
    std::size_t count = 0;
    for (const auto& each : engine_.members()) {
        if (each.state != member_state::up || each.client_endpoint.empty() || count == doors_max) continue;
        if (all.size() + each.client_endpoint.size() >= client::doors_bytes_max) break;
        if (!all.empty()) all += ' ';
        all += each.client_endpoint;
        ++count;
    }
    return all;
}

// ---------------------------------------------------------------- calls and credit

void desk::take(guest& of, const client::credit& f) {
    if (f.taken > of.sent || f.taken < of.confirmed)
        return part_from(of, why::flood, "the client confirms more than it was sent");
    if (f.taken != of.confirmed) of.moved = now();
    of.confirmed = f.taken;
    if (!f.wants_answer) return;
    of.told = of.taken;
    say(of, client::credit{of.taken, false});
}

void desk::take(guest& of, const call& f) {
    if (const auto done = of.results.find(f.number); done != of.results.end()) {
        of.replies.push_back(done->second.reply);
        return;
    }
    if (client::is_write(f.what) && f.number <= of.forgotten)
        return fail(of, f, {errc::unknown, "the result of this write is forgotten"});
    if (of.under_way.contains(f.number)) return;
    if (of.unanswered() >= client::calls_max)
        return part_from(of, why::flood,
                         "the client has more than " + std::to_string(client::calls_max) +
                             " calls under way");
    if (held_bytes_ + f.value.size() > settings_.clients.bytes_max)
        return fail(of, f, {errc::busy, "this member holds clients.bytes_max for its clients already"});
    kept_call whole;
    if (const auto complete = assemble(of, f, whole)) begin(of, *complete);
}

// A value over part_bytes comes in parts, each of which goes on where the last one ended.
std::optional<desk::call> desk::assemble(guest& of, const call& f, kept_call& whole) {
    const bool is_part = (f.flags & call::more) != 0 || (client::is_write(f.what) && f.offset != 0);
    if (!is_part) return f;
    if (f.offset == 0) of.arriving.insert_or_assign(f.number, kept_call(f));
    const auto at = of.arriving.find(f.number);
    const auto drop = [&](errc code, const char* sentence) {
        if (at != of.arriving.end()) of.arriving.erase(at);
        fail(of, f, {code, sentence});
        return std::nullopt;
    };
    if (at == of.arriving.end()) return std::nullopt; // of a call that has failed already
    if (of.arriving.size() > arriving_max)
        return drop(errc::busy, "too many values arrive in parts at a time");
    if (f.offset != 0) {
        if (f.offset != at->second.value.size()) return drop(errc::bad_argument, "a part is missing");
        if (f.offset + f.value.size() > client::whole_bytes_max)
            return drop(errc::value_too_long, "the value is over 8 MiB");
        at->second.value += f.value;
    }
    if ((f.flags & call::more) != 0) return std::nullopt;
    whole = std::move(at->second);
    of.arriving.erase(at);
    whole.what.flags &= ~std::uint64_t{call::more};
    whole.what.offset = 0;
    return whole.view();
}

// ---------------------------------------------------------------- replies

void desk::answer(guest& of, kept_reply reply, bool is_write) {
    reply.text.resize(std::min(reply.text.size(), client::text_bytes_max));
    if (is_write) {
        of.results[reply.what.number] = {now(), reply};
        if (of.results.size() > results_max) {
            of.forgotten = std::max(of.forgotten, of.results.begin()->first);
            of.results.erase(of.results.begin());
        }
    }
    of.under_way.erase(reply.what.number);
    if (!of.route.empty()) of.replies.push_back(std::move(reply));
}

// What was surely not done is not remembered: it may be tried again.
void desk::fail(guest& of, const call& f, const error& failure) {
    kept_reply reply;
    reply.what.number = f.number;
    reply.failure = to_string(failure.code);
    reply.text = failure.what;
    const bool not_done = failure.code == errc::busy || failure.code == errc::leaving ||
                          failure.code == errc::behind || failure.code == errc::lost ||
                          failure.code == errc::unknown;
    answer(of, std::move(reply), wire::client::is_write(f.what) && !not_done);
}

void desk::flush() {
    held_bytes_ = watch_bytes_;
    for (auto& [id, of] : guests_) {
        if (!of.route.empty()) flush(of);
        for (const auto& each : of.replies) held_bytes_ += each.bytes();
        for (const auto& each : of.behind) held_bytes_ += each.bytes();
        for (const auto& [number, each] : of.arriving) held_bytes_ += each.bytes();
    }
}

// The first reply of a message says what has changed in the cut since the last one: so the client knows it
// when it has the reply.
void desk::flush(guest& of) {
    const auto credit = settings_.clients.credit_bytes;
    while (!of.replies.empty()) {
        cut news;
        engine_.with([&](core::mesh& mesh) {
            if (of.generation == mesh.state().generation() + 1) return;
            of.generation = mesh.state().generation() + 1;
            const auto seen = mesh.state().seen();
            for (const auto& each : seen.entries()) {
                if (each.counter > of.sent_cut.of(each.replica)) news.push_back(each);
            }
        });
        const auto needs = of.replies.front().bytes() + 32 * news.size();
        if (of.sent != of.confirmed && of.sent - of.confirmed + needs > credit) {
            if (!news.empty()) of.generation = 0; // to be said with the next one that goes out
            return;
        }
        of.sent_cut.join(news);
        std::string bytes;
        auto first = of.replies.front().view();
        first.seen = std::move(news);
        client::encode(first, bytes);
        of.replies.pop_front();
        while (!of.replies.empty() && bytes.size() + of.replies.front().bytes() <= message_bytes &&
               of.sent - of.confirmed + bytes.size() + of.replies.front().bytes() <= credit) {
            client::encode(of.replies.front().view(), bytes);
            of.replies.pop_front();
        }
        if (of.sent == of.confirmed) of.moved = now();
        of.sent += bytes.size();
        if (!door_->send(of.route, bytes)) { // it repeats its calls when it is back
            disconnect(of);
            return;
        }
    }
    if (of.taken - of.told < credit / 4) return;
    of.told = of.taken;
    say(of, client::credit{of.taken, false});
}

// ---------------------------------------------------------------- the time that passes

void desk::tend(instant at) {
    tended_ = at;
    if (!leaving_ && engine_.is_leaving()) {
        leaving_ = true;
        client::refused f;
        f.reason = why::leaving;
        f.sentence = "this member leaves";
        f.cluster = settings_.cluster;
        for (const auto& [route, id] : by_route_) say(guests_.at(id), f);
        end_watches();
    }
    if (broken_links_ != told_broken_) {
        engine_.remark("event=client_refused reason=\"" + std::to_string(broken_links_ - told_broken_) +
                       " connections broke off in their handshake: no key, or not a client\"");
        told_broken_ = broken_links_;
    }
    end_leases(at);
    watch_bytes_ = watches_.bytes();
    auto now_there = doors();
    const bool moved = now_there != doors_;
    doors_ = std::move(now_there);
    for (auto each = guests_.begin(); each != guests_.end();) {
        auto& of = each->second;
        if (!of.route.empty() && moved) greet(of, true);
        if (!of.route.empty() && at > of.heard + silent_for) disconnect(of);
        if (!of.route.empty() && of.sent != of.confirmed && !of.replies.empty() && at > of.moved + stuck_for)
            part_from(of, why::flood, "the client '" + of.name + "' takes in no more replies");
        while (!of.results.empty() && at > of.results.begin()->second.at + results_for) {
            of.forgotten = std::max(of.forgotten, of.results.begin()->first);
            of.results.erase(of.results.begin());
        }
        each = of.route.empty() && at > of.heard + results_for ? guests_.erase(each) : std::next(each);
    }
}

} // namespace baton::shell
