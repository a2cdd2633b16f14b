/*
 * skein's protocol as a model: one coordinator, two agents, two databases, one migration. See README.md for what
 * stands for what. Messages are sets: what has been sent may come at any time, in any order, as often as it likes,
 * or not at all. Faults are counted; when they have stopped, everything must end or wait for a person.
 */
#ifndef MUTANT /* else `run` says all three */
#define MUTANT 0
#define FAULTS 1
#define DEEDS 1
#endif
#define SITES 2
#define ATTEMPTS 6 /* one forward, one back, one for a retry, and one for each process that dies meanwhile */
mtype = { PAUSE, ABORT, TURN, RETRY, REVOKE };                    /* a person's deeds */
mtype = { APPLY, BACK };                                          /* directions of an attempt */
mtype = { PENDING, SENT, UNKNOWN, APPLIED, FAILED, HELD, SKIPPED, RETURNING, RETURNED }; /* a target, as the store has it */
mtype = { RUNNING, PAUSED, ABORTING, ABORTED, TURNED, SUCCEEDED, ROLLED_BACK }; /* the rollout, likewise */
mtype = { IDLE, LOCK, READ, READY, GO, INSIDE, DONE };            /* a job */
mtype = { NOTHING, OK, BAD, FENCED };                             /* how it ended */

typedef Row { /* durable, at the coordinator; an odd revision is "hold" */
    mtype state = PENDING; mtype goal = APPLY; byte attempt; byte revision; bool charged;
    bool doubt /* held, and nobody has looked since */ };
typedef Job { /* in an agent's process: gone when that dies */
    byte attempt; byte revision; mtype phase = IDLE; mtype end = NOTHING; bool lease;
    bool again /* a frozen machine's that was thrown out once; the second time it stays out */ };
typedef Backend { /* a server's process: outlives its client */
    byte attempt; bool inside; bool back };
typedef Site {
    Row row;
    bool up = true;    /* the coordinator hears the agent */
    bool lost;         /* ... and has said that it does not: no step may begin there */
    bool newborn;      /* another process than the one with the order says hello */
    bool revoked;      /* its key: what it says is nobody's word */
    bool shut;         /* ... and it has been told so */
    int orders;        /* in flight: bit 4 * attempt + revision */
    int ends;          /* in flight: bit 3 * attempt, + 1 for a failure, + 2 for "parked" */
    Job job[2];        /* the agent's; and of a frozen machine whose successor runs */
    Backend backend[3];/* theirs; and one whose client is gone */
    byte lock;         /* the advisory lock: 1 + whose backend has it; 0: free */
    byte fence; bool history; byte effect /* in the catalog: applied net of undone */ };
Site site[SITES];
mtype rollout = RUNNING;
mtype direction[SITES * (ATTEMPTS + 2)];
bool fails[SITES];      /* does the script fail there? */
bool rolls_back;        /* on_failure */
byte faults = FAULTS;
byte deeds = DEEDS, done; /* what a person may do, each once; or refrain from */
bool may_resume, may_return; /* a pause is lifted; a key is given back */
#define S site[s]
#define R site[s].row
#define J site[s].job[j]
#define B site[s].backend[j]
#define DIRECTION(a) direction[s * (ATTEMPTS + 2) + (a)]
#define ORDER(a, r) (1 << (4 * ((a) - 1) + (r)))
#define END(a, kind) (1 << (3 * ((a) - 1) + (kind)))
#define HEARS (S.up && !S.newborn && !S.shut) /* the process that is connected, and let in */
#define IS_HELD_BACK(revision) (((revision) & 1) == 1)
#define IS_IN_HAND (R.state == SENT || R.state == UNKNOWN || R.state == RETURNING)
/* max_parallel is 1: what is unknown keeps its slot, and debt out of reach holds up nobody. */
#define HOLDS_SLOT(x) (site[x].row.state == SENT || site[x].row.state == UNKNOWN || (site[x].row.state == RETURNING && site[x].up))
#define HAS_ROOM (!HOLDS_SLOT(1 - s) || MUTANT == 12)
/* What is tried again stands against the budget no more, until it has failed again. */
#define USED(x) (site[x].row.charged && site[x].row.state != PENDING && site[x].row.state != SENT && site[x].row.state != APPLIED)
#define SPENT(x) (USED(x) || site[x].row.state == UNKNOWN)
#define ANY(x) (site[0].row.state == x || site[1].row.state == x)
#define IS_OUT(x, end) (site[x].row.state == end || site[x].row.state == SKIPPED)
/* What is none repeats: an order that comes again changes nothing. */
#define IS_NEWS(a, r) ((a) > S.job[0].attempt || ((a) == S.job[0].attempt && (r) > S.job[0].revision))
/* Nobody else is between the fence and the end of a transaction: the fence row's lock. */
#define ROW_IS_FREE (!(S.backend[0].inside && j != 0) && !(S.backend[1].inside && j != 1) && !S.backend[2].inside)
#define IS_FENCED (S.fence > J.attempt && MUTANT != 1)

/* A new attempt: durable before anything of it leaves. */
inline begin_attempt(goal_) {
    R.attempt++; R.revision = 0; R.goal = goal_; DIRECTION(R.attempt) = goal_;
    if :: MUTANT != 4 -> S.ends = 0 :: else fi
}
inline commit(who) {
    assert(S.fence == S.backend[who].attempt || MUTANT == 1); /* a stale attempt changes nothing */
    assert(rollout != ABORTED || R.state == HELD);            /* nothing after an abort but what nobody could stop */
    if :: S.backend[who].back -> assert(S.effect == 1); S.effect--; S.history = false
       :: else -> assert(S.effect == 0); S.effect++; S.history = true /* at most once, net of undo */
    fi
}
inline backend_end(who) {
    S.backend[who].inside = false; S.backend[who].attempt = 0; S.backend[who].back = false;
    if :: S.lock == who + 1 -> S.lock = 0 :: else fi
}
inline backend_move(who, to) {
    S.backend[to].attempt = S.backend[who].attempt; S.backend[to].inside = S.backend[who].inside;
    S.backend[to].back = S.backend[who].back;
    if :: S.lock == who + 1 -> S.lock = to + 1 :: else fi;
    backend_end(who)
}
/* The client goes, its backend stays; of an earlier one that stayed so long nothing is left. */
inline backend_orphan(who) {
    if :: S.backend[who].attempt > 0 -> backend_end(2); backend_move(who, 2) :: else fi
}
/* The process dies or freezes, and another one comes: it knows of nothing. */
inline process_new() {
    S.job[0].attempt = 0; S.job[0].revision = 0; S.job[0].phase = IDLE; S.job[0].end = NOTHING;
    S.job[0].lease = false; S.newborn = true; S.shut = false
}
/* Another revision puts out of force what was said of the one before. */
inline revise(x, is_hold) {
    if :: (site[x].row.state == SENT || site[x].row.state == UNKNOWN) && IS_HELD_BACK(site[x].row.revision) != is_hold ->
            site[x].row.revision++; site[x].ends = site[x].ends & ~END(site[x].row.attempt, 2)
       :: else fi
}
/* The key of an agent is revoked: what it has in hand is held and charged, and nobody knows how it stands. */
inline revoke(x) {
    site[x].revoked = true; if :: may_return = true :: skip fi;
    if :: site[x].row.state == SENT || site[x].row.state == UNKNOWN || site[x].row.state == RETURNING ->
            site[x].row.revision = site[x].row.revision | 1; site[x].row.state = HELD; site[x].row.doubt = true;
            site[x].row.charged = (MUTANT != 18); site[x].ends = 0
       :: else fi
}
inline retry(x) {
    site[x].row.state = PENDING; may_resume = true;
    if :: fails[x] = false :: skip fi /* somebody has mended the cause, or has not */
}
/* The coordinator about one target. Every step is one commit. */
proctype Desk(byte s) { byte a;
end: do
    /* a start: within the budget, and in a rollout that runs */
    :: atomic { R.state == PENDING && S.up && !S.newborn && !S.revoked && HAS_ROOM && ((!SPENT(0) && !SPENT(1)) || MUTANT == 3) &&
        (rollout == RUNNING || (rollout == PAUSED && MUTANT == 2) || (rollout == ABORTING && MUTANT == 15)) ->
        assert(rollout == RUNNING && !SPENT(0) && !SPENT(1) && !HOLDS_SLOT(1 - s) && !ANY(HELD));
        begin_attempt(APPLY); R.state = SENT }
    /* what is durable is sent, until it has been answered */
    :: atomic { (IS_IN_HAND || (R.state == HELD && !S.revoked)) && S.up && !S.newborn && IS_NEWS(R.attempt, R.revision) &&
        !(S.orders & ORDER(R.attempt, R.revision)) -> S.orders = S.orders | ORDER(R.attempt, R.revision) }
    /* the end of the attempt in force */
    :: atomic { (IS_IN_HAND || R.state == HELD) && !S.revoked && (S.ends & (END(R.attempt, 0) | END(R.attempt, 1))) ->
        if :: S.ends & END(R.attempt, 1) -> R.state = FAILED; R.charged = true
        :: else -> R.state = (R.goal == APPLY -> APPLIED : RETURNED); R.charged = R.charged && R.goal != APPLY
        fi;
        R.doubt = false;
        assert(R.state == FAILED || (R.state == APPLIED) == (S.effect == 1)); /* healthy only if applied */
        if :: MUTANT != 4 -> S.ends = 0 :: else fi }
    /* an end of an older attempt decides nothing */
    :: atomic { MUTANT == 4 && IS_IN_HAND && R.attempt > 1 && (S.ends & END(R.attempt - 1, 0)) ->
        R.state = (R.goal == APPLY -> APPLIED : RETURNED); assert((R.state == APPLIED) == (S.effect == 1)) }
    /* nor does the word of whose key was revoked, who may lie */
    :: atomic { MUTANT == 16 && S.revoked && R.state == HELD -> R.state = APPLIED; assert(S.effect == 1) }
    /* silence, longer than any lease: what was sent is unknown, and in time it is charged */
    :: atomic { !S.up && R.state == SENT && (!S.job[0].lease || MUTANT == 5) -> R.state = UNKNOWN; S.lost = true }
    :: atomic { !S.up && R.state == UNKNOWN && !R.charged && rollout == RUNNING -> R.charged = true;
        if :: MUTANT == 6 -> R.state = FAILED :: else fi }
    /* another process says hello: what is in flight is of sessions that are over, and the order begins anew */
    :: atomic { S.newborn && S.up && !S.revoked -> S.newborn = false; S.orders = 0; S.ends = 0;
        if :: (IS_IN_HAND || R.state == HELD) && MUTANT != 13 -> a = R.revision; begin_attempt(R.goal); R.revision = a; a = 0
           :: else fi }
    /* an abort: what was not begun is not begun; what stopped between steps has ended */
    :: atomic { rollout == ABORTING && R.state == PENDING ->
        R.state = (R.attempt == 0 -> SKIPPED : (R.doubt && MUTANT != 19 -> HELD : FAILED)) }
    :: atomic { rollout == ABORTING && (R.state == SENT || R.state == UNKNOWN) && IS_HELD_BACK(R.revision) &&
        (S.ends & END(R.attempt, 2)) -> R.state = FAILED; assert(S.effect == 0) }
    /* shut out: nothing is begun there, nor taken back */
    :: atomic { S.revoked && R.state == PENDING -> R.state = (R.attempt == 0 -> SKIPPED : HELD) }
    :: atomic { S.revoked && rollout == TURNED && (R.state == APPLIED || R.state == FAILED) -> R.state = HELD; R.charged = true }
    /* taken back: debt waits until its agent can be reached */
    :: atomic { rollout == TURNED && R.state == PENDING && R.attempt == 0 -> R.state = RETURNED }
    :: atomic { rollout == TURNED && S.up && !S.newborn && !S.revoked && R.goal == APPLY && R.attempt > 0 &&
        (HAS_ROOM || IS_IN_HAND) -> begin_attempt(BACK); R.state = RETURNING }
    od }
#define MAY(deed) (deeds > 0 && !(done & (1 << deed)))
#define DO(deed) deeds--; done = (deeds == 0 -> 0 : done | (1 << deed))
#define MAY_RETRY(x) (!site[x].revoked && (site[x].row.state == FAILED || site[x].row.state == HELD))
inline let_in(x) {
    site[x].revoked = false;
    if :: site[x].shut -> site[x].shut = false; site[x].job[0].lease = true;
            site[x].job[0].revision = (site[x].job[0].attempt == site[x].row.attempt -> site[x].row.revision : site[x].job[0].revision)
       :: else fi
}
/* The coordinator about the rollout, and its operator. */
proctype Head() {
end: do
    :: atomic { rollout == RUNNING && IS_OUT(0, APPLIED) && IS_OUT(1, APPLIED) -> rollout = SUCCEEDED;
        assert(site[0].effect == (site[0].row.state == APPLIED) && site[1].effect == (site[1].row.state == APPLIED)) }
    :: atomic { rollout == TURNED && IS_OUT(0, RETURNED) && IS_OUT(1, RETURNED) -> rollout = ROLLED_BACK;
        assert(site[0].effect + site[1].effect == 0) }
    :: atomic { rollout == ABORTING && !ANY(PENDING) && ((!ANY(SENT) && !ANY(UNKNOWN)) || MUTANT == 14) -> rollout = ABORTED }
    :: atomic { rollout == RUNNING && (USED(0) || USED(1)) ->
        if :: rolls_back && !ANY(HELD) -> rollout = TURNED :: else -> rollout = PAUSED; revise(0, true); revise(1, true) fi }
    :: atomic { rollout == PAUSED && may_resume && !USED(0) && !USED(1) ->
        may_resume = false; rollout = RUNNING; revise(0, false); revise(1, false) }
    :: atomic { MAY(PAUSE) && rollout == RUNNING -> DO(PAUSE); may_resume = true;
        rollout = PAUSED; revise(0, true); revise(1, true) }
    :: atomic { MAY(ABORT) && (rollout == RUNNING || rollout == PAUSED) -> DO(ABORT);
        rollout = ABORTING; revise(0, true); revise(1, true) }
    :: atomic { MAY(TURN) && rollout != TURNED && rollout != ROLLED_BACK -> DO(TURN); rollout = TURNED }
    :: atomic { MAY(REVOKE) -> DO(REVOKE); if :: revoke(0) :: revoke(1) fi }
    :: atomic { MAY(RETRY) && (rollout == RUNNING || rollout == PAUSED) && (MAY_RETRY(0) || MAY_RETRY(1)) ->
        DO(RETRY); if :: MAY_RETRY(0) -> retry(0) :: MAY_RETRY(1) -> retry(1) fi }
    /* the key is given back; with the welcome come the order as it stands, and then the lease */
    :: atomic { may_return && site[0].revoked -> may_return = false; let_in(0) }
    :: atomic { may_return && site[1].revoked -> may_return = false; let_in(1) }
    :: atomic { deeds > 0 -> deeds = 0; done = 0 }
    :: may_resume -> may_resume = false
    od }
#define TAKE(a)                                                                                                          \
    :: atomic { j == 0 && HEARS && J.phase != INSIDE && (S.orders & (15 << (4 * ((a) - 1)))) &&                          \
        (a > J.attempt || (MUTANT == 7 && a < J.attempt)) ->                                                             \
        if :: S.orders & ORDER(a, 0) -> J.revision = 0 :: S.orders & ORDER(a, 1) -> J.revision = 1                       \
           :: S.orders & ORDER(a, 2) -> J.revision = 2 :: S.orders & ORDER(a, 3) -> J.revision = 3 fi; order_begin(a) }
/* A later revision of the order in hand. */
#define REVISE(r) :: atomic { j == 0 && HEARS && J.attempt > 0 && J.revision < r && (S.orders & ORDER(J.attempt, r)) -> J.revision = r }
inline order_begin(a_) {
    assert(a_ > J.attempt); J.attempt = a_; backend_end(0); J.phase = LOCK; J.end = NOTHING; J.lease = true;
    if :: MUTANT != 7 -> S.orders = S.orders & ~(ORDER(J.attempt, J.revision) * 2 - 1) /* no news any more */ :: else fi
}
/* A process of an agent: j 0, the one that is connected; 1, a frozen machine's, whose lease is over. */
proctype Process(byte s; byte j) { byte a;
end: do
    /* a later order is taken, between steps; an older one is not */
    TAKE(1) TAKE(2) TAKE(3) TAKE(4) TAKE(5) TAKE(6) REVISE(1) REVISE(2) REVISE(3)
    /* shut out: what runs is cancelled, and nothing begins until it is let in again */
    :: atomic { j == 0 && S.up && S.revoked && !S.shut -> S.shut = true; J.lease = false;
        if :: MUTANT == 17 -> J.lease = true
           :: MUTANT != 17 && J.phase != IDLE && J.phase != DONE -> backend_orphan(0); J.phase = LOCK
           :: else fi }
    /* the lock: an older attempt's backend is ended first, a newer one's is not ours to end */
    :: atomic { J.phase == LOCK && (j == 1 || !S.shut || MUTANT == 17) ->
        if :: S.lock == 0 -> S.lock = j + 1; B.attempt = J.attempt; J.phase = READ
        :: S.lock != 0 && S.backend[S.lock - 1].attempt > J.attempt -> J.phase = DONE; J.end = FENCED
        :: S.lock != 0 && S.backend[S.lock - 1].attempt <= J.attempt && MUTANT != 8 -> a = S.lock - 1; backend_end(a); a = 0
        :: S.lock != 0 && MUTANT == 8 -> S.lock = j + 1; B.attempt = J.attempt; J.phase = READ
        fi }
    /* the history, behind the fence: it decides, not what anybody remembers */
    :: atomic { J.phase == READ && B.attempt > 0 && (ROW_IS_FREE || MUTANT == 8) ->
        if :: IS_FENCED -> J.phase = DONE; J.end = FENCED; backend_end(j)
        :: else ->
            assert(J.attempt >= S.fence || MUTANT == 1); S.fence = J.attempt;
            if :: (DIRECTION(J.attempt) == APPLY) == S.history -> J.phase = DONE; J.end = OK; backend_end(j)
               :: else -> J.phase = READY
            fi
        fi }
    /* a step: not on hold, not without a lease; what was checked here may arrive there much later */
    :: atomic { J.phase == READY && (!IS_HELD_BACK(J.revision) || MUTANT == 9) && (J.lease || MUTANT == 10) ->
        assert(!IS_HELD_BACK(J.revision)); assert(j == 1 || !(S.lost || S.shut)); J.phase = GO }
    :: atomic { J.phase == GO && B.attempt > 0 && ROW_IS_FREE ->
        if :: IS_FENCED -> J.phase = DONE; J.end = FENCED; backend_end(j)
        :: else ->
            assert(J.attempt >= S.fence || MUTANT == 1); S.fence = J.attempt;
            B.inside = true; B.back = (DIRECTION(J.attempt) == BACK); J.phase = INSIDE
        fi }
    :: atomic { J.phase == INSIDE && B.inside ->
        if :: fails[s] && !B.back -> B.inside = false; J.phase = DONE; J.end = BAD
        :: !fails[s] || B.back -> commit(j); J.phase = DONE; J.end = OK
        fi; backend_end(j) }
    /* the connection is gone, and with it the answer: looks again */
    :: atomic { (J.phase == READ || J.phase == READY || J.phase == GO || J.phase == INSIDE) && B.attempt == 0 ->
        if :: J.again -> J.phase = DONE :: else -> J.phase = LOCK fi; J.again = (j == 1);
        if :: MUTANT == 11 -> J.phase = DONE; J.end = BAD :: else fi }
    :: atomic { j == 1 && J.phase == DONE -> J.phase = IDLE; J.attempt = 0; J.revision = 0; J.end = NOTHING; J.again = false }
    /* between steps, on hold: says so once it has looked */
    :: atomic { j == 0 && HEARS && J.phase == READY && IS_HELD_BACK(J.revision) && J.attempt == R.attempt && IS_IN_HAND &&
        J.revision == R.revision && !(S.ends & END(J.attempt, 2)) -> S.ends = S.ends | END(J.attempt, 2) }
    /* an end is told until it has been taken */
    :: atomic { j == 0 && HEARS && J.phase == DONE && J.end != FENCED && !(S.ends & END(J.attempt, J.end == BAD)) &&
        J.attempt == R.attempt && (IS_IN_HAND || R.state == HELD) -> S.ends = S.ends | END(J.attempt, J.end == BAD) }
    od }
/* A backend without a client commits what it was sent, or ends with nothing done. */
proctype Orphan(byte s) {
end: do :: atomic { S.backend[2].inside -> if :: !fails[s] || S.backend[2].back -> commit(2) :: skip fi; backend_end(2) }
       :: atomic { S.backend[2].attempt > 0 && !S.backend[2].inside -> backend_end(2) } od
}
/* A partition ends; or a lease does, in it. */
#define PARTED(x) \
    :: atomic { !site[x].up -> site[x].up = true; site[x].lost = false; site[x].job[0].lease = !site[x].shut } \
    :: atomic { !site[x].up && site[x].job[0].lease -> site[x].job[0].lease = false }
proctype Faults() { byte s;
end: do
    :: atomic { faults > 0 -> faults-- } /* one less than might have been */
    :: atomic { faults > 0 -> faults--; select(s : 0 .. SITES - 1);
        if :: S.up -> backend_orphan(0); process_new()                                   /* kill -9 of an agent */
        :: S.up && S.job[1].phase == IDLE && S.job[0].phase != IDLE ->                /* frozen; another process comes */
            S.job[1].attempt = S.job[0].attempt; S.job[1].revision = S.job[0].revision;
            S.job[1].phase = S.job[0].phase; S.job[1].end = S.job[0].end; S.job[1].lease = S.job[0].lease;
            backend_move(0, 1); process_new()
        :: S.backend[0].attempt > 0 -> backend_orphan(0)                              /* a torn connection */
        :: S.up -> S.up = false                                                       /* a partition */
        :: site[0].orders = 0; site[0].ends = 0; site[1].orders = 0; site[1].ends = 0 /* of the coordinator */
        fi; s = 0 }
    PARTED(0) PARTED(1)
    od }
#define TELLS_THE_TRUTH(x) (site[x].row.state == UNKNOWN || site[x].row.state == HELD || \
    (site[x].row.state == PENDING && site[x].row.doubt) || (site[x].effect == 1) == (site[x].row.state == APPLIED))
/* Nothing can happen any more: then it has ended, or it waits for a person. */
active proctype Rest() {
    timeout -> assert(rollout == SUCCEEDED || rollout == ROLLED_BACK || rollout == PAUSED || rollout == ABORTED ||
        (rollout == TURNED && ANY(HELD)));
    assert(TELLS_THE_TRUTH(0) && TELLS_THE_TRUTH(1))
}
init { atomic {
        if :: fails[1] = true :: skip fi; if :: rolls_back = true :: skip fi;
        run Desk(0); run Desk(1); run Head(); run Process(0, 0); run Process(0, 1); run Process(1, 0);
        run Process(1, 1); run Orphan(0); run Orphan(1); run Faults()
} }
