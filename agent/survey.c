/* The server, its databases, and each of them that is due. */
#include "agent/survey.h"

#include "agent/exec/tenants.h"
#include "common/clock.h"
#include "proto/address.h"

/* One look at the server, and at one database. */
#define LOOK_TIMEOUT_MS 10000

static const TenantFacts UNREAD_DATABASE = { .schema = "", .version = "", .rollout = "" };

void survey_done(Survey *survey)
{
    LIST_DONE(&survey->targets);
    arena_done(&survey->arena);
}

static uint64_t soon_ms(void)
{
    return clock_boot_ms() + LOOK_TIMEOUT_MS;
}

static bool has_schemas(const SurveyParts *parts)
{
    return parts->config->schemas.include_count > 0;
}

/* ---- one database ---- */

static void keep_matching(const NameFilter *filter, TenantList *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (name_filter_matches(filter, list->items[i].schema)) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/*
 * Their histories cannot be read, and their names can: a schema that is missing from a list would
 * be taken for gone. Whoever was read before stays as it was.
 */
static void keep_names(const SurveyParts *parts, const DatabaseFacts *database, Conn *conn)
{
    AUTO(Arena) arena = { 0 };
    TenantList names = { 0 };
    const Reading *before = readings_get(parts->readings, database->name);
    bool is_known =
        before != NULL && before->database_oid == database->oid && before->tenant_count > 0;
    if (!is_known &&
        tenants_names(conn, soon_ms(), parts->interrupt, &arena, &names, NULL) == ERR_NONE) {
        keep_matching(&parts->config->schemas, &names);
        readings_put(parts->readings, database->name, database->oid, names.items, names.count);
    }
}

static ErrCode read_database(const SurveyParts *parts, const DatabaseFacts *database, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Conn) conn = NULL;
    TenantList tenants = { 0 };
    const char *which = has_schemas(parts) ? TENANTS_ALL_SCHEMAS : "";
    ErrCode code =
        discover_open(parts->source, database->name, soon_ms(), parts->interrupt, &conn, err);
    if (code == ERR_NONE) {
        code = tenants_read(conn, which, soon_ms(), parts->interrupt, &arena, &tenants, err);
    }
    if (code == ERR_NONE) {
        if (has_schemas(parts)) {
            keep_matching(&parts->config->schemas, &tenants);
        }
        readings_put(parts->readings, database->name, database->oid, tenants.items, tenants.count);
    } else if (has_schemas(parts) && (code == ERR_TABLES || code == ERR_PRIVILEGE) &&
               conn != NULL) {
        keep_names(parts, database, conn);
    }
    return code;
}

/* When a database does not answer, is it the whole instance? */
static ErrCode check_instance(const SurveyParts *parts, ErrCode why, Err *err)
{
    InstanceFacts facts;
    bool may_be_all =
        why == ERR_UNREACHABLE || why == ERR_TIMEOUT || why == ERR_CANCELLED || why == ERR_LOST;
    return may_be_all ? discover_instance(parts->pool, soon_ms(), parts->interrupt, &facts, err)
                      : ERR_NONE;
}

static bool is_for_a_person(ErrCode why)
{
    return why == ERR_PRIVILEGE || why == ERR_NOT_FOUND || why == ERR_REFUSED || why == ERR_TABLES;
}

/*
 * It stays on the list as it was. Where schemas are the targets and none was ever read, nobody can
 * say which; unless it is for a person to mend, so that waiting would help nobody, or it has just
 * been dropped.
 */
static ErrCode take_unread(const SurveyParts *parts, const DatabaseFacts *database, const Err *why,
                           Survey *survey, Err *err)
{
    ErrCode code = check_instance(parts, why->code, err);
    if (code != ERR_NONE) {
        return code;
    }
    readings_put_unread(parts->readings, database->name, database->oid);
    if (survey->unread++ == 0) {
        survey->unread_why = *why;
    }
    bool is_unknown =
        has_schemas(parts) && readings_get(parts->readings, database->name)->tenant_count == 0;
    if (is_unknown && !is_for_a_person(why->code)) {
        *err = *why;
        return err_wrap(err, "the schemas of database %s cannot be listed", database->name);
    }
    return ERR_NONE;
}

static void list_tenant(const SurveyParts *parts, const DatabaseFacts *database,
                        const TenantFacts *tenant, bool is_read, Survey *survey)
{
    Address address = { parts->config->name, database->name, tenant->schema };
    InventoryTarget target = {
        .target = address_format(&address, &survey->arena),
        .instance = parts->config->name,
        .identity = { survey->facts.system_identifier, database->oid, tenant->schema },
        .version = tenant->version,
        .is_read = is_read,
        .in_recovery = survey->facts.in_recovery,
        .fence = tenant->fence,
        .rollout = tenant->rollout,
        .plan_hash = tenant->plan_hash,
        .applied = tenant->applied,
        .timeline = tenant->timeline,
    };
    LIST_PUSH(&survey->targets, target);
}

static void list_database(const SurveyParts *parts, const DatabaseFacts *database, Survey *survey)
{
    const Reading *reading = readings_get(parts->readings, database->name);
    for (size_t i = 0; i < reading->tenant_count; i++) {
        list_tenant(parts, database, &reading->tenants[i], reading->is_read, survey);
    }
    if (reading->tenant_count == 0 && !has_schemas(parts)) {
        list_tenant(parts, database, &UNREAD_DATABASE, false, survey);
    }
}

static ErrCode survey_database(const SurveyParts *parts, const DatabaseFacts *database,
                               Survey *survey, Err *err)
{
    if (readings_is_due(parts->readings, database->name, database->oid)) {
        Err why = { 0 };
        if (read_database(parts, database, &why) != ERR_NONE &&
            take_unread(parts, database, &why, survey, err) != ERR_NONE) {
            return err->code;
        }
    }
    list_database(parts, database, survey);
    return ERR_NONE;
}

/* ---- the instance ---- */

static void judge_server(const SurveyParts *parts, const InstanceFacts *facts, InstanceFacts *known)
{
    if (facts->started_at_us != known->started_at_us || facts->timeline != known->timeline ||
        facts->system_identifier != known->system_identifier ||
        facts->in_recovery != known->in_recovery) {
        readings_distrust_all(parts->readings);
    }
    *known = *facts;
}

static ErrCode check_interrupt(const SurveyParts *parts, Err *err)
{
    return interrupt_is_set(parts->interrupt)
               ? err_set(err, ERR_CANCELLED, "the look was broken off")
               : ERR_NONE;
}

ErrCode survey_make(const SurveyParts *parts, InstanceFacts *known, Survey *ret_survey, Err *err)
{
    Survey *survey = ret_survey;
    DatabaseList databases = { 0 };
    ErrCode code = discover_instance(parts->pool, soon_ms(), parts->interrupt, &survey->facts, err);
    if (code == ERR_NONE) {
        judge_server(parts, &survey->facts, known);
        code = discover_databases(parts->pool, &parts->config->databases, soon_ms(),
                                  parts->interrupt, &survey->arena, &databases, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < databases.count; i++) {
        code = check_interrupt(parts, err);
        if (code == ERR_NONE) {
            code = survey_database(parts, &databases.items[i], survey, err);
        }
    }
    return code;
}
