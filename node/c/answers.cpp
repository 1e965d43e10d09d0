#include "answers.hpp"

#include "objects.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace baton::c {

static_assert(BATON_BAD_OPTION == static_cast<int>(errc::bad_option) + 1);
static_assert(BATON_CLAIMED == static_cast<int>(errc::claimed) + 1);

fault fault_of(const error& failure) { return {static_cast<int>(failure.code) + 1, failure.what}; }

baton_version version_of(const version& of) {
    baton_version made{};
    std::copy(of.id.replica.bytes.begin(), of.id.replica.bytes.end(), made.replica);
    made.counter = of.id.counter;
    return made;
}

version version_of(const baton_version& of) {
    version made;
    std::copy(std::begin(of.replica), std::end(of.replica), made.id.replica.bytes.begin());
    made.id.counter = of.counter;
    return made;
}

answer_maker::~answer_maker() {
    if (memory_ && made_.claim != 0) (void)close(made_.claim);
}

baton_bytes answer_maker::keep(std::string text) {
    const auto& kept = memory_->texts.emplace_back(std::move(text));
    return {kept.data(), kept.size()};
}

void answer_maker::fail(fault why) {
    made_.code = why.code;
    made_.what = keep(std::move(why.what)).data;
}

void answer_maker::add_value(stored_value of) {
    const auto epoch = of.epoch ? of.epoch->number : 0;
    memory_->values.push_back({keep(std::move(of.value)), version_of(of.written), of.siblings, epoch, {}});
}

void answer_maker::add_member(const replica_id& id) {
    auto& made = memory_->members.emplace_back();
    made = {};
    std::copy(id.bytes.begin(), id.bytes.end(), made.id);
    made.round_trip_us = -1;
}

void answer_maker::take(const write_result& of) {
    made_.written = version_of(of.written);
    made_.count = of.copies;
    made_.flags |= flag(of.met, BATON_MET) | flag(of.changed, BATON_CHANGED);
}

void answer_maker::take(pickup_result of) {
    made_.word = to_string(of.outcome).data();
    for (const auto& each : of.who) add_member(each);
    take(std::move(of.seeds));
    if (!of.found()) return;
    made_.flags |= BATON_FOUND;
    add_value(std::move(of));
}

void answer_maker::take(const leave_report& of) {
    made_.word = to_string(of.outcome).data();
    made_.count = of.copies;
    made_.number = static_cast<std::int64_t>(of.unsafe);
    take(of.unsafe_keys);
    if (of.path) made_.text = keep(*of.path);
}

void answer_maker::take(claim_handle of) {
    made_.key = keep(of.key());
    made_.count = of.epoch().number;
    take(of.values_found());
    made_.claim = add(kind::claim, std::make_shared<claim_object>(std::move(of)));
    made_.flags |= BATON_CLAIM_GRANTED;
}

void answer_maker::take(client_claim of) {
    made_.key = keep(of.key());
    made_.count = of.epoch().number;
    add_value(of.taken_over());
    made_.claim = add(kind::client_claim, std::make_shared<client_claim_object>(std::move(of)));
    made_.flags |= BATON_CLAIM_GRANTED;
}

void answer_maker::take(event of) {
    made_.word = to_string(of.kind).data();
    made_.key = keep(std::move(of.key));
    made_.text = keep(std::move(of.reason));
    made_.count = of.count;
    add_member(of.id);
    memory_->members.back().name = keep(std::move(of.name));
}

void answer_maker::take(change of) {
    made_.word = to_string(of.kind).data();
    made_.key = keep(std::move(of.key));
    made_.count = of.count;
    if (of.kind != change_kind::put) return;
    made_.type = to_string(of.type).data();
    made_.number = of.sum;
    made_.flags |= BATON_FOUND;
    if (of.type == value_kind::reg) add_value({std::move(of.value), of.written, of.siblings, of.epoch});
}

void answer_maker::take(std::vector<stored_value> of) {
    if (!of.empty()) made_.flags |= BATON_FOUND;
    for (auto& each : of) add_value(std::move(each));
}

void answer_maker::take(std::vector<std::string> names) {
    for (auto& each : names) memory_->names.push_back(keep(std::move(each)));
}

void answer_maker::take(const std::vector<member>& of) {
    for (const auto& each : of) {
        add_member(each.id);
        auto& made = memory_->members.back();
        made.name = keep(each.name);
        made.endpoint = keep(each.endpoint);
        made.state = keep(std::string(to_string(each.state)));
        made.synced = each.synced ? 1 : 0;
        made.lag = each.lag;
        made.lag_ms = each.lag_age.count();
        made.client_endpoint = keep(each.client_endpoint);
        if (each.round_trip) made.round_trip_us = each.round_trip->count();
    }
}

void answer_maker::take(std::vector<lost_write> of) {
    for (auto& each : of) {
        memory_->names.push_back(keep(std::move(each.key)));
        add_value({{}, each.written, 0, {}});
    }
}

int answer_maker::give(baton_answer* into) {
    if (into == nullptr) return made_.code;
    made_.values = memory_->values.data();
    made_.values_count = memory_->values.size();
    made_.names = memory_->names.data();
    made_.names_count = memory_->names.size();
    made_.members = memory_->members.data();
    made_.members_count = memory_->members.size();
    made_.memory = memory_.release();
    const auto room = into->size;
    std::memset(into, 0, room);
    made_.size = room;
    std::memcpy(into, &made_, std::min<std::size_t>(room, sizeof made_));
    return made_.code;
}

void free_memory(void* of) { delete static_cast<answer_maker::memory*>(of); }

} // namespace baton::c
