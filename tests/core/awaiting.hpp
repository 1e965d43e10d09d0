// awaiting: three settled nodes. The second has lost an event of the first and asks it for a session; the
// test chooses the answer. `unchanged` tells whether the answer has left a trace in the store.
#pragma once

#include "scene.hpp"

namespace baton::sim {

struct awaiting : scene {
    explicit awaiting(world::settings how = {})
        : scene(std::move(how)) {
        gather(3);
        for (process_number who = 0; who < 3; ++who) fill(who, 3);
        settle();
        run_for(1s);
        link = link_to(1, 0);
        set_filter([this](process_number from, process_number to, channel, std::string_view bytes) {
            const auto frame = wire::decode(bytes);
            const auto* const f = frame ? std::get_if<wire::pull>(&*frame) : nullptr;
            if (f != nullptr && from == 1) session = f->session;
            const bool answer = is<wire::state>(bytes) || is<wire::fingerprint>(bytes);
            return !(to == 1 && (is<wire::delta>(bytes) || (answer && mute)));
        });
    }
    /// Returns when the second waits for its answer.
    void provoke() {
        stash(0, 7, "what the second lacks");
        REQUIRE(run_until([this] { return session != 0; }, 1s));
        run_for(5ms);
        before = mesh(1).state().seen();
        sum = mesh(1).state().state_digest();
    }
    /// The reason why it refused the frame; empty: it did not.
    std::string answer(wire::frame f) {
        if (auto* const last = std::get_if<wire::state>(&f); last != nullptr && last->server.is_nil())
            last->server = at(0).id;
        const auto bytes = wire::encode(f);
        const auto* const why = give(1, core::reply_arrived{link, host_of(0), bytes}).refused;
        return why == nullptr ? "" : why;
    }
    /// Sends a frame to the first node in the name of the second.
    std::string request(const wire::frame& f) {
        const auto bytes = wire::encode(f);
        const auto* const why = give(0, core::request_arrived{at(1).id, host_of(1), bytes}).refused;
        return why == nullptr ? "" : why;
    }
    void unchanged() {
        CHECK(mesh(1).state().seen() == before);
        CHECK(mesh(1).state().state_digest() == sum);
        CHECK(mesh(1).state().keys() == 3);
    }
    /// Lets the correct frames through again.
    void recover() {
        mute = false;
        set_filter({});
        settle();
        CHECK(pickup(1, 7) == "what the second lacks");
        CHECK(mesh(1).state().keys() == 4);
    }
    core::link_id link{};
    std::uint64_t session = 0;
    bool mute = true;
    cut before;
    std::optional<digest> sum;
};

} // namespace baton::sim
