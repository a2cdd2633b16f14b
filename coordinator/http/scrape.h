/*
 * The families of GET /metrics: each function writes the samples of one, whose head stands already.
 * They read memory only.
 */
#ifndef SKEIN_COORDINATOR_HTTP_SCRAPE_H
#define SKEIN_COORDINATOR_HTTP_SCRAPE_H

#include "coordinator/http/api.h"
#include "coordinator/http/exposition.h"

/* Of open rollouts no more than so many are told apart: the newest. */
#define SCRAPE_ROLLOUTS_MAX 100

typedef struct Scrape {
    const ApiRequest *request;
    const Engine *engine;
    const Meters *meters;
} Scrape;

void scrape_agent_heard(const Scrape *scrape, Exposition *out);
void scrape_agent_states(const Scrape *scrape, Exposition *out);
void scrape_agents(const Scrape *scrape, Exposition *out);
void scrape_attempts(const Scrape *scrape, Exposition *out);
void scrape_batches(const Scrape *scrape, Exposition *out);
void scrape_blocked(const Scrape *scrape, Exposition *out);
void scrape_build(const Scrape *scrape, Exposition *out);
void scrape_charged(const Scrape *scrape, Exposition *out);
void scrape_commits(const Scrape *scrape, Exposition *out);
void scrape_cpu(const Scrape *scrape, Exposition *out);
void scrape_dropped(const Scrape *scrape, Exposition *out);
void scrape_failed_commits(const Scrape *scrape, Exposition *out);
void scrape_listed(const Scrape *scrape, Exposition *out);
void scrape_memory(const Scrape *scrape, Exposition *out);
void scrape_messages(const Scrape *scrape, Exposition *out);
void scrape_moves(const Scrape *scrape, Exposition *out);
void scrape_read_only(const Scrape *scrape, Exposition *out);
void scrape_recovering(const Scrape *scrape, Exposition *out);
void scrape_retries(const Scrape *scrape, Exposition *out);
void scrape_rollout_info(const Scrape *scrape, Exposition *out);
void scrape_rollout_targets(const Scrape *scrape, Exposition *out);
void scrape_rollout_waves(const Scrape *scrape, Exposition *out);
void scrape_rollouts(const Scrape *scrape, Exposition *out);
void scrape_servers(const Scrape *scrape, Exposition *out);
void scrape_silence(const Scrape *scrape, Exposition *out);
void scrape_start_time(const Scrape *scrape, Exposition *out);
void scrape_steps(const Scrape *scrape, Exposition *out);
void scrape_target_states(const Scrape *scrape, Exposition *out);
void scrape_term(const Scrape *scrape, Exposition *out);
void scrape_waiting(const Scrape *scrape, Exposition *out);

#endif
