/*
 * What "alembic upgrade RANGE --sql" and "alembic downgrade RANGE --sql" print, cut into revisions:
 * each stands below a line "-- Running upgrade PARENTS -> REVISION". Alembic's statements on its
 * own table are left out: they depend on which revisions were there when it was printed.
 */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_PRINT_H
#define SKEIN_CLI_SOURCE_ALEMBIC_PRINT_H

#include "cli/source/alembic_graph.h"
#include "common/arena.h"
#include "common/list.h"
#include "common/str.h"

/* One revision as it is printed. */
typedef struct AlembicSection {
    const char *id;
    const char *const *parents; /* what it revises */
    size_t parent_count;
    Str text;
    const char *table; /* Alembic's own, as its last statement names it; NULL: it has none */
} AlembicSection;

/* What one call has printed. */
typedef struct AlembicPrinted {
    LIST(AlembicSection *) sections; /* in the arena, but for their texts */
    bool is_down;
} AlembicPrinted;

void alembic_printed_done(AlembicPrinted *printed);

AUTO_DEFINE(AlembicPrinted, alembic_printed_done)

/* Appends the sections of such an output, as they are there. */
void alembic_printed_read(const Str *out, Arena *arena, AlembicPrinted *printed);

/* The revisions of a whole print, and what they revise. Not closed. */
AlembicGraph alembic_printed_graph(const AlembicPrinted *printed, Arena *arena);

/*
 * As it runs in a database: it begins in a transaction and ends one that is open, the statements on
 * Alembic's own table cut off, indexes in order, percent signs once where they are `doubled`.
 */
void alembic_section_finish(AlembicSection *section, bool is_doubled, Arena *arena);

/* Cuts the last line off, and returns it. */
const char *alembic_cut_line(Str *text, Arena *arena);

#endif
