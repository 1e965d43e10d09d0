#include "shell/pending.hpp"

#include <algorithm>
#include <limits>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t not_asked = std::numeric_limits<std::uint64_t>::max();
constexpr mesh_clock::duration ask_pause_min = 1ms, ask_pause_max = 100ms; // between two questions
constexpr auto held_up_pause = 10ms; // a handover ends with a change of the key, as a rule
} // namespace

error busy_error() {
    return {errc::busy, "members lag too far behind, or too much is unsent: the write was not made; try "
                        "again later"};
}

error left_error() {
    return {errc::leaving, "the node has left, or its I/O thread has failed: it accepts no more writes"};
}

const core::absence& pending_view::absence() const {
    auto& judged = others.judged_;
    if (!judged || judged->first != question) judged.emplace(question, mesh.judge_absence(question));
    return judged->second;
}

// ---------------------------------------------------------------- one call

pending_calls::call pending_calls::begin(call what, instant until, core::mesh& mesh, const moment& at,
                                         const leave_report* ended) {
    const auto of = ++last_;
    auto& e = calls_[of];
    e.what = std::move(what);
    e.until = until;
    if (until != instant::max()) ends_.emplace(until, of);
    some_ = true;
    std::vector<call> done;
    pass now{mesh, at, done};
    judged_.reset();
    if (!look(now, of, ended != nullptr ? occasion::end : occasion::news, ended) && until <= at.now)
        look(now, of, occasion::late);
    return done.empty() ? nullptr : std::move(done.front());
}

// True if it is over.
bool pending_calls::look(pass& now, number of, occasion why, const leave_report* left) {
    auto& e = calls_.at(of);
    ++now.looked;
    e.ready.reset();
    const bool first = room_.empty() || of <= *room_.begin();
    const auto next = e.what->look({now.mesh, now.at, why, first, e.question, left, *this});
    if (why == occasion::late) {
        ends_.erase({e.until, of});
        e.until = instant::max();
    }
    if (next.index() != e.at.index()) {
        take_out(of, e);
        e.at = next;
        place(of, e, now.mesh, now.at);
    } else if (why == occasion::answered) {
        held_up_.insert(of); // all have answered, and it is not over
    }
    if (!std::holds_alternative<over>(next)) return false;
    if (e.until != instant::max()) ends_.erase({e.until, of});
    leave_question(of, e, now.mesh);
    now.done.push_back(std::move(e.what));
    calls_.erase(of);
    some_ = !calls_.empty();
    return true;
}

void pending_calls::place(number of, entry& e, core::mesh& mesh, const moment& at) {
    if (std::holds_alternative<for_room>(e.at)) {
        room_.insert(of);
    } else if (const auto* const name = std::get_if<for_key>(&e.at)) {
        e.key = by_key_.try_emplace(std::string(name->key)).first;
        e.key->second.insert(of);
        if (name->asks && e.question == 0) join_question(of, e, mesh, at);
    } else if (const auto* const proof = std::get_if<for_holders>(&e.at)) {
        const auto& [id, level, all] = *proof->wanted;
        e.awaits = lines_.try_emplace(line{id.replica, level.what, level.count, all}).first;
        e.awaits->second.emplace(id.counter, of);
        asked_ = true;
    } else if (std::holds_alternative<for_types>(e.at)) {
        types_.insert(of);
    } else if (std::holds_alternative<for_sync>(e.at)) {
        syncs_.insert(of);
    }
}

void pending_calls::take_out(number of, entry& e) {
    if (std::holds_alternative<for_room>(e.at)) {
        room_.erase(of);
    } else if (std::holds_alternative<for_key>(e.at)) {
        e.key->second.erase(of);
        if (e.key->second.empty()) by_key_.erase(e.key);
        held_up_.erase(of);
    } else if (const auto* const proof = std::get_if<for_holders>(&e.at)) {
        e.awaits->second.erase({proof->wanted->id.counter, of});
        if (e.awaits->second.empty()) lines_.erase(e.awaits);
    } else {
        types_.erase(of);
        syncs_.erase(of);
    }
}

void pending_calls::make_ready(number of, occasion why) {
    auto& e = calls_.at(of);
    if (!e.ready) ready_.push_back(of);
    if (!e.ready || why == occasion::answered) e.ready = why;
}

// ---------------------------------------------------------------- questions to all members

// Calls that begin within a round trip share a question; the question is put after each of them began.
void pending_calls::join_question(number of, entry& e, core::mesh& mesh, const moment& at) {
    e.question = not_asked;
    unasked_.insert(of);
    if (at.now >= ask_next_at_) begin_question(mesh, at);
}

void pending_calls::begin_question(core::mesh& mesh, const moment& at) {
    const auto put = mesh.begin_question(at);
    auto& asked = questions_[put];
    asked.users = unasked_.size();
    for (const auto of : unasked_) {
        auto& e = calls_.at(of);
        e.question = put;
        const auto* const name = std::get_if<for_key>(&e.at);
        if (name != nullptr && name->known) asked.waiting.insert(of);
    }
    unasked_.clear();
    ask_next_at_ = at.now + std::clamp(mesh.round_trip(), ask_pause_min, ask_pause_max);
    asked_ = news_ = true; // it may be answered already, where there is nobody to ask
}

void pending_calls::leave_question(number of, entry& e, core::mesh& mesh) {
    unasked_.erase(of);
    const auto at = questions_.find(e.question);
    if (at == questions_.end()) return;
    at->second.waiting.erase(of);
    if (--at->second.users != 0) return;
    mesh.end_question(at->first);
    questions_.erase(at);
}

// ---------------------------------------------------------------- what happened

void pending_calls::note(std::string_view key) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return;
    for (const auto of : at->second) make_ready(of, occasion::news);
}

void pending_calls::note_all() {
    for (const auto& [key, waiting] : by_key_) {
        for (const auto of : waiting) make_ready(of, occasion::news);
    }
}

instant pending_calls::next() const {
    auto first = ends_.empty() ? instant::max() : ends_.begin()->first;
    if (!unasked_.empty()) first = std::min(first, ask_next_at_);
    if (news_for_held_up_) first = std::min(first, held_up_at_);
    return first;
}

void pending_calls::look_at_news(pass& now) {
    look_at_lines(now);
    look_at_answers(now.mesh);
    if (!syncs_.empty() && now.mesh.is_caught_up()) {
        for (const auto of : syncs_) make_ready(of, occasion::news);
    }
    news_for_held_up_ = !held_up_.empty();
}

// Of each line up to the first that is not met.
void pending_calls::look_at_lines(pass& now) {
    for (auto at = lines_.begin(); at != lines_.end();) {
        const auto next = std::next(at);
        for (auto left = at->second.size(); left != 0; --left) {
            if (now.looked >= slice) {
                news_ = true; // go on with the next slice
                return;
            }
            if (!look(now, at->second.begin()->second, occasion::news)) break;
        }
        at = next;
    }
}

// An answer to a question is one to every earlier question.
void pending_calls::look_at_answers(core::mesh& mesh) {
    for (auto& [put, asked] : questions_) {
        if (asked.waiting.empty()) continue;
        if (!mesh.judge_absence(put).confirmed) break;
        for (const auto of : std::exchange(asked.waiting, {})) make_ready(of, occasion::answered);
    }
}

// In the order in which they began, up to the first that has to wait still. True: there are more.
bool pending_calls::look_at_room(pass& now) {
    while (!room_.empty() && has_room(now.mesh)) {
        if (now.looked >= slice) return true;
        const auto of = *room_.begin();
        if (!look(now, of, occasion::news) && room_.contains(of)) break;
    }
    return false;
}

bool pending_calls::work(core::mesh& mesh, const moment& at, std::vector<call>& done) {
    pass now{mesh, at, done};
    judged_.reset();
    if (!unasked_.empty() && at.now >= ask_next_at_) begin_question(mesh, at);
    if (std::exchange(news_, false)) look_at_news(now);
    if (news_for_held_up_ && at.now >= held_up_at_) {
        news_for_held_up_ = false;
        held_up_at_ = at.now + held_up_pause;
        for (const auto of : held_up_) make_ready(of, occasion::answered);
    }
    if (!types_.empty() && !mesh.state().folding_typed()) {
        for (const auto of : types_) make_ready(of, occasion::news);
    }
    const bool more = look_at_room(now);
    while (!ready_.empty() && now.looked < slice) {
        const auto of = ready_.front();
        ready_.pop_front();
        const auto e = calls_.find(of);
        if (e != calls_.end() && e->second.ready) look(now, of, *e->second.ready);
    }
    const auto is_late = [&] { return !ends_.empty() && ends_.begin()->first <= at.now; };
    while (is_late() && now.looked < slice) look(now, ends_.begin()->second, occasion::late);
    return more || news_ || !ready_.empty() || is_late();
}

void pending_calls::end(core::mesh& mesh, const moment& at, const leave_report& how,
                        std::vector<call>& done) {
    pass now{mesh, at, done};
    judged_.reset();
    std::set<number> all;
    for (const auto& [of, e] : calls_) all.insert(of);
    for (const auto of : all) look(now, of, occasion::end, &how);
}

} // namespace baton::shell
