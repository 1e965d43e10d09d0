// Proves who is greeted, when and how often, and what is published of this node.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
std::vector<wire::hello> hellos(reaching_node& a) {
    std::vector<wire::hello> all;
    for (const auto& each : a.taken<send_request>())
        all.push_back(std::get<wire::hello>(*wire::decode(each.bytes)));
    return all;
}
} // namespace

TEST_CASE("greeter: a link is greeted until its peer has answered and subscribed", "[core][machine]") {
    reaching_node a;
    auto& p = a.met(2);
    auto& l = a.all.links[*p.via];
    a.out.clear();
    a.all.greetings.greet_links(a.out);
    CHECK(hellos(a).empty()); // the link is not open
    l.open = true;
    a.all.greetings.greet_links(a.out);
    const auto said = hellos(a);
    REQUIRE(said.size() == 1);
    CHECK(said[0].flags == wire::hello::wants_answer);
    CHECK(a.time.wake_at() <= a.time.now() + link_table::greet_first);
    a.pass(50ms);
    (void)a.all.links.note_subscriber(replica(2));
    a.all.greetings.greet_links(a.out);
    CHECK(hellos(a).at(0).flags == (wire::hello::wants_answer | wire::hello::sees_you));
    p.sees_me = true;
    a.members.transition(p, member_state::up, event_kind::joined, a.time.now());
    a.pass(1s);
    a.all.greetings.greet_links(a.out);
    CHECK(hellos(a).empty());
    l.doubted = true;
    a.all.greetings.greet_links(a.out);
    CHECK(hellos(a).size() == 1);
}

TEST_CASE("greeter: a link that is silent for long is replaced", "[core][machine]") {
    reaching_node a;
    auto& p = a.met(2);
    const auto former = *p.via;
    a.all.links[former].open = true;
    a.all.greetings.greet_links(a.out);
    a.out.clear();
    a.pass(a.settings.liveness.crashed_after);
    a.all.links.excuse(1ms); // this node was suspended for a moment
    a.all.greetings.greet_links(a.out);
    CHECK(p.via == former);
    a.pass(1ms);
    a.all.greetings.greet_links(a.out);
    CHECK(p.via != former);
    CHECK(a.all.links.find(former) == nullptr);
}

TEST_CASE("greeter: strangers together get one answer in 20 ms", "[core][machine]") {
    reaching_node a;
    a.all.answer_stranger(replica(8), a.out);
    a.all.answer_stranger(replica(9), a.out);
    CHECK(a.taken<send_reply>().size() == 1);
    a.pass(20ms);
    a.all.answer_stranger(replica(9), a.out);
    CHECK(a.taken<send_reply>().size() == 1);
    a.all.stop();
    a.pass(20ms);
    a.all.answer_stranger(replica(9), a.out);
    CHECK(a.taken<send_reply>().empty());
}

TEST_CASE("herald: a whole HELLO while something is new, then a BRIEF", "[core][machine]") {
    reaching_node a;
    auto& pub = a.all.news;
    a.up(2);
    write_buffers buffers;
    (void)a.here.put(register_of("k"), "v", timestamp::at(wall), buffers);
    a.out.clear();
    const auto news = pub.publish(a.out);
    REQUIRE(news);
    CHECK(news->seen.of(replica(1)) == 1);
    CHECK_FALSE(pub.publish(a.out));
    pub.fullness_changed();
    CHECK(pub.publish(a.out));
    const auto sent = a.taken<send_broadcast>();
    REQUIRE(sent.size() == 3);
    CHECK(std::holds_alternative<wire::hello>(*wire::decode(sent[0].bytes)));
    CHECK(std::holds_alternative<wire::brief>(*wire::decode(sent[1].bytes)));
    CHECK(std::holds_alternative<wire::hello>(*wire::decode(sent[2].bytes)));
}
