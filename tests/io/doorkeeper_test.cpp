// Proves that the doorkeeper, which all links of a mesh with a key wait for, lives through whatever it is
// asked: what makes no sense is dropped, signals do not end it, and the next request is answered.
#include "patience.hpp"
#include "shell/doorkeeper.hpp"
#include "support/catch.hpp"
#include "thread_signals.hpp"

#include <zmq.hpp>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace baton;
using namespace io;

namespace {

using parts = std::vector<std::string>;

const std::string link_key(32, 'k'), domain = "mesh";

replica_id owner() {
    replica_id id;
    id.bytes.fill(7);
    return id;
}

/// As libzmq asks, without the envelope.
parts request(const std::string& by, const std::string& of = domain) {
    return {"1.0", "id", of, "127.0.0.1", "", "CURVE", by};
}

struct door {
    door() {
        const auto guests = std::make_shared<shell::guest_list>();
        guests->admit(owner(), discovery::link_key::from_bytes(link_key));
        keeper.open(domain, guests);
        asks.set(zmq::sockopt::linger, 0);
        asks.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(5s).count()));
        asks.connect("inproc://zeromq.zap.01");
    }
    ~door() {
        asks.close();
        context.shutdown();
    }
    void send(const parts& all) {
        asks.send(zmq::message_t(), all.empty() ? zmq::send_flags::none : zmq::send_flags::sndmore);
        for (std::size_t i = 0; i < all.size(); ++i)
            asks.send(zmq::buffer(all[i]),
                      i + 1 < all.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
    /// The status of the next answer; empty: there is none.
    std::string status() {
        parts all;
        zmq::message_t part;
        do {
            if (!asks.recv(part)) return {};
            all.push_back(part.to_string());
        } while (part.more());
        return all.size() == 7 ? all[3] : "no answer of ZAP";
    }
    std::string answered(const parts& all) {
        send(all);
        return status();
    }

    zmq::context_t context;
    shell::doorkeeper keeper{context};
    zmq::socket_t asks{context, zmq::socket_type::dealer};
};

std::atomic<int> taken{0};

} // namespace

TEST_CASE("doorkeeper: who is vouched for is let in, others are told to come again", "[io][secure]") {
    door at;
    CHECK(at.answered(request(link_key)) == "200");
    CHECK(at.answered(request(std::string(32, 'x'))) == "300");
    CHECK(at.answered(request(link_key, "another")) == "300");
    at.keeper.close(domain);
    CHECK(at.answered(request(link_key)) == "300");
}

TEST_CASE("doorkeeper: what makes no sense is dropped or refused, and the next is answered", "[io][secure]") {
    door at;
    at.send({});
    at.send({""});
    at.send({"1.0"});
    for (const parts& odd :
         {parts{"1.0", "id"}, parts{"9.9", "id", domain, "", "", "CURVE", link_key},
          parts{"1.0", "id", domain, "", "", "PLAIN", link_key},
          parts{"1.0", "id", domain, "", "", "CURVE", ""},
          parts{"1.0", "id", domain, "", "", "CURVE", std::string(100'000, 'k')}, parts(500, "1.0")}) {
        CAPTURE(odd.size());
        CHECK(at.answered(odd) == "300");
    }
    CHECK(at.answered(request(link_key)) == "200");
}

TEST_CASE("doorkeeper: signals do not end it", "[io][secure]") {
    struct sigaction how {
    }, before{};
    how.sa_handler = [](int) { ++taken; }; // without SA_RESTART: every wait of a thread is cut short
    sigaction(SIGPROF, &how, &before);
    {
        door at;
        std::atomic<bool> over = false;
        std::thread storm([&] {
            while (!over) {
                signal_threads(SIGPROF, false); // the waits of the test are not under test
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
        });
        int asked = 0, in = 0;
        for (; in == asked && (asked < 500 || (taken <= 50 && asked < 500'000)); ++asked)
            in += at.answered(request(link_key)) == "200" ? 1 : 0;
        over = true;
        storm.join();
        CHECK(in == asked);
        CHECK(taken > 50);
    }
    sigaction(SIGPROF, &before, nullptr);
}
