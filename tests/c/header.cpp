// <baton/baton.h> alone, as C++11: it compiles without a warning, and its structs begin with their size.
#include <baton/baton.h>

static_assert(offsetof(baton_call, size) == 0 && offsetof(baton_answer, size) == 0 &&
                  offsetof(baton_error, size) == 0,
              "");
static_assert(sizeof(baton_error) == 512, "");

int header_is_enough();
int header_is_enough() {
    baton_call call = baton_call();
    call.size = sizeof call;
    call.key = baton_text("key");
    return baton_run(0, &call, nullptr);
}
