// client_impl: what client is made of, and how its calls are put together. Private to the shell.
#pragma once

#include "shell/client/client_calls.hpp"
#include "shell/client/client_engine.hpp"
#include "shell/client/client_watches.hpp"
#include "shell/node_impl.hpp"

#include <baton/client.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

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
    std::mutex watches_mutex;
    std::shared_ptr<shell::client_watches> watches_made; ///< with the first one

    /// `self`: this object.
    std::shared_ptr<shell::client_watches> watches(const std::shared_ptr<impl>& self);
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
