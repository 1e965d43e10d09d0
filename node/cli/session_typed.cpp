// The commands of counters, sets, maps and flags.
#include "session.hpp"

#include <charconv>

namespace baton::cli {
namespace {

std::int64_t amount(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (fault != std::errc{} || stop != end)
        throw refusal{"usage", "N " + cited(text) + " is not a whole number of 64 bits"};
    return value;
}

std::string key_alone(std::string_view rest) {
    words args{rest};
    auto key = args.next("KEY");
    args.end();
    return key;
}

json about_field(std::string_view key, std::string_view field) {
    auto reply = about(key);
    show(reply, "field", field);
    return reply;
}

} // namespace

json session::counted(const std::string& key) const {
    const auto sum = need(node_.count(key));
    auto reply = about(key);
    reply["value"] = sum ? json(*sum) : json(nullptr);
    return reply;
}

json session::add(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto more = amount(args.next("N"));
    args.end();
    need(node_.add(key, more));
    return counted(key);
}

json session::count(std::string_view rest) { return counted(key_alone(rest)); }

// What is in the set is another command's reply: these cost as much in a set of a million.
json session::insert(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto element = args.last_name("ELEMENT", how_.hex);
    need(node_.insert(key, element));
    auto reply = about(key);
    show(reply, "element", shown(element, how_.hex));
    return reply;
}

json session::erase(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto element = args.last_name("ELEMENT", how_.hex);
    const bool was_there = need(node_.erase(key, element)).changed;
    auto reply = about(key);
    show(reply, "element", shown(element, how_.hex));
    reply["erased"] = was_there;
    return reply;
}

json session::elements(std::string_view rest) {
    const auto key = key_alone(rest);
    auto reply = about(key);
    reply["elements"] = list_of(need(node_.elements(key)), how_.hex);
    return reply;
}

json session::set_field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    need(node_.set_field(key, field, typed(args.last("VALUE"), how_.hex)));
    return about_field(key, field);
}

json session::erase_field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    args.end();
    const bool was_there = need(node_.erase_field(key, field)).changed;
    auto reply = about_field(key, field);
    reply["erased"] = was_there;
    return reply;
}

json session::field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    args.end();
    auto reply = about_field(key, field);
    const auto got = need(node_.field(key, field));
    // What nobody has been asked for is `absent_unsynced`.
    reply.update(to_json(got ? pickup_result{*got, pickup_outcome::found, {}, {}}
                             : pickup_result{{}, pickup_outcome::absent_unsynced, {}, {}},
                         how_.hex));
    return reply;
}

json session::fields(std::string_view rest) {
    const auto key = key_alone(rest);
    auto reply = about(key);
    reply["fields"] = list_of(need(node_.fields(key)));
    return reply;
}

json session::switched(const std::string& key) const {
    auto reply = about(key);
    reply["enabled"] = need(node_.enabled(key));
    return reply;
}

json session::enable(std::string_view rest) {
    const auto key = key_alone(rest);
    need(node_.enable(key));
    return switched(key);
}

json session::disable(std::string_view rest) {
    const auto key = key_alone(rest);
    need(node_.disable(key));
    return switched(key);
}

json session::enabled(std::string_view rest) { return switched(key_alone(rest)); }

} // namespace baton::cli
