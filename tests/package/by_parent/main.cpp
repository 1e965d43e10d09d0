#include <baton/result.hpp>

#include <string>

baton::result<std::string> greeting();

int main() {
    const auto said = greeting();
    return said && *said == "hello" ? 0 : 1;
}
