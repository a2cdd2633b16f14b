/* Addresses: what is accepted is written back as it was. */
#include "fuzz.h"

#include <string.h>

#include "common/arena.h"
#include "proto/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    char *text = arena_strndup(&arena, (const char *)data, size);
    Address address = { 0 };
    Err err = { 0 };
    if (address_parse(text, &arena, &address, &err) == ERR_NONE) {
        FUZZ_REQUIRE(strlen(address.instance) <= NAME_MAX_BYTES && address.database[0] != '\0');
        FUZZ_REQUIRE(strcmp(address_format(&address, &arena), text) == 0);
    } else {
        FUZZ_REQUIRE(address.instance == NULL && err.message[0] != '\0');
    }
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = { "db1/shop", "db1/a%2Fb/50%25", "größe/データ/%FF%0A" };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append(out, SEEDS[index]);
    return true;
}
