/* The routes of the API: one table, and finding a request's row in it. */
#ifndef SKEIN_COORDINATOR_HTTP_ROUTES_H
#define SKEIN_COORDINATOR_HTTP_ROUTES_H

#include "coordinator/http/api.h"

extern const Route ROUTES[];
extern const size_t ROUTE_COUNT;

/*
 * The route of a method and path, and what stood for each {…} of its pattern (in `arena`). NULL:
 * *ret_allow is NULL when there is no such path (err is ERR_NOT_FOUND, with did-you-mean), else the
 * methods that it has, "GET, HEAD, POST" (err is ERR_USAGE). HEAD is GET.
 */
const Route *route_find(const char *method, const char *path, Arena *arena,
                        const char *ret_path[API_PATH_PARAMETERS_MAX], const char **ret_allow,
                        Err *err);

/* Is `name` a query parameter of the route? Else ERR_USAGE, with did-you-mean. */
ErrCode route_check_query(const Route *route, const char *name, Arena *arena, Err *err);

#endif
