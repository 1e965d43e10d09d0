#include "discovery/announcing.hpp"

#include <algorithm>

namespace baton::discovery {

namespace {
constexpr auto answers_apart = std::chrono::milliseconds(100);
}

void announcing::restart(instant now) {
    interval_ = std::min(pace_.first, pace_.usual);
    begun_ = send_at_ = news_at_ = now;
    heard_ = 0;
    fresh_ = true;
    done_ = false;
}

void announcing::news(instant now) {
    news_at_ = now;
    if (interval_ <= pace_.usual) return;
    interval_ = pace_.usual;
    // News may bring the next beacon forward, never put it off.
    send_at_ = std::min(send_at_, now + pace_.usual);
    begun_ = std::min(begun_, now);
}

void announcing::begin(instant now, std::uint64_t chance) {
    begun_ = now;
    heard_ = 0;
    done_ = false;
    const auto half = std::max<mesh_clock::duration>(interval_ / 2, std::chrono::milliseconds(1));
    send_at_ = now + half + mesh_clock::duration(chance % static_cast<std::uint64_t>(half.count()));
}

announcing::verdict announcing::next(instant now, std::uint64_t chance, bool alone) {
    auto what = verdict::nothing;
    if (answer_at_ && now >= *answer_at_) {
        answer_at_.reset();
        if (fresh_ || now - sent_at_ >= answers_apart) what = verdict::send;
    }
    if (!done_ && now >= send_at_) {
        done_ = true;
        const bool starting = fresh_ || interval_ < pace_.usual; // other nodes may not know of this one yet
        if (starting || heard_ < pace_.enough || what == verdict::send)
            what = verdict::send;
        else
            what = verdict::leave_out;
        fresh_ = false;
    }
    if (done_ && now >= begun_ + interval_) {
        const bool quiet = !alone && now - news_at_ >= pace_.quiet_after;
        const auto longest = quiet ? pace_.usual * pace_.quiet_factor : pace_.usual;
        interval_ = std::min<mesh_clock::duration>(2 * interval_, longest);
        begin(now, chance);
    }
    if (what == verdict::send) sent_at_ = now;
    return what;
}

instant announcing::due() const {
    const auto regular = done_ ? begun_ + interval_ : send_at_;
    return answer_at_ ? std::min(*answer_at_, regular) : regular;
}

} // namespace baton::discovery
