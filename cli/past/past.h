/*
 * The past of a migration: the version of its file that a database has applied, looked for in the
 * git repository that the file is in. A history row keeps a checksum and no text, since a migration
 * may hold literals that the database's readers are not to see; the text is in version control, and
 * the checksum says which version it is.
 *
 * git is run where PATH has it, on the repository as it is: it writes nothing, fetches nothing, and
 * starts nothing that the repository's own settings name.
 */
#ifndef SKEIN_CLI_PAST_PAST_H
#define SKEIN_CLI_PAST_PAST_H

#include "cli/source/source.h"

typedef struct PastQuery {
    const char *directory; /* of migrations, as it was read */
    const SourceOptions *options;
    const MigrationSet *set;
    const PlanMigration *migration; /* of the set */
    const char *checksum;           /* of what was applied, in hexadecimal */
} PastQuery;

/* Texts in the arena. Those of git may hold control characters. */
typedef struct Past {
    const char *commit; /* NULL: no version has that checksum */
    const char *date;   /* of its author, ISO 8601 */
    const char *author;
    const char *subject;
    const char *diff; /* of that version against today's file; unified, bounded */
    const char *why;  /* without a commit: why there is none; a clause */
} Past;

/* Blocks on the disk and on git, some seconds at most. */
void past_find(const PastQuery *query, Arena *arena, Past *ret_past);

/*
 * Today's text of the statements that are others now, by the fingerprints of those that were
 * applied: "statement 2, CREATE TABLE, line 3:" and its lines, bounded. Appends; nothing where
 * nobody can tell.
 */
void past_write_statements(const PlanMigration *migration, Bytes applied, Str *out);

/* Both: what was found, in the arena, and *ret_now, "" where a version was found. */
const Past *past_look(const PastQuery *query, Bytes applied, Arena *arena, const char **ret_now);

/* What was found, for people, each line indented: the version and the diff; or why there is none,
 * and `statements`, as above. Appends. */
void past_write(const Past *past, const char *statements, Str *out);

#endif
