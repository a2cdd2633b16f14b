/* Admission: from the agent's own facts to accept_check's question. */
#include "agent/admit.h"

#include "agent/core/accept.h"
#include "common/arena.h"
#include "common/clock.h"
#include "proto/address.h"

ErrCode admit(const AgentOrder *order, const HeldPlan *plan, const Facts *facts, const char *agent,
              Err *err)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    ErrCode code = address_parse(order->target, &arena, &address, err);
    if (code != ERR_NONE) {
        return code;
    }
    const InventoryTarget *target = facts_target(facts, order->target);
    const HelloInstance *instance = facts_instance(facts, address.instance);
    SelectSubject subject = {
        .instance = address.instance,
        .host = agent,
        .database = address.database,
        .schema = address.schema,
        .version = target == NULL ? "" : target->version,
        .agent_labels = &facts_view(facts)->labels,
        .instance_labels = instance == NULL ? NULL : &instance->labels,
    };
    AcceptQuery query = {
        .order = order,
        .plan = plan->plan,
        .plan_hash = plan->hash,
        .distrust = &plan->distrust,
        .select = plan->selection,
        .subject = &subject,
        .target = target,
        .wall_s = clock_wall_s(),
    };
    return accept_check(&query, err);
}
