/*
 * Two texts beside each other: what something was before, and what it is now, line by line.
 */
#ifndef SKEIN_CLI_PROOF_BESIDE_H
#define SKEIN_CLI_PROOF_BESIDE_H

#include "common/arena.h"
#include "common/str.h"

/*
 * Appends "before | now" and the lines that differ, each after `indent` blanks: those of one label
 * ("default: …") stand in one row, and lines that both texts have are left out. False, and
 * nothing appended: nothing differs, or a line is too long for half a screen.
 */
bool beside_write(const char *before, const char *now, int indent, Str *out, Arena *arena);

#endif
