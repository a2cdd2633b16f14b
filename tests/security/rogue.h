/*
 * A PostgreSQL server in somebody else's hands: it speaks the protocol (version 3) as badly as its
 * way of talking wants. A thread of its own for each visitor, so that nobody waits for another.
 *
 * Everything here fails the running cmocka test when it cannot do its work, but for the talking,
 * which ends when the visitor has gone.
 */
#ifndef SKEIN_TESTS_SECURITY_ROGUE_H
#define SKEIN_TESTS_SECURITY_ROGUE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Rogue Rogue;
typedef struct RogueVisit RogueVisit;

/* One visit, from its first byte on; the connection is closed when this returns. */
typedef void (*RogueTalk)(RogueVisit *visit);

Rogue *rogue_start(RogueTalk talk); /* on a free port of the loopback */

/* The same at .s.PGSQL.5432 in `folder`, for "host=FOLDER port=5432". */
Rogue *rogue_start_local(RogueTalk talk, const char *folder);
void rogue_stop(Rogue *rogue); /* ends its visits; NULL is allowed */
int rogue_port(const Rogue *rogue);
size_t rogue_bytes(Rogue *rogue);       /* how many have been written, over all visits */
unsigned rogue_visits(Rogue *rogue);    /* how many have ended */
unsigned rogue_questions(Rogue *rogue); /* how many statements have come, over all visits */

/* ---- for talking; false or NULL: the visitor has gone ---- */

/* Reads what comes first, declining encryption on the way. */
bool rogue_meet(RogueVisit *visit);

/* As a server does that lets everybody in, up to ReadyForQuery. */
bool rogue_welcome(RogueVisit *visit);

/* The next statement: once everything of it has come. Valid until the next call. */
const char *rogue_await_sql(RogueVisit *visit);

bool rogue_write(RogueVisit *visit, const void *bytes, size_t length);

/* One message: type, length, contents. */
bool rogue_say(RogueVisit *visit, char type, const void *bytes, size_t length);

/* RowDescription of `count` columns of text, and one row of them; NULL: a NULL. */
bool rogue_say_columns(RogueVisit *visit, unsigned count);
bool rogue_say_row(RogueVisit *visit, const char *const *fields, unsigned count);

/* ErrorResponse, or a notice ('N'), with SQLSTATE 42601. */
bool rogue_complain(RogueVisit *visit, char type, const char *message, const char *hint);

/* CommandComplete and ReadyForQuery. */
bool rogue_finish(RogueVisit *visit);

/* Waits until the visitor goes. */
void rogue_linger(RogueVisit *visit);

/* A moment, so that what has no end costs the machine less. */
void rogue_breathe(void);

#endif
