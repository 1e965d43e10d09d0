// A node in a program that has an epoll loop of its own: signals, events of the mesh and changes of keys all
// arrive at descriptors, and nothing is done on another thread than the loop's.
//
// Run it in two terminals: epoll ada, then epoll bob. Type a line in one; both print it. ^C ends one. Each
// prints
//     event: joined bob
//     chat/bob: hello

#include <baton/signals.hpp>
#include <baton/watch.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <mutex>
#include <vector>

/// Changes on their way from the node's thread to the loop, which an eventfd wakes.
class mailbox {
  public:
    void put(const baton::change& what) {
        const std::lock_guard lock(mutex_);
        changes_.push_back(what);
        const std::uint64_t one = 1;
        static_cast<void>(write(fd(), &one, sizeof one));
    }
    std::vector<baton::change> take() {
        std::uint64_t count = 0;
        static_cast<void>(read(fd(), &count, sizeof count));
        const std::lock_guard lock(mutex_);
        return std::exchange(changes_, {});
    }
    int fd() const { return fd_; }

  private:
    const int fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    std::mutex mutex_;
    std::vector<baton::change> changes_;
};

int main(int argc, char** argv) {
    auto stop = baton::stop_signals::block(); // before the program's first thread
    auto settings = baton::options::loopback();
    settings.name = argc > 1 ? argv[1] : "ada";
    settings.cluster = argc > 2 ? argv[2] : "epoll";
    auto node = baton::node::start(settings);
    if (!stop || !node) {
        std::cerr << (stop ? node.error() : stop.error()).what << '\n';
        return 1;
    }
    mailbox changes; // outlives the watch
    const auto watching = node->watch("chat/", [&](const baton::change& what) { changes.put(what); });
    const auto events = node->event_fd();
    if (!watching || !events) return 1;

    const int loop = epoll_create1(EPOLL_CLOEXEC);
    for (const int fd : {stop->fd(), *events, changes.fd(), STDIN_FILENO}) {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.fd = fd;
        if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &wanted) != 0) return 1;
    }
    while (!stop->stopping()) {
        std::array<epoll_event, 8> ready{};
        const int count = epoll_wait(loop, ready.data(), static_cast<int>(ready.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready.at(i).data.fd;
            if (fd == *events) { // read all of them: the descriptor stays readable until then
                while (const auto happened = node->next_event())
                    std::cout << "event: " << to_string(happened->kind) << ' ' << happened->name << std::endl;
            } else if (fd == changes.fd()) {
                for (const auto& what : changes.take())
                    if (what.kind == baton::change_kind::put)
                        std::cout << what.key << ": " << what.value << std::endl;
            } else if (fd == STDIN_FILENO) {
                std::string line;
                if (std::getline(std::cin, line)) {
                    if (!node->stash("chat/" + node->name(), line)) return 1;
                } else {
                    epoll_ctl(loop, EPOLL_CTL_DEL, fd, nullptr); // the end of input
                }
            }
        }
    }
    close(loop);
    const auto report = baton::leave_on_signal(*node, *stop);
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
