/* See flyway.h. A line may end in "\n", "\r" or both. */
#include "cli/source/flyway.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t crc32_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) {
        crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
    }
    return crc;
}

static size_t bom_length(Bytes text)
{
    bool has_bom =
        text.length >= 3 && text.data[0] == 0xef && text.data[1] == 0xbb && text.data[2] == 0xbf;
    return has_bom ? 3 : 0;
}

int32_t flyway_checksum(Bytes text)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = bom_length(text); i < text.length; i++) {
        if (text.data[i] != '\n' && text.data[i] != '\r') {
            crc = crc32_step(crc, text.data[i]);
        }
    }
    return (int32_t)~crc;
}
