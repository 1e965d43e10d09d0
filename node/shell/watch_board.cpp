#include "shell/watch_board.hpp"

#include <algorithm>

namespace baton::shell {

// ---------------------------------------------------------------- name_queue

bool name_queue::push(std::string_view name) {
    if (known_.contains(name)) return false;
    known_.insert(names_.emplace_back(name));
    return true;
}

bool name_queue::is_stale(const std::string& name) const {
    const auto at = known_.find(name);
    return at == known_.end() || at->data() != name.data(); // the name was queued again, further back
}

std::optional<std::string> name_queue::pop() {
    while (!names_.empty()) {
        auto& first = names_.front();
        const bool stale = is_stale(first);
        if (!stale) known_.erase(first); // known_ views the name, so it goes before the name moves
        auto name = std::move(first);
        names_.pop_front();
        if (!stale) return name;
    }
    return std::nullopt;
}

void name_queue::take_out(std::string_view name) {
    if (known_.erase(name) == 0 || names_.size() < 2 * known_.size() + 1024) return;
    name_queue fresh;
    while (auto each = pop()) fresh.push(*each);
    *this = std::move(fresh);
}

void name_queue::clear() {
    known_.clear();
    names_.clear();
}

// ---------------------------------------------------------------- watch_backlog

// A walk reads the names before it itself, and a walk that begins again reads all names.
void watch_backlog::add(const changed_names& news, std::size_t names_max) {
    if (news.all) again = true;
    if (news.lost != 0) {
        lost += news.lost + changed.size();
        changed.clear();
        return;
    }
    news.names.each([&](const std::string& name) {
        if (again || (walks && name >= *walks)) return;
        if (lost != 0) {
            ++lost;
        } else if (changed.push(name) && changed.size() > names_max) {
            lost = changed.size();
            changed.clear();
        }
    });
}

// ---------------------------------------------------------------- watch_board

void watch_board::add(const std::string& prefix) {
    auto& one = prefixes_[prefix];
    one.changed.prefix = prefix;
    if (++one.times == 1) ++lengths_[prefix.size()];
}

changed_names watch_board::remove(const std::string& prefix) {
    const auto at = prefixes_.find(prefix);
    if (--at->second.times != 0) return {};
    auto left = std::move(at->second.changed);
    std::erase(news_, &at->second);
    prefixes_.erase(at);
    if (const auto length = lengths_.find(prefix.size()); --length->second == 0) lengths_.erase(length);
    return left;
}

void watch_board::list(watched& of) {
    if (of.listed) return;
    of.listed = true;
    news_.push_back(&of);
}

void watch_board::note(std::string_view key) {
    for (const auto& [length, count] : lengths_) {
        if (length > key.size()) return;
        const auto at = prefixes_.find(key.substr(0, length));
        if (at == prefixes_.end()) continue;
        auto& changed = at->second.changed;
        list(at->second);
        if (changed.lost != 0) {
            ++changed.lost;
        } else if (changed.names.push(key) && changed.names.size() > names_max_) {
            changed.lost = changed.names.size();
        }
    }
}

void watch_board::note_all() {
    for (auto& [prefix, one] : prefixes_) {
        one.changed.all = true;
        list(one);
    }
}

bool watch_board::wants_notes() const {
    return listens() ||
           std::any_of(others_.begin(), others_.end(), [](auto* each) { return each->listens(); });
}

bool watch_board::collect(key_notes& notes) {
    const bool all = notes.take([this](std::string_view key) {
        note(key);
        for (auto* const each : others_) each->note(key);
    });
    if (all) {
        note_all();
        for (auto* const each : others_) each->note_all();
    }
    return has_news();
}

std::vector<changed_names> watch_board::take() {
    std::vector<changed_names> all;
    for (auto* const one : news_) {
        all.push_back(std::move(one->changed));
        one->changed = {};
        one->changed.prefix = all.back().prefix;
        one->listed = false;
    }
    news_.clear();
    return all;
}

} // namespace baton::shell
