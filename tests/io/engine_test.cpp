// Proves parts of io_thread alone, without a clock: when a write is packed and for how long; that the queue
// of events keeps its bound, reports drops, and has a descriptor that is readable while events wait; and when
// gates are shut for want of descriptors and open again.
#include "shell/event_queue.hpp"
#include "shell/gatekeeper.hpp"
#include "shell/packer.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

using namespace baton;
using namespace baton::shell;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::nanoseconds since) { return instant{1h + since}; }

event told(const std::string& name) { return {event_kind::joined, {}, name, {}, 0}; }
/// While it lives, this process can open at most so many more files.
class shortage {
  public:
    explicit shortage(rlim_t left) {
        const descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        REQUIRE(next.get() >= 0);
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit low{static_cast<rlim_t>(next.get()) + left, before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
    }
    ~shortage() { setrlimit(RLIMIT_NOFILE, &before_); }
    shortage(const shortage&) = delete;

  private:
    rlimit before_{};
};

bool is_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("packer: only writes that follow one another closely are packed", "[io][engine]") {
    packer pack;
    CHECK_FALSE(pack.note_write(at(0us)));
    pack.sent(at(0us), 100);
    CHECK_FALSE(pack.is_packing(at(1us)));
    CHECK(pack.note_write(at(10us)));
    CHECK(pack.is_packing(at(11us)));
    CHECK_FALSE(pack.is_packing(pack.until()));
    CHECK_FALSE(pack.note_write(at(10us) + packer::burst_gap));
    CHECK_FALSE(pack.is_packing(at(40us)));
}

TEST_CASE("packer: a burst that fills frames is packed for longer, up to a bound", "[io][engine]") {
    packer pack;
    const auto packed_for = [&](std::size_t bytes) {
        pack.sent(at(0us), bytes);
        return pack.until() - at(0us);
    };
    CHECK(packed_for(packer::worth_bytes) == packer::pack_for_min);
    CHECK(packed_for(packer::worth_bytes) == 2 * packer::pack_for_min);
    for (int i = 0; i < 10; ++i) (void)packed_for(packer::worth_bytes);
    CHECK(packed_for(packer::worth_bytes) == packer::pack_for_max);
    CHECK(packed_for(packer::worth_bytes - 1) == packer::pack_for_max / 2);
    for (int i = 0; i < 10; ++i) (void)packed_for(0);
    CHECK(packed_for(0) == packer::pack_for_min);
}

TEST_CASE("event_queue: over its bound the oldest go, and the reader learns first how many", "[io][engine]") {
    event_queue queue(2);
    CHECK_FALSE(queue.has_some());
    CHECK_FALSE(queue.next());
    for (const auto* name : {"a", "b", "c", "d"}) queue.push(told(name));
    const auto lost = queue.next();
    REQUIRE(lost);
    CHECK(lost->kind == event_kind::dropped);
    CHECK(lost->count == 2);
    CHECK(queue.next()->name == "c");
    CHECK(queue.has_some());
    CHECK(queue.next()->name == "d");
    CHECK_FALSE(queue.next());
}

TEST_CASE("event_queue: its descriptor is readable while there is something to read", "[io][engine]") {
    event_queue queue(2);
    queue.push(told("before it is asked for"));
    const auto fd = queue.fd();
    REQUIRE(fd);
    CHECK(*queue.fd() == *fd);
    CHECK(is_readable(*fd));
    CHECK(queue.next());
    CHECK_FALSE(is_readable(*fd));
    for (const auto* name : {"a", "b", "c"}) queue.push(told(name));
    CHECK(queue.next()->kind == event_kind::dropped);
    CHECK(is_readable(*fd));
    CHECK(queue.next());
    CHECK(queue.next());
    CHECK_FALSE(is_readable(*fd));
}

TEST_CASE("gatekeeper: the gates are shut while there are no descriptors, and for half a second at least",
          "[io][engine]") {
    using step = gatekeeper::step;
    gatekeeper keeper;
    CHECK(keeper.look(at(0s)) == step::none);
    CHECK((keeper.due() == instant::max()));
    keeper.let_go();
    {
        const shortage few(4);
        CHECK(keeper.look(at(50ms)) == step::none); // the next look is not due yet
        CHECK(keeper.look(at(100ms)) == step::shut);
        CHECK(keeper.is_news());
        CHECK((keeper.due() == at(200ms)));
        CHECK(keeper.look(at(199ms)) == step::none);
        CHECK(keeper.look(at(200ms)) == step::stay_shut);
        CHECK((keeper.due() == at(220ms))); // closely from now on
        CHECK(keeper.look(at(700ms)) == step::stay_shut);
    }
    CHECK(keeper.look(at(720ms)) == step::open);
    keeper.let_go();
    const shortage again(4);
    CHECK(keeper.look(at(740ms)) == step::shut);
    CHECK_FALSE(keeper.is_news()); // it follows closely
}
