#include "actions.hpp"

#include <baton/key_file.hpp>

#include <iostream>

namespace baton::cli {

int keygen(const arguments& given) {
    const auto key = new_key();
    if (!key) {
        std::cerr << "baton: " << key.error().what << '\n';
        return 1;
    }
    if (given.key.empty()) {
        std::cout << to_key_file(*key) << std::flush;
        return std::cout ? 0 : 1;
    }
    if (const auto written = write_key_file(given.key, *key); !written) {
        std::cerr << "baton: " << written.error().what << '\n';
        return 1;
    }
    std::cerr << "baton: key " << key->id().to_string() << " is in " << given.key << '\n';
    return 0;
}

} // namespace baton::cli
