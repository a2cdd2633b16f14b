/* How long a job waits, for whom, and which of its tries that costs. */
#include "agent/core/job_actions.h"

/* A wait of n earlier ones lasts up to base * 2^n, at most max; uniformly, so that nothing marches
 * in step. */
typedef struct Backoff {
    uint32_t base_ms;
    uint32_t max_ms;
} Backoff;

static const Backoff LOCK_POLL = { 100, 2000 };
static const Backoff STEP_RETRY = { 500, 15000 };
static const Backoff SERVER_RETRY = { 250, 15000 };
static const Backoff LOOK_RETRY = { 250, 60000 };
static const Backoff VAIN_RETRY = { 2000, 30000 };

static void wait_within(Job *job, const Backoff *backoff, uint32_t earlier, uint64_t limit_ms)
{
    uint64_t ceiling = (uint64_t)backoff->base_ms << (earlier < 16 ? earlier : 16);
    ceiling = ceiling < backoff->max_ms ? ceiling : backoff->max_ms;
    job->wait_until_ms = job->now_ms + random_between(&job->random, backoff->base_ms / 4, ceiling);
    job->wait_goal = job->permit.goal;
    if (job->wait_until_ms > limit_ms) {
        job->wait_until_ms = limit_ms;
    }
}

static void wait_for(Job *job, const Backoff *backoff, uint32_t earlier)
{
    wait_within(job, backoff, earlier, job->is_unknown ? UINT64_MAX : job->deadline_at_ms);
}

static void lose_connection(Job *job)
{
    job->has_lock = false;
}

void job_wait_for_server(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    wait_for(job, job->is_unknown ? &LOOK_RETRY : &SERVER_RETRY, job->server_waits++);
}

void job_wait_for_lock(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &LOCK_POLL, job->lock_waits++);
}

void job_wait_out_holder(void *subject)
{
    job_wait_for_lock(subject);
}

/* The server gives it as long as its own attempt would have; so does this one. */
void job_adopt(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    if (job->adopt_until_ms == 0) {
        job->adopt_until_ms = job->now_ms + job->order->plan->strategy.concurrent_timeout_ms;
    }
    wait_within(job, &LOCK_POLL, job->lock_waits++, job->adopt_until_ms);
}

void job_wait_for_worker(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &LOCK_POLL, job->lock_waits++);
}

void job_spend_blocked_try(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &STEP_RETRY, job->blocked_tries++);
    job->is_patient = job->result->obstacle == OBSTACLE_YIELDING;
    job->retries++;
}

/* Nothing is gained by trying: what is in the way is there until it has ended. */
void job_wait_out_obstacle(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &VAIN_RETRY, job->vain_waits++);
}

void job_wait_to_retry(Job *job)
{
    wait_for(job, &STEP_RETRY, job->retryable_tries++);
    job->retries++;
}

void job_spend_retryable_try(void *subject)
{
    job_note_trouble(subject);
    job_wait_to_retry(subject);
}

void job_park(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    job->report = REPORT_PARKED;
    job->parked_at_ms = job->now_ms;
    /* What held it back may be over since the connection began to close: then nothing would wake
     * it. */
    job->wait_until_ms = job_is_held_back(job) && !job_is_withdrawn(job) ? UINT64_MAX : job->now_ms;
}

/* The deadline stood still meanwhile. */
void job_unpark(void *subject)
{
    Job *job = job_of(subject);
    job->report = REPORT_ACCEPTED;
    if (job->deadline_at_ms != UINT64_MAX) {
        job->deadline_at_ms += job->now_ms - job->parked_at_ms;
    }
}
