/*
 * msgpack-c's packer into a Str. Its functions choose the shortest forms; Str never fails, so
 * packing cannot.
 */
#ifndef SKEIN_PROTO_PACK_H
#define SKEIN_PROTO_PACK_H

#include <msgpack.h>

#include "common/str.h"

/* Appends to `out`, which must outlive the packer. */
msgpack_packer packer_into(Str *out);

void pack_text(msgpack_packer *packer, const char *text, size_t length);
void pack_bytes(msgpack_packer *packer, const void *data, size_t length);

#endif
