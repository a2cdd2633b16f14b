/*
 * Operators of PostgreSQL's own, by name. Where types differ, or one is not told, whoever may make
 * an operator in a schema of the search_path can make one that fits better than those of
 * pg_catalog, and would have it run by skein; where both are exactly an operator's, pg_catalog's is
 * found first. All of them bind as tightly as `||` does.
 */
#ifndef SKEIN_AGENT_EXEC_OPERATORS_H
#define SKEIN_AGENT_EXEC_OPERATORS_H

#define OWN_OPERATOR(sign) " OPERATOR(pg_catalog." sign ") "

#define IS OWN_OPERATOR("=")
#define ISNT OWN_OPERATOR("<>")
#define PLUS OWN_OPERATOR("+")
#define TIMES OWN_OPERATOR("*")
#define MEMBER OWN_OPERATOR("->")       /* of JSON */
#define MEMBER_TEXT OWN_OPERATOR("->>") /* the same, as text */

#endif
