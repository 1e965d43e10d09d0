// client_impl: what client is made of, and how its calls are put together. Private to the shell.
#pragma once

#include "shell/client/client_engine.hpp"
#include "shell/node_impl.hpp"

#include <baton/client.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

namespace shell {

inline kept_call call_of(wire::client::verb what, std::string_view key = {}, std::string_view element = {},
                         std::string_view value = {}) {
    wire::client::call f;
    f.what = what;
    kept_call made(f);
    made.key = key;
    made.element = element;
    made.value = value;
    return made;
}

inline std::uint64_t milliseconds_of(std::chrono::milliseconds wait) {
    return static_cast<std::uint64_t>(io_thread::bounded(wait).count());
}

inline void set_level(kept_call& of, const ack_level& level, std::chrono::milliseconds within) {
    of.what.level = static_cast<std::uint64_t>(level.what);
    of.what.copies = level.count;
    of.what.within_ms = milliseconds_of(within);
}

inline void set_within(kept_call& of, const std::optional<std::chrono::milliseconds>& within) {
    if (!within || within->count() <= 0) return;
    of.what.flags |= wire::client::call::has_within;
    of.what.within_ms = milliseconds_of(*within);
}

/// Error: bad_argument.
inline result<void> set_ttl(kept_call& of, const std::optional<std::chrono::milliseconds>& ttl) {
    if (!ttl) return {};
    if (ttl->count() <= 0 || *ttl > std::chrono::hours{24 * 365 * 100})
        return error{errc::bad_argument, "a ttl is more than 0, and at most 100 years"};
    of.what.ttl_ms = static_cast<std::uint64_t>(ttl->count());
    return {};
}

inline write_result written_by(const kept_reply& got) {
    return {version{got.what.written}, static_cast<std::size_t>(got.what.copies),
            (got.what.flags & wire::client::reply::yes) != 0,
            (got.what.flags & wire::client::reply::changed) != 0};
}

inline stored_value stored_by(kept_reply got) {
    stored_value made;
    made.value = std::move(got.value);
    made.written = version{got.what.written};
    made.siblings = static_cast<std::size_t>(got.what.siblings);
    if (got.what.epoch != 0) made.epoch = owner_epoch{got.what.epoch};
    return made;
}

inline error malformed() {
    return {errc::malformed, "the member's reply does not have the form that it should have"};
}

} // namespace shell

struct client::impl {
    using call = wire::client::call;
    using reply = wire::client::reply;
    using verb = wire::client::verb;
    using kept_call = shell::kept_call;
    using kept_reply = shell::kept_reply;

    client_options settings;
    std::optional<client_key> key;
    int fork_generation = 0;
    std::unique_ptr<shell::client_engine> engine;

    [[nodiscard]] bool forked() const { return shell::forks() != fork_generation; }
    ~impl() {
        if (forked()) (void)engine.release();
    }

    /// Calls `make(kept_reply)` on the engine's thread; the future has its result.
    template <class Result, class Make>
    std::future<Result> send(kept_call what, client_retry retry, Make make) const {
        auto promised = std::make_shared<std::promise<Result>>();
        auto answer = promised->get_future();
        if (forked()) {
            promised->set_value(shell::forked_error());
            return answer;
        }
        if (what.key.size() > wire::client::text_bytes_max ||
            what.element.size() > wire::client::text_bytes_max) {
            promised->set_value(error{errc::key_too_long, "a key, element or field has at most 512 bytes"});
            return answer;
        }
        const bool is_list = what.what.what == verb::stash_all || what.what.what == verb::resolve;
        if (what.value.size() > (is_list ? wire::client::whole_bytes_max : wire::client::value_bytes_max)) {
            promised->set_value(error{errc::value_too_long, "the value is over 8 MiB"});
            return answer;
        }
        engine->submit({std::move(what), retry, [promised, make](result<kept_reply> got) {
                            if (!got) return promised->set_value(got.error());
                            promised->set_value(make(*std::move(got)));
                        }});
        return answer;
    }
    std::future<result<write_result>> write_async(kept_call what, const write_terms& how) const {
        shell::set_level(what, how.ack, how.within);
        return send<result<write_result>>(
            std::move(what), how.retry,
            [](const kept_reply& got) -> result<write_result> { return shell::written_by(got); });
    }
    result<write_result> write(kept_call what, const write_terms& how) const {
        return write_async(std::move(what), how).get();
    }
    result<kept_reply> ask(kept_call what) const {
        return send<result<kept_reply>>(std::move(what), client_retry::never,
                                        [](kept_reply got) -> result<kept_reply> { return got; })
            .get();
    }
    result<bool> is(kept_call what) const {
        return ask(std::move(what)).transform([](const kept_reply& got) {
            return (got.what.flags & reply::yes) != 0;
        });
    }
    result<name_page> page(verb what, std::string_view of, std::string_view from) const {
        auto got = ask(shell::call_of(what, of, from));
        if (!got) return got.error();
        auto names = wire::client::read_entries(got->value);
        if (!names) return shell::malformed();
        name_page made{*std::move(names), {}};
        if ((got->what.flags & reply::more) != 0) made.next = std::move(got->text);
        return made;
    }
    result<std::vector<std::string>> all_pages(verb what, std::string_view of) const {
        std::vector<std::string> all;
        for (std::optional<std::string> from = ""; from;) {
            auto got = page(what, of, *from);
            if (!got) return got.error();
            all.insert(all.end(), std::make_move_iterator(got->names.begin()),
                       std::make_move_iterator(got->names.end()));
            from = std::move(got->next);
        }
        return all;
    }
    /// Every concurrent value, as `of` asks for; once more from the start if one is replaced while its parts
    /// are read.
    result<std::vector<stored_value>> siblings(const kept_call& of) const {
        constexpr int tries = 8;
        for (int i = 0; i < tries; ++i) {
            auto all = listed_siblings(of);
            if (all || all.error().code != errc::conflict) return all;
        }
        return error{errc::conflict, "the values change all the time: read them again"};
    }
    result<std::vector<stored_value>> listed_siblings(const kept_call& of) const {
        const auto listed = ask(of);
        if (!listed) return listed.error();
        const auto entries = wire::client::read_entries(listed->value);
        if (!entries) return shell::malformed();
        std::vector<stored_value> all;
        for (const auto& each : *entries) {
            const auto entry = wire::client::decode_sibling(each);
            if (!entry) return shell::malformed();
            auto value =
                entry->value ? result<std::string>(std::string(*entry->value)) : in_parts(of, *entry);
            if (!value) return value.error();
            const auto epoch = entry->epoch != 0 ? std::optional(owner_epoch{entry->epoch}) : std::nullopt;
            all.push_back({*std::move(value), version{entry->written}, entries->size() - 1, epoch});
        }
        return all;
    }
    /// A value that its list had no room for. Error: conflict, if it has been replaced.
    result<std::string> in_parts(kept_call of, const wire::client::sibling_entry& entry) const {
        std::string value;
        of.what.expected = entry.written;
        while (value.size() < entry.total) {
            of.what.offset = value.size();
            const auto got = ask(of);
            if (!got) return got.error();
            if (got->value.empty()) return shell::malformed();
            value += got->value;
        }
        return value;
    }
    result<leave_report> leave(std::optional<std::chrono::milliseconds> within) const {
        auto what = shell::call_of(verb::leave);
        if (within) {
            what.what.flags |= call::has_within;
            what.what.within_ms = shell::milliseconds_of(*within);
        }
        const auto start = std::chrono::steady_clock::now();
        const auto got = ask(std::move(what));
        if (!got) return got.error();
        leave_report made;
        made.outcome = static_cast<leave_outcome>(got->what.outcome);
        made.copies = static_cast<std::size_t>(got->what.copies);
        made.unsafe = static_cast<std::size_t>(got->what.total);
        if (!got->text.empty()) made.path = got->text;
        made.took = std::chrono::steady_clock::now() - start;
        return made;
    }
};

} // namespace baton
