/* One decision per handshake: is this key an agent's? */
#include "coordinator/fleet/zap_gate.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/str.h"
#include "common/zap.h"

#define REQUESTS_PER_TURN 64
/* Refused peers come again and again: one line per doubling of their number is enough. */
#define IS_POWER_OF_TWO(n) (((n) & ((n)-1)) == 0)

struct ZapGate {
    Loop *loop;
    LoopId id;
    Zsock socket;
    const Keys *keys;
    Applicants *applicants; /* NULL: nobody may apply */
    ZapGateStats stats;
};

static void refuse(ZapGate *gate, const ZapRequest *request)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    Err err = { 0 };
    gate->stats.refused++;
    (void)zap_refuse(gate->socket, request, "this key is no agent's", &err);
    if (IS_POWER_OF_TWO(gate->stats.refused)) {
        key_fingerprint(KEY_CURVE, request->public_key, fingerprint);
        log_warning("refused a peer whose key is no agent's", LOG_STR("address", request->address),
                    LOG_STR("key", fingerprint), LOG_U64("refused", gate->stats.refused));
    }
}

static bool may_apply(ZapGate *gate, const ZapRequest *request)
{
    return gate->applicants != NULL && !keys_is_refused(gate->keys, request->public_key) &&
           applicants_admit(gate->applicants, request->public_key, request->address,
                            clock_boot_ms());
}

/* An agent, or who would be one, is known by its key: accepted, it is an agent in the connection
 * that stands. */
static void answer(ZapGate *gate, const ZapRequest *request)
{
    Err err = { 0 };
    char user_id[KEY_TEXT_MAX];
    bool is_ours = str_equal(request->domain, ZAP_DOMAIN);
    bool is_agent = is_ours && keys_user_id(gate->keys, request->public_key) != NULL;
    if (!is_agent && (!is_ours || !may_apply(gate, request))) {
        refuse(gate, request);
        return;
    }
    gate->stats.accepted += is_agent;
    gate->stats.applying += !is_agent;
    key_format(KEY_CURVE, request->public_key, user_id);
    if (zap_accept(gate->socket, request, user_id, &err) == ZSOCK_FAILED) {
        log_error("cannot answer a handshake", LOG_ERR(&err));
    }
}

static void on_readable(void *ctx, void *socket)
{
    ZapGate *gate = ctx;
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        ZapRequest request;
        Err err = { 0 };
        ZsockResult result = zap_receive(socket, &request, &err);
        if (result == ZSOCK_OK) {
            answer(gate, &request);
        } else if (result == ZSOCK_MALFORMED) {
            gate->stats.malformed++;
        } else {
            return;
        }
    }
}

ErrCode zap_gate_open(Loop *loop, void *context, const Keys *keys, Applicants *applicants,
                      ZapGate **ret_gate, Err *err)
{
    ZapGate *gate = mem_alloc(sizeof(*gate));
    gate->loop = loop;
    gate->keys = keys;
    gate->applicants = applicants;
    ErrCode code = zap_open(context, &gate->socket, err);
    if (code != ERR_NONE) {
        free(gate);
        return err_wrap(err, "cannot open the gate for agents' keys");
    }
    gate->id = loop_add_socket(loop, gate->socket, on_readable, gate);
    *ret_gate = gate;
    return ERR_NONE;
}

void zap_gate_close(ZapGate *gate)
{
    if (gate != NULL) {
        loop_remove(gate->loop, gate->id);
        zsock_done(&gate->socket);
        free(gate);
    }
}

ZapGateStats zap_gate_stats(const ZapGate *gate)
{
    return gate->stats;
}
