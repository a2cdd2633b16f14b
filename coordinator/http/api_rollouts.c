/* Rollouts: started, listed, shown and commanded. */
#include <string.h>
#include <sodium.h>

#include "common/clock.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"
#include "coordinator/load.h"

#define ID_LETTERS 4
#define ID_TRIES 100
#define COMMAND_TARGETS_MAX 10000

/* ---- reading ---- */

static void write_rollout(const ApiRequest *request, JsonOut *json, const RolloutRow *rollout)
{
    view_rollout(json, NULL, shell_engine(request->shell), rollout,
                 plan_facts_find(request->facts, rollout->plan_hash), shell_now_ms(request->shell));
}

/* ?state=: "open", "ended", a state's name, or nothing. */
static bool has_state(const RolloutRow *rollout, const char *wanted)
{
    if (wanted == NULL) {
        return true;
    }
    if (str_equal(wanted, "open") || str_equal(wanted, "ended")) {
        return rollout_is_open(rollout->state) == str_equal(wanted, "open");
    }
    return str_equal(wanted, rollout_state_name(rollout->state));
}

static ErrCode check_rollout_state(const char *wanted, Err *err)
{
    const char *names[ROLLOUT_STATE_COUNT_ + 1] = { "open", "ended" };
    size_t count = 2;
    for (unsigned state = 1; state < ROLLOUT_STATE_COUNT_; state++) {
        names[count++] = rollout_state_name((RolloutState)state);
    }
    return api_check_state("rollout", wanted, names, count, err);
}

ErrCode api_rollouts_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const char *state = request->query(request->query_ctx, "state");
    Page page;
    if (check_rollout_state(state, err) != ERR_NONE ||
        page_begin(&page, request, false, reply, err) != ERR_NONE) {
        return err->code;
    }
    for (size_t i = engine_rollout_count(engine); i > 0 && !page.has_more; i--) {
        const RolloutRow *rollout = engine_rollout_at(engine, i - 1);
        if (page_wants(&page, rollout->id, has_state(rollout, state))) {
            write_rollout(request, &page.json, rollout);
        }
    }
    return page_end(&page, err);
}

ErrCode api_rollout_show(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const RolloutRow *rollout = NULL;
    ErrCode code = api_rollout(request, request->path[0], &rollout, err);
    if (code == ERR_NONE) {
        JsonOut json = json_out(&reply->body);
        write_rollout(request, &json, rollout);
    }
    return code;
}

/* ---- start ---- */

/* "r-20261122-7f3k": sorts by day, is easily said, and fits application_name. */
static ErrCode make_id(const Engine *engine, Arena *arena, const char **ret_id, Err *err)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz234567";
    char date[UTC_TEXT_MAX];
    utc_format(clock_wall_ms(), date);
    for (int i = 0; i < ID_TRIES; i++) {
        char letters[ID_LETTERS + 1] = "";
        for (size_t k = 0; k < ID_LETTERS; k++) {
            letters[k] = LETTERS[randombytes_uniform(sizeof(LETTERS) - 1)];
        }
        const char *id =
            arena_printf(arena, "r-%.4s%.2s%.2s-%s", date, date + 5, date + 8, letters);
        if (engine_rollout_find(engine, id) == NULL) {
            *ret_id = id;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_INTERNAL, "found no free id for a rollout");
}

static ErrCode read_start(const ApiRequest *request, uint8_t *ret_hash, SignedPlan *ret_plan,
                          Err *err)
{
    static const char *const KEYS[] = { "plan" };
    AUTO_PTR(JsonDocument) document = NULL;
    const char *text = NULL;
    ErrCode code = api_body(request, KEYS, ARRAY_LEN(KEYS), &document, err);
    if (code != ERR_NONE) {
        return code;
    }
    JsonIn body = json_in_root(document, "body");
    if (json_in_string(&body, "plan", &text, err) != ERR_NONE) {
        return err->code;
    }
    request->deed->audit.plan = audit_text(text, AUDIT_WORDS_MAX, request->arena);
    if (api_hash(text, ret_hash, err) != ERR_NONE) {
        return err->code;
    }
    code = load_plan(shell_store(request->shell), ret_hash, request->arena, ret_plan, err);
    return code == ERR_NOT_FOUND ? err_hint(err, "bring it first: PUT /api/v1/plans/%s", text)
                                 : code;
}

static void write_found(const ApiRequest *request, const char *id, ApiReply *reply)
{
    JsonOut json = json_out(&reply->body);
    write_rollout(request, &json, engine_rollout_find(shell_engine(request->shell), id));
}

ErrCode api_rollout_start(const ApiRequest *request, ApiReply *reply, Err *err)
{
    uint8_t hash[PLAN_HASH_BYTES];
    SignedPlan loaded;
    const char *id = NULL;
    if (read_start(request, hash, &loaded, err) != ERR_NONE ||
        make_id(shell_engine(request->shell), request->arena, &id, err) != ERR_NONE) {
        return err->code;
    }
    Event event = {
        .kind = EVENT_START_ROLLOUT,
        .start = { .id = id, .plan = loaded.plan, .plan_hash = hash, .actor = request->actor }
    };
    request->deed->audit.rollout = id;
    ErrCode code = api_order(request, &event, 201, reply, err);
    if (code == ERR_NONE) {
        reply->location = arena_printf(request->arena, "/api/v1/rollouts/%s", id);
        write_found(request, id, reply);
    }
    return code;
}

/* ---- commands ---- */

/* What the body of each verb may say. */
static const char *const REASON_KEYS[] = { "reason" };
static const char *const APPROVE_KEYS[] = { "reason", "wave" };
static const char *const TARGET_KEYS[] = { "reason", "targets", "failed" };

static bool takes_targets(int verb)
{
    return verb == COMMAND_RETRY || verb == COMMAND_SKIP;
}

static ErrCode parse_command_body(const ApiRequest *request, JsonDocument **ret, Err *err)
{
    int verb = request->route->verb;
    if (takes_targets(verb)) {
        return api_body(request, TARGET_KEYS, ARRAY_LEN(TARGET_KEYS), ret, err);
    }
    if (verb == COMMAND_APPROVE) {
        return api_body(request, APPROVE_KEYS, ARRAY_LEN(APPROVE_KEYS), ret, err);
    }
    return api_body(request, REASON_KEYS, ARRAY_LEN(REASON_KEYS), ret, err);
}

static ErrCode read_targets(const ApiRequest *request, const JsonIn *body, Command *command,
                            Err *err)
{
    const JsonIn member = json_in_member(body, "targets");
    JsonIn targets = { 0 };
    size_t count = 0;
    ErrCode code = json_in_bool_or(body, "failed", false, &command->is_all_failed, err);
    if (code == ERR_NONE && !json_in_is_absent(&member)) {
        code = json_in_array(body, "targets", &targets, &count, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (count > COMMAND_TARGETS_MAX) {
        return err_set(err, ERR_LIMIT, "at most %d targets at once", COMMAND_TARGETS_MAX);
    }
    if ((count == 0) != command->is_all_failed) {
        return err_set(err, ERR_USAGE,
                       "name targets, or say failed: true for all that failed; not both");
    }
    command->targets = ARENA_ARRAY(request->arena, const char *, count);
    for (; command->target_count < count && code == ERR_NONE; command->target_count++) {
        code = json_in_item_string(&targets, command->target_count,
                                   &command->targets[command->target_count], err);
    }
    return code;
}

/* Its texts live as long as the document. */
static ErrCode read_command(const ApiRequest *request, const JsonDocument *document,
                            Command *command, Err *err)
{
    JsonIn body = json_in_root(document, "body");
    ErrCode code = api_reason(request, &body, &command->reason, err);
    if (code == ERR_NONE) {
        code = json_in_string_or(&body, "wave", "", &command->wave, err);
    }
    if (code == ERR_NONE && takes_targets(request->route->verb)) {
        code = read_targets(request, &body, command, err);
    }
    return code;
}

/* What the audit row says of the command beside its reason. */
static void note_command(const ApiRequest *request, const Command *command)
{
    AuditRow *row = &request->deed->audit;
    Arena *arena = request->arena;
    row->wave = audit_text(command->wave, AUDIT_WORDS_MAX, arena);
    row->detail = command->is_all_failed ? "all that failed" : "";
    row->targets = ARENA_ARRAY(arena, const char *, AUDIT_TARGETS_MAX);
    row->targets_total = command->target_count;
    for (size_t i = 0; i < command->target_count && i < AUDIT_TARGETS_MAX; i++) {
        const char *target = command->targets[i];
        row->targets[row->target_count++] =
            target[0] == '\0' ? "\"\"" : audit_text(target, AUDIT_TARGET_MAX, arena);
    }
}

/*
 * May he approve what he has started? Where the plan is missing nobody knows: then he waits for it,
 * as the rollout does.
 */
static ErrCode check_approver(const ApiRequest *request, const RolloutRow *rollout, Err *err)
{
    const PlanFacts *facts = plan_facts_find(request->facts, rollout->plan_hash);
    if (request->route->verb != COMMAND_APPROVE || !str_equal(rollout->actor, request->actor) ||
        (facts != NULL && !facts->approved_by_another)) {
        return ERR_NONE;
    }
    if (facts == NULL) {
        err_set(err, ERR_REFUSED, "the plan of rollout %s is missing: it may want another approver",
                rollout->id);
        return err_hint(err, "`skein rollout resume --plan FILE` brings it");
    }
    err_set(err, ERR_FORBIDDEN,
            "%s has started rollout %s, and its plan wants somebody else to "
            "approve",
            request->actor, rollout->id);
    return err_hint(err, "whoever approves needs a user or a token of his own");
}

ErrCode api_rollout_command(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO_PTR(JsonDocument) document = NULL;
    const RolloutRow *rollout = NULL;
    Command command = { .verb = (CommandVerb)request->route->verb, .actor = request->actor };
    if (parse_command_body(request, &document, err) != ERR_NONE ||
        read_command(request, document, &command, err) != ERR_NONE) {
        return err->code;
    }
    note_command(request, &command);
    if (api_rollout(request, request->path[0], &rollout, err) != ERR_NONE) {
        return err->code;
    }
    command.rollout = arena_strdup(request->arena, rollout->id);
    request->deed->audit.rollout = command.rollout;
    if (check_approver(request, rollout, err) != ERR_NONE) {
        return err->code;
    }
    Event event = { .kind = EVENT_COMMAND, .command = command };
    ErrCode code = api_order(request, &event, 200, reply, err);
    if (code == ERR_NONE) {
        write_found(request, command.rollout, reply);
    }
    return code;
}
