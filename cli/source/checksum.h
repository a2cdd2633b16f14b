/*
 * The checksum of a migration: BLAKE2b-256 over the tokens of its text.
 *
 * Comments, blanks, line endings, a byte order mark and needless semicolons do not count, so that a
 * licence header never stops a fleet. Everything else does: quotes, letter case, what stands inside
 * strings and function bodies, the rows of a COPY (there only CRLF reads as LF).
 */
#ifndef SKEIN_CLI_SOURCE_CHECKSUM_H
#define SKEIN_CLI_SOURCE_CHECKSUM_H

#include "cli/source/psql.h"
#include "cli/source/scan.h"
#include "cli/source/split.h"
#include "proto/bundle.h"

/* `text` has been scanned. */
void checksum_tokens(const SqlText *text, uint8_t ret_checksum[CHECKSUM_BYTES]);

/* The same, with the rows of its COPY statements. */
void checksum_text(const SqlText *text, const PsqlCopy *copies, size_t copy_count,
                   uint8_t ret_checksum[CHECKSUM_BYTES]);

/* Of one statement, by the same rules; `copy` are its rows, or NULL. */
void checksum_statement(const SqlText *text, const SqlStatement *statement, const PsqlCopy *copy,
                        uint8_t ret_fingerprint[FINGERPRINT_BYTES]);

/* Of text that cannot be scanned: its bytes, CRLF read as LF. */
void checksum_bytes(const SqlText *text, uint8_t ret_checksum[CHECKSUM_BYTES]);

#endif
