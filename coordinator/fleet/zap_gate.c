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
/* Lines about keys that come for the first time. */
#define NEWCOMERS_PER_MINUTE 1
#define NEWCOMER_BURST 32
#define SECONDS_PER_MINUTE 60

struct ZapGate {
    Loop *loop;
    LoopId id;
    Zsock socket;
    const Keys *keys;
    Applicants *applicants;
    Invitations *invitations;
    Bucket newcomers; /* by the minute */
    ZapGateStats stats;
};

/* Whoever has a place among the applicants is told of once, and few of them in a minute; of all
 * others one line per doubling of their number is enough. */
static bool is_to_be_told(ZapGate *gate, const Applicant *applicant)
{
    bool is_new = applicant != NULL && applicant->tries == 1;
    return (is_new && bucket_take(&gate->newcomers, clock_boot_ms() / SECONDS_PER_MINUTE)) ||
           IS_POWER_OF_TWO(gate->stats.refused);
}

static void tell_refusal(const ZapGate *gate, const ZapRequest *request, const Applicant *applicant)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    key_fingerprint(KEY_CURVE, request->public_key, fingerprint);
    if (keys_is_refused(gate->keys, request->public_key)) {
        log_warning("refused a peer whose key was revoked or rejected",
                    LOG_STR("address", request->address), LOG_STR("key", fingerprint),
                    LOG_U64("refused", gate->stats.refused));
    } else if (applicant != NULL) {
        log_warning("refused a peer whose key is no agent's: skein agents accept KEY --name NAME",
                    LOG_STR("address", request->address), LOG_STR("key", fingerprint),
                    LOG_U64("refused", gate->stats.refused));
    } else {
        log_warning("refused a peer whose key is no agent's", LOG_STR("address", request->address),
                    LOG_STR("key", fingerprint), LOG_U64("refused", gate->stats.refused));
    }
}

static void refuse(ZapGate *gate, const ZapRequest *request, const Applicant *applicant)
{
    Err err = { 0 };
    gate->stats.refused++;
    (void)zap_refuse(gate->socket, request, "this key is no agent's", &err);
    if (is_to_be_told(gate, applicant)) {
        tell_refusal(gate, request, applicant);
    }
}

/* Known by its key: accepted, an applicant is an agent in the connection that stands. */
static void let_in(ZapGate *gate, const ZapRequest *request)
{
    Err err = { 0 };
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, request->public_key, user_id);
    if (zap_accept(gate->socket, request, user_id, &err) == ZSOCK_FAILED) {
        log_error("cannot answer a handshake", LOG_ERR(&err));
    }
}

/* NULL: it was revoked or rejected, or there is no place for it. */
static Applicant *note_applicant(ZapGate *gate, const ZapRequest *request, uint64_t now_ms)
{
    return keys_is_refused(gate->keys, request->public_key)
               ? NULL
               : applicants_note(gate->applicants, request->public_key, request->address, now_ms);
}

static void answer(ZapGate *gate, const ZapRequest *request)
{
    uint64_t now_ms = clock_boot_ms();
    if (!str_equal(request->domain, ZAP_DOMAIN)) {
        refuse(gate, request, NULL);
        return;
    }
    if (keys_user_id(gate->keys, request->public_key) != NULL) {
        gate->stats.accepted++;
        let_in(gate, request);
        return;
    }
    InvitationEntry invited = invitations_admit(gate->invitations, request->public_key,
                                                request->address, clock_wall_ms());
    if (invited == INVITATION_IN) {
        gate->stats.invited++;
        let_in(gate, request);
        return;
    }
    if (invited == INVITATION_OUT) {
        refuse(gate, request, NULL); /* no agent will have that key */
        return;
    }
    Applicant *applicant = note_applicant(gate, request, now_ms);
    if (applicant != NULL && applicants_admit(gate->applicants, applicant, now_ms)) {
        gate->stats.applying++;
        let_in(gate, request);
    } else {
        refuse(gate, request, applicant);
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
                      Invitations *invitations, ZapGate **ret_gate, Err *err)
{
    ZapGate *gate = mem_alloc(sizeof(*gate));
    gate->loop = loop;
    gate->keys = keys;
    gate->applicants = applicants;
    gate->invitations = invitations;
    bucket_init(&gate->newcomers, NEWCOMERS_PER_MINUTE, NEWCOMER_BURST,
                clock_boot_ms() / SECONDS_PER_MINUTE);
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
