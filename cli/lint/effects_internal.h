/* What the parts of the table of effects share. Each part exports its rows. */
#ifndef SKEIN_CLI_LINT_EFFECTS_INTERNAL_H
#define SKEIN_CLI_LINT_EFFECTS_INTERNAL_H

#include "cli/lint/effects.h"

typedef struct EffectReader {
    const Model *model;
    Arena *arena;
    Effects *effects;
} EffectReader;

typedef struct EffectRow {
    PgQuery__Node__NodeCase node;
    void (*read)(const EffectReader *reader, const Node *node);
} EffectRow;

/* Of two effects on one table the stronger lock and the longer work stay. */
void effect_add(const EffectReader *reader, const Effect *effect);

/* effect_add of a certain effect without work. */
void effect_add_lock(const EffectReader *reader, Name table, LockMode lock, const char *why);

/* A lock on every table that is named in the message. Names of WITH are none. */
void effect_add_reads(const EffectReader *reader, const ProtobufCMessage *message, LockMode lock,
                      TableWork work, const char *why);

/* The same on every known partition and heir, at any depth. */
void effect_add_heirs(const EffectReader *reader, const Effect *effect);

/* The references of a table's foreign keys that `wanted` names a column of; NULL: all of them. */
void effect_add_references(const EffectReader *reader, const Relation *relation, const char *wanted,
                           LockMode lock, const char *why);

/*
 * The tables whose foreign keys point at this one, at its column `wanted` (NULL: at any); `effect`
 * says all but their names.
 */
void effect_add_referrers(const EffectReader *reader, const Relation *relation, const char *wanted,
                          const Effect *effect);

/* The statement does what cannot be seen from here. */
void effects_are_hidden(const EffectReader *reader);

/* effects_alter.c: ALTER TABLE, also as written for views, indexes and sequences */
void effects_read_alter_table(const EffectReader *reader, const Node *node);

/* The rows of effects_make.c, effects_drop.c and effects_rows.c; each ends with a NULL read. */
extern const EffectRow EFFECTS_MAKE[];
extern const EffectRow EFFECTS_DROP[];
extern const EffectRow EFFECTS_ROWS[];

#endif
