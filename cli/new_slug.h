/* What somebody calls a new migration, as a part of its files' names. */
#ifndef SKEIN_CLI_NEW_SLUG_H
#define SKEIN_CLI_NEW_SLUG_H

#include "common/arena.h"
#include "common/err.h"

#define NEW_SLUG_MAX 100 /* with a version and an ending, within what file systems take */

/*
 * "Add invoice currency!" -> "add_invoice_currency": letters of ASCII in lower case, digits, and
 * one "_" for all else between them. ERR_USAGE where nothing is left, where it is longer than
 * NEW_SLUG_MAX, and for letters beyond ASCII.
 */
ErrCode new_slug(const char *name, Arena *arena, const char **ret_slug, Err *err);

#endif
