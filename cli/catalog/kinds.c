/* The tables of kinds, as one. */
#include "cli/catalog/kinds.h"

#include "common/cleanup.h"

const CatalogKinds *const CATALOG_KINDS[] = { &CATALOG_RELATIONS, &CATALOG_CODE, &CATALOG_ACCESS };
const size_t CATALOG_KINDS_COUNT = ARRAY_LEN(CATALOG_KINDS);
