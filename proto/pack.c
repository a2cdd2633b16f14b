/* The packer's sink, and the two-call forms of msgpack-c as one call each. */
#include "proto/pack.h"

static int append(void *out, const char *bytes, size_t length)
{
    str_append_bytes(out, bytes, length);
    return 0;
}

msgpack_packer packer_into(Str *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append);
    return packer;
}

void pack_text(msgpack_packer *packer, const char *text, size_t length)
{
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
}

void pack_bytes(msgpack_packer *packer, const void *data, size_t length)
{
    msgpack_pack_bin(packer, length);
    msgpack_pack_bin_body(packer, data, length);
}
