// Files that leaves have left behind, in the bytes of wire/spill.hpp: written, damaged, found, and read for
// the mesh piece by piece as the shell does it.
#include "sim/world.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace baton::sim {

using namespace std::chrono_literals;

world::spill& world::write_spill(process_number who) {
    auto& p = *processes_[who];
    wire::spill_writer writer({.cluster = how_.node.cluster,
                               .id = p.id,
                               .clock = p.mesh->clock(),
                               .written_ms = moment_of(p).wall_ms});
    auto& file = spills_.emplace_back();
    file.slot = p.slot;
    file.writer = who;
    file.bytes = writer.head();
    std::string frame;
    for (bool more = true; more;) {
        more = p.mesh->spill(moment_of(p), frame);
        if (frame.empty()) continue;
        file.pieces.push_back(file.bytes.size());
        file.bytes += writer.chunk(frame);
    }
    file.pieces.push_back(file.bytes.size());
    file.bytes += writer.tail();
    file.cut = counts_of(full_cut(p));
    tell(p, "spills " + std::to_string(file.bytes.size()) + " bytes");
    tally_(fault::spill);
    out_.clear();
    p.mesh->spill_kept(moment_of(p), out_);
    absorb(p);
    return file;
}

void world::damage(spill& file, dice& luck) {
    file.damaged = true;
    tally_(fault::spill_damage);
    auto& bytes = file.bytes;
    const auto at = luck.below(bytes.size());
    switch (luck.below(6)) {
    case 0:
        bytes.resize(at);
        return;
    case 1:
        bytes.erase(at, luck.between(1, bytes.size() / 2));
        return;
    case 2:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << luck.below(8));
        return;
    default: { // a piece and nothing else
        const auto which = luck.below(file.pieces.size() - 1);
        bytes.erase(file.pieces[which], file.pieces[which + 1] - file.pieces[which]);
        return;
    }
    }
}

std::vector<world::spill*> world::spills_at(slot_number slot) {
    std::vector<spill*> all;
    for (auto& file : spills_) {
        if (file.slot == slot && !file.gone) all.push_back(&file);
    }
    return all;
}

void world::find_spills(process_number who) {
    for (auto* const file : spills_at(processes_[who]->slot)) find_spill(who, *file);
    clock_.after(3ms, [this, who] { when_awake(who, [this, who] { give(who, core::spills_listed{}); }); });
}

// Looked through before it is offered, as on a shelf: whether it is whole, and its last chunk.
void world::find_spill(process_number who, spill& file) {
    auto& p = *processes_[who];
    const auto source = [&file](std::uint64_t offset, char* into, std::size_t bytes) {
        const auto piece = std::string_view(file.bytes).substr(std::min(offset, file.bytes.size()), bytes);
        std::memcpy(into, piece.data(), piece.size());
        return piece.size();
    };
    auto reader = std::make_unique<wire::spill_reader>(source, file.bytes.size(), how_.node.cluster,
                                                       processes_[file.writer]->id);
    std::string chunk, last;
    for (;;) {
        const auto step = reader->next(chunk);
        if (step == wire::spill_reader::step::end) break;
        if (step == wire::spill_reader::step::chunk) last = chunk;
    }
    if (file.damaged && reader->is_whole()) fail(p, "takes a damaged spill for a whole one");
    const auto number = static_cast<std::uint32_t>(p.spills.size());
    tell(p, "finds the spill of " + processes_[file.writer]->name);
    const auto offer = [this, who, number, last, whole = reader->is_whole(), head = reader->head()] {
        give(who,
             core::spill_found{core::spill_id{number}, whole, head.clock, last, head.written_ms, head.id});
    };
    clock_.after(luck_.between(0us, 2000us), [this, who, offer] { when_awake(who, offer); });
    p.spills.push_back({&file, std::move(reader)});
}

// Runs what a thread of the process does: it stands still while the process is frozen.
void world::when_awake(process_number who, const std::function<void()>& then) {
    const auto& p = *processes_[who];
    if (!p.alive()) return;
    if (!p.frozen) return then();
    clock_.after(1ms, [this, who, then] { when_awake(who, then); });
}

void world::answer(process_number who, const core::read_spill& asked) {
    auto& reader = *processes_[who]->spills[static_cast<std::uint32_t>(asked.file)].reader;
    if (asked.from_start) reader.rewind();
    std::string chunk;
    for (;;) {
        const auto step = reader.next(chunk);
        if (step == wire::spill_reader::step::again) continue;
        if (step == wire::spill_reader::step::end) chunk.clear();
        break;
    }
    give(who, core::spill_read{asked.file, chunk});
}

bool world::perform(process& p, const core::action& what) {
    if (const auto* const asked = std::get_if<core::read_spill>(&what)) {
        clock_.after(luck_.between(10us, 500us), [this, who = p.number, asked = *asked] {
            when_awake(who, [this, who, asked] { answer(who, asked); });
        });
        return true;
    }
    const auto* const dropped = std::get_if<core::drop_spill>(&what);
    const auto* const aside = std::get_if<core::keep_spill_aside>(&what);
    if (dropped == nullptr && aside == nullptr) return false;
    auto& file = *p.spills[static_cast<std::uint32_t>(dropped != nullptr ? dropped->file : aside->file)].file;
    file.gone = true;
    if (dropped != nullptr) {
        if (file.damaged && p.mesh->settings().broken == mutation::none)
            fail(p, "takes a damaged spill for a whole one");
        if (!covers(p.cut, file.cut) && p.mesh->settings().broken == mutation::none)
            fail(p, "drops a spill that it has not merged");
    } else if (!file.damaged) {
        fail(p, "takes a whole spill for a damaged one");
    }
    return true;
}

// A value from a damaged file becomes a sibling of what is there. The oracle reads it from the store and
// holds the node to it from then on.
void world::note_recovered(process& p, std::uint64_t counter) {
    const auto told = std::find_if(out_.traces.begin(), out_.traces.end(), [&](const core::trace& each) {
        return each.what == "recovered" && each.a == counter;
    });
    if (told == out_.traces.end()) return;
    auto& store = p.mesh->state();
    std::vector<staged_view> chain;
    const auto slot = store.chain_at({p.id, counter}, chain);
    const auto number_after = [](std::string_view text, std::string_view prefix) {
        std::size_t number = 0;
        if (text.starts_with(prefix))
            std::from_chars(text.data() + prefix.size(), text.data() + text.size(), number);
        return number;
    };
    if (!slot.key.starts_with("key-")) return;
    for (const auto& entry : chain) {
        if (entry.id != dot{p.id, counter} || entry.what != block::kind::record) continue;
        operation what{slot.type, false, number_after(slot.element, "e"), 0, {}};
        if (slot.type == value_type::counter) {
            what.amount = static_cast<std::int64_t>(told->b);
        } else {
            what.value = entry.value;
        }
        what.stamp = entry.stamp, what.epoch = entry.epoch;
        auto saw = counts_of(full_cut(p));
        saw[p.origin] = counter - 1;
        oracle_.write_beside(p.origin, counter, number_after(slot.key, "key-"), std::move(what),
                             std::move(saw));
        return;
    }
}

} // namespace baton::sim
