/* See place.h. */
#include "cli/source/place.h"

Place place_of(const MigrationSet *set, const PlanScript *script, uint32_t number)
{
    if (number == 0 || number > script->count) {
        return (Place){ 0 };
    }
    const ScriptOrigin *origin = source_origin(set, script);
    Place place = { .statement = &script->statements[number - 1], .number = number, .file = "" };
    if (origin != NULL) {
        place.file = sql_file_at(origin->sql, origin->starts[number - 1]);
        place.from = sql_from_at(origin->sql, origin->starts[number - 1]);
    }
    return place;
}
