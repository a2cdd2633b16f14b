/* skein rollout pause | resume | approve | abort | rollback | retry | skip: steering a rollout. */
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/preview.h"
#include "cli/rollout_view.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/list.h"

#define TARGETS_SHOWN 10

/* A verb at work on one rollout. The coordinator is asked once which one that is: what is shown and
 * what is acted on are the same. */
typedef struct Steering {
    Invocation *invocation;
    const char *verb;
    const char *question; /* before the rollout's id; NULL: nothing is asked */
    Client *client;
    json_t *rollout;
    json_t *targets; /* of retry and skip: those it acts on; NULL: the verb is about the rollout */
    json_t *body;
} Steering;

static void steering_done(Steering *steering)
{
    client_free(steering->client);
    json_decref(steering->rollout);
    json_decref(steering->targets);
    json_decref(steering->body);
}

AUTO_DEFINE(Steering, steering_done)

/* Another plan would be kept beside the one that is missed, and help nobody. */
static ErrCode check_plan(const Steering *steering, const PlanAtHand *plan, Err *err)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(plan->bundle.hash, PLAN_HASH_BYTES, hash);
    if (str_equal(get_text(steering->rollout, "plan"), hash)) {
        return ERR_NONE;
    }
    if (json_is_null(json_object_get(steering->rollout, "plan"))) {
        err_set(err, ERR_REFUSED, "no database has named the plan of rollout %s yet",
                get_text(steering->rollout, "id"));
        return err_hint(err, "wait until the agents that have it are back");
    }
    err_set(err, ERR_REFUSED, "%s is plan %s, rollout %s has plan %s",
            steering->invocation->options.plan, hash, get_text(steering->rollout, "id"),
            get_text(steering->rollout, "plan"));
    return err_hint(
        err, "it takes the file that `skein plan --out` wrote then, or the rollout file "
             "with settings and migrations as they were, apply_until and rollback_until too");
}

/* A rollout file is signed anew with the times that the coordinator tells: it must not be able to
 * have people sign what never ends. */
static ErrCode check_told_time(const PlanAtHand *plan, PlanTimes told, const char *path, Err *err)
{
    int64_t latest_s = clock_wall_s() + MOMENT_DAYS_MAX * INT64_C(86400);
    bool is_endless = plan->is_time_unsaid && plan->plan->apply_until_s == 0;
    bool is_far = told.apply_until_s > latest_s ||
                  (plan->is_time_unsaid && plan->plan->apply_until_s > latest_s);
    if (plan->bundle.signature_count > 0 || !(is_endless || is_far)) {
        return ERR_NONE;
    }
    err_set(err, ERR_REFUSED,
            "the coordinator says that this plan may be applied %s, and %s does not say so",
            is_endless ? "for ever" : "for more than a year", path);
    return err_hint(err, "bring the file that `skein plan --out` wrote then; or, if it was meant, "
                         "write apply_until (`never`, or a moment) into the rollout file");
}

/* Nobody knows the end of a plan that is missing. Most are planned on the day that they are
 * started. 0: it is not missing. */
static int64_t end_of_missing(const json_t *rollout)
{
    int64_t created_ms = 0;
    bool is_missing = json_is_null(json_object_get(rollout, "to"));
    return is_missing && utc_parse(get_text(rollout, "created_at"), &created_ms)
               ? planning_default_end_s(created_ms / 1000)
               : 0;
}

/* --plan: what the coordinator's store has lost, or has without a signature that is trusted. */
static ErrCode bring_plan(Steering *steering, Err *err)
{
    const Options *options = &steering->invocation->options;
    Arena *arena = &steering->invocation->arena;
    PlanAtHand plan;
    PlanTimes times = { 0 }; /* of the command line then; a rollout file need not have them */
    moment_parse(get_text(steering->rollout, "apply_until"), &times.apply_until_s);
    moment_parse(get_text(steering->rollout, "rollback_until"), &times.rollback_until_s);
    ErrCode code = planning_load_until(options->plan, times, end_of_missing(steering->rollout),
                                       arena, &plan, err);
    if (code == ERR_NONE) {
        code = check_told_time(&plan, times, options->plan, err);
    }
    if (code == ERR_NONE) {
        code = check_plan(steering, &plan, err);
    }
    return code == ERR_NONE
               ? preview_hand_over(steering->client, &plan, options->signer, arena, err)
               : code;
}

/* `id` NULL: the one that is open. */
static ErrCode begin(Steering *steering, const char *id, Err *err)
{
    const Options *options = &steering->invocation->options;
    ErrCode code = client_new(options, &steering->client, err);
    if (code == ERR_NONE) {
        code = client_get(steering->client, &steering->rollout, err, "/rollouts/%s",
                          id == NULL ? "current" : client_escape(id, &steering->invocation->arena));
    }
    if (code == ERR_NONE && options->plan != NULL) {
        code = bring_plan(steering, err);
    }
    steering->body = json_object();
    if (options->reason != NULL) {
        json_object_set_new(steering->body, "reason", json_string(options->reason));
    }
    return code;
}

/* What is touched: the rollout as it stands, or those of its targets. */
static void touched_text(const Steering *steering, Str *out)
{
    if (steering->targets == NULL) {
        rollout_text(steering->rollout, out);
        return;
    }
    size_t count = json_array_size(steering->targets);
    str_printf(out, "%s of %zu target%s of %s:\n", steering->verb, count, count == 1 ? "" : "s",
               get_text(steering->rollout, "id"));
    targets_text(steering->targets, TARGETS_SHOWN, out);
}

static void question_text(const Steering *steering, Str *out)
{
    const char *id = get_text(steering->rollout, "id");
    size_t count = json_array_size(steering->targets);
    if (steering->targets != NULL) {
        str_printf(out, "%s %zu target%s of %s?", steering->question, count, count == 1 ? "" : "s",
                   id);
        return;
    }
    str_printf(out, "%s %s (%lld of %lld targets have it)?", steering->question, id,
               count_applied(steering->rollout), get_number(steering->rollout, "total"));
}

/* Asks, where the verb does; else says of which targets it is. */
static ErrCode confirm(const Steering *steering, Err *err)
{
    const Options *options = &steering->invocation->options;
    AUTO(Str) touched = { 0 };
    AUTO(Str) question = { 0 };
    touched_text(steering, &touched);
    if (steering->question != NULL && !options->is_yes) {
        question_text(steering, &question);
        return output_confirm(&touched, str_text(&question), steering->invocation, err);
    }
    if (steering->targets != NULL && options->output == OUTPUT_TEXT) {
        output_text(&touched);
    }
    return ERR_NONE;
}

/* A roll back that was ordered before, and stood still for want of the plan that was brought. */
static bool is_under_way(const Steering *steering)
{
    const char *state = get_text(steering->rollout, "state");
    bool is_going_back = str_equal(state, "rolling_back") || str_equal(state, "rollback_held");
    bool has_lacked_plan = json_is_null(json_object_get(steering->rollout, "signers"));
    return steering->invocation->options.plan != NULL && has_lacked_plan && is_going_back &&
           str_equal(steering->verb, "rollback");
}

static ErrCode order(Steering *steering, json_t **ret_rollout, Err *err)
{
    const char *id = get_text(steering->rollout, "id");
    return is_under_way(steering)
               ? client_get(steering->client, ret_rollout, err, "/rollouts/%s", id)
               : client_post(steering->client, steering->body, ret_rollout, err, "/rollouts/%s/%s",
                             id, steering->verb);
}

/* Does it, and shows how the rollout stands then. */
static ErrCode act(Steering *steering, Err *err)
{
    AUTO_PTR(JsonDocument) rollout = NULL;
    ErrCode code = confirm(steering, err);
    if (code == ERR_NONE) {
        code = order(steering, &rollout, err);
    }
    if (code == ERR_NONE && steering->invocation->options.output == OUTPUT_JSON) {
        output_json(rollout);
    } else if (code == ERR_NONE) {
        AUTO(Str) text = { 0 };
        rollout_text(rollout, &text);
        output_text(&text);
    }
    return code;
}

/* ---- the whole rollout ---- */

static const char *first_argument(const Invocation *invocation)
{
    return invocation->argument_count == 0 ? NULL : invocation->arguments[0];
}

static ErrCode steer(Invocation *invocation, const char *verb, const char *question, Err *err)
{
    AUTO(Steering) steering = { .invocation = invocation, .verb = verb, .question = question };
    ErrCode code = begin(&steering, first_argument(invocation), err);
    if (code == ERR_NONE && invocation->options.wave != NULL) {
        json_object_set_new(steering.body, "wave", json_string(invocation->options.wave));
    }
    return code == ERR_NONE ? act(&steering, err) : code;
}

ErrCode cmd_rollout_pause(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer(invocation, "pause", NULL, err);
}

ErrCode cmd_rollout_resume(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer(invocation, "resume", NULL, err);
}

ErrCode cmd_rollout_approve(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer(invocation, "approve", NULL, err);
}

ErrCode cmd_rollout_abort(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer(invocation, "abort", "abort, leaving what is applied,", err);
}

ErrCode cmd_rollout_rollback(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer(invocation, "rollback", "roll back everywhere", err);
}

/* ---- some of its targets ---- */

/* The arguments of retry and skip: [ID] TARGET…, where an address has a slash and
 * an id has none. */
typedef struct Named {
    const char *id; /* NULL: the one that is open */
    const char *const *addresses;
    size_t count; /* 0: --failed */
} Named;

static ErrCode read_named(const Invocation *invocation, Named *ret_named, Err *err)
{
    const char *first = first_argument(invocation);
    size_t ids = first != NULL && strchr(first, '/') == NULL ? 1 : 0;
    size_t count = invocation->argument_count - ids;
    if ((count > 0) == invocation->options.is_failed) {
        err_set(err, ERR_USAGE, "'skein %s' wants targets, or --failed", invocation->command->name);
        return err_hint(err, "for example: skein %s db1/tenant_3", invocation->command->name);
    }
    *ret_named = (Named){ ids > 0 ? first : NULL, invocation->arguments + ids, count };
    return ERR_NONE;
}

static ErrCode not_of_rollout(const Steering *steering, const char *address, const json_t *all,
                              Err *err)
{
    Arena *arena = &steering->invocation->arena;
    size_t count = json_array_size(all);
    const char **addresses = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        addresses[i] = get_text(json_array_get(all, i), "address");
    }
    const char *id = get_text(steering->rollout, "id");
    const char *nearest = str_nearest(address, addresses, count);
    err_set(err, ERR_NOT_FOUND, "%s is no target of rollout %s", address, id);
    return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                           : err_hint(err, "`skein rollout targets %s` lists them", id);
}

/* In the order in which they were named, each once. */
static ErrCode pick_named(Steering *steering, const Named *named, const json_t *all, Err *err)
{
    AUTO_PTR(JsonDocument) by_address = json_object();
    size_t index = 0;
    json_t *target = NULL;
    json_array_foreach((json_t *)all, index, target)
    {
        json_object_set(by_address, get_text(target, "address"), target);
    }
    for (size_t i = 0; i < named->count; i++) {
        target = json_object_get(by_address, named->addresses[i]);
        if (target == NULL) {
            return not_of_rollout(steering, named->addresses[i], all, err);
        }
        if (json_is_object(target)) {
            json_array_append(steering->targets, target);
            json_object_set_new(by_address, named->addresses[i], json_true());
        }
    }
    return ERR_NONE;
}

static ErrCode find_targets(Steering *steering, const Named *named, Err *err)
{
    Arena *arena = &steering->invocation->arena;
    const char *path =
        arena_printf(arena, "/rollouts/%s/targets", get_text(steering->rollout, "id"));
    if (named->count == 0) {
        return client_list(steering->client,
                           arena_printf(arena, "%s?failed_for=%s", path, steering->verb), 0,
                           &steering->targets, err);
    }
    AUTO_PTR(JsonDocument) all = NULL;
    steering->targets = json_array();
    ErrCode code = client_list(steering->client, path, 0, &all, err);
    return code == ERR_NONE ? pick_named(steering, named, all, err) : code;
}

/* Those that were shown, and no others that may have failed meanwhile. */
static void name_targets(Steering *steering)
{
    json_t *addresses = json_array();
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach(steering->targets, index, target)
    {
        json_array_append_new(addresses, json_string(get_text(target, "address")));
    }
    json_object_set_new(steering->body, "targets", addresses);
}

static ErrCode none_failed(const Steering *steering, Err *err)
{
    const char *id = get_text(steering->rollout, "id");
    err_set(err, ERR_REFUSED, "rollout %s has no failed target to %s", id, steering->verb);
    return err_hint(err, "`skein rollout show %s` says where it stands", id);
}

static ErrCode steer_targets(Invocation *invocation, const char *verb, const char *question,
                             Err *err)
{
    AUTO(Steering) steering = { .invocation = invocation, .verb = verb, .question = question };
    Named named = { 0 };
    ErrCode code = read_named(invocation, &named, err);
    if (code == ERR_NONE) {
        code = begin(&steering, named.id, err);
    }
    if (code == ERR_NONE) {
        code = find_targets(&steering, &named, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (json_array_size(steering.targets) == 0) {
        return none_failed(&steering, err);
    }
    name_targets(&steering);
    return act(&steering, err);
}

ErrCode cmd_rollout_retry(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_targets(invocation, "retry", NULL, err);
}

ErrCode cmd_rollout_skip(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_targets(invocation, "skip", "go on without", err);
}
