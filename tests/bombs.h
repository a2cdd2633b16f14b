/* Messages that claim to hold far more than they carry, and one that nests without end: what a
 * decoder must refuse before it sets aside any memory for it. */
#ifndef SKEIN_TESTS_BOMBS_H
#define SKEIN_TESTS_BOMBS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Bomb {
    const char *bytes;
    size_t length;
} Bomb;

static const Bomb BOMBS[] = {
    { "\xdd\xff\xff\xff\xff", 5 }, /* a list of four billion: 96 GB of them */
    { "\x96\x01\x01\x00\x00\x00\xdf\xff\xff\xff\xff", 11 },
    { "\x96\x01\x01\x00\x00\x00\xc6\xff\xff\xff\xff", 11 },
    { "\x96\x01\x05\x00\x00\x00\x81\x04\xdd\x10\x00\x00\x00", 13 },
};

#define BOMB_NESTED_BYTES 65536

/* Lists of one list each. */
static inline Bomb bomb_nested(uint8_t bytes[BOMB_NESTED_BYTES])
{
    memset(bytes, 0x91, BOMB_NESTED_BYTES);
    return (Bomb){ (const char *)bytes, BOMB_NESTED_BYTES };
}

#endif
