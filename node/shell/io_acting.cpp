// Carries out each action of the mesh's outbox, by the socket, file or name server that it is for.
#include "shell/io_thread.hpp"

namespace baton::shell {

struct io_thread::performer {
    io_thread& io;

    void operator()(const core::send_beacon& a) {
        if (!io.beacon_ || io.beacon_->send(a.bytes) != 0 || io.beacon_complained_) return;
        io.beacon_complained_ = true;
        io.log(log_level::warning,
               "event=beacon_unsent reason=\"no interface can send it; seeds still work\"");
    }
    void operator()(const core::send_datagram& a) {
        if (io.unicast_) io.unicast_->send(a.endpoint, a.bytes);
    }
    void operator()(const core::send_broadcast& a) {
        io.sockets_->broadcast(a.bytes);
        io.sockets_->sources().touched(publications);
    }
    void operator()(const core::send_request& a) {
        if (!io.sockets_->request(a.link, a.bytes)) ++io.sends_refused_;
    }
    void operator()(const core::send_reply& a) {
        if (!io.sockets_->reply(a.to, a.bytes)) ++io.sends_refused_;
    }
    void operator()(const core::admit& a) { io.sockets_->admit(a.id, a.key); }
    void operator()(const core::expel& a) { io.sockets_->expel(a.id); }
    void operator()(const core::dial& a) { io.sockets_->dial(a.link, a.endpoint, a.key, a.once); }
    void operator()(const core::subscribe& a) { io.sockets_->subscribe(a.link, a.endpoint, a.key); }
    void operator()(const core::hang_up& a) { io.sockets_->hang_up(a.link); }
    void operator()(const core::read_spill& a) { io.found_spills_->ask(a); }
    void operator()(const core::drop_spill& a) { io.found_spills_->drop(a.file); }
    void operator()(const core::keep_spill_aside& a) { io.found_spills_->keep_aside(a.file); }
    void operator()(const core::resolve& a) { io.resolver_.ask(a, io.sockets_->sources()); }
    void operator()(const core::knock& a) { io.knocker_.knock(a, io.sockets_->sources(), now().now); }
};

void io_thread::perform() {
    if (out_.events_applied != 0 && settings_.on_applied) settings_.on_applied(out_.events_applied);
    watches_.ring();
    for (const auto& action : out_.actions) std::visit(performer{*this}, action);
    out_.clear();
}

} // namespace baton::shell
