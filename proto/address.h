/*
 * The address of a target: INSTANCE/DATABASE[/SCHEMA], with '%' and '/' (and control characters) in
 * a name percent-encoded. Pure.
 */
#ifndef SKEIN_PROTO_ADDRESS_H
#define SKEIN_PROTO_ADDRESS_H

#include "common/arena.h"
#include "common/err.h"
#include "proto/orders.h"

typedef struct Address {
    const char *instance;
    const char *database;
    const char *schema; /* "": the whole database */
} Address;

/* Decoded names live in `arena`. ERR_SYNTAX names what is wrong with `text`. */
ErrCode address_parse(const char *text, Arena *arena, Address *ret_address, Err *err);

/* The encoded form, in `arena`. The names must be within NAME_MAX_BYTES. */
const char *address_format(const Address *address, Arena *arena);

#endif
