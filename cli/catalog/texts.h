/*
 * Texts: each distinct text kept once, for as long as the pool lives. The catalogs of a history's
 * steps are nearly the same; kept this way, a hundred of them cost little more than one.
 */
#ifndef SKEIN_CLI_CATALOG_TEXTS_H
#define SKEIN_CLI_CATALOG_TEXTS_H

#include "common/cleanup.h"

typedef struct Texts Texts;

Texts *texts_new(void);
void texts_free(Texts *texts); /* NULL is allowed */

AUTO_PTR_DEFINE(Texts, texts_free)

/* The pool's own copy, the same pointer for the same text. From any thread. */
const char *texts_keep(Texts *texts, const char *text);

#endif
