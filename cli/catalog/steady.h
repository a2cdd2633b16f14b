/*
 * The transaction in which a database is looked at to be compared with itself later: nothing that
 * is written depends on settings that a migration may have left to the database, and names come out
 * qualified, since search_path says nothing.
 */
#ifndef SKEIN_CLI_CATALOG_STEADY_H
#define SKEIN_CLI_CATALOG_STEADY_H

#define STEADY_BEGIN                                                                               \
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"                                             \
    "SET LOCAL search_path = pg_catalog, pg_temp;"                                                 \
    "SET LOCAL quote_all_identifiers = off;"                                                       \
    "SET LOCAL \"TimeZone\" = 'UTC';"                                                              \
    "SET LOCAL \"DateStyle\" = 'ISO, YMD';"                                                        \
    "SET LOCAL \"IntervalStyle\" = 'postgres';"                                                    \
    "SET LOCAL extra_float_digits = 1;"                                                            \
    "SET LOCAL bytea_output = 'hex';"                                                              \
    "SET LOCAL lc_monetary = 'C';"                                                                 \
    "SET LOCAL statement_timeout = 0;"

#endif
