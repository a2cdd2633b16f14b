/*
 * Structs that config_read has filled, seen again through their table: are they within what the
 * table allows, and what file would give them?
 */
#ifndef SKEIN_TESTS_FUZZ_CONFIG_VALUE_H
#define SKEIN_TESTS_FUZZ_CONFIG_VALUE_H

#include "common/config.h"

/*
 * One input against one table: errors have their position and change nothing they may not, and what
 * is accepted is within the table's limits, and reads the same again when it is written out.
 */
void config_value_try(const ConfigTable *table, const uint8_t *data, size_t size);

/* How a CONFIG_CUSTOM member is written; by its field. Of the fuzzer that uses this file. */
void config_value_write_custom(const ConfigField *field, const void *member, Str *out);

#endif
