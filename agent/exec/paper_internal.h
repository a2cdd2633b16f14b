/*
 * Between the runner and its paper: where runner->paper is not NULL, these write what else would be
 * sent. A parameter that only the run knows is the name of a psql variable, behind PAPER_VARIABLE.
 */
#ifndef SKEIN_AGENT_EXEC_PAPER_INTERNAL_H
#define SKEIN_AGENT_EXEC_PAPER_INTERNAL_H

#include "agent/exec/step.h"

#define PAPER_VARIABLE "\001"
#define PAPER_TERM PAPER_VARIABLE "skein_term"
#define PAPER_TOKEN PAPER_VARIABLE "skein_token"
#define PAPER_BACKEND_START PAPER_VARIABLE "skein_backend_start"
#define PAPER_EVIDENCE PAPER_VARIABLE "skein_evidence"

/* One statement and its end. */
void paper_sql(Str *paper, const char *sql);

/* With its parameters in their places; without an end. */
void paper_bound(Str *paper, const char *sql, const char *const *params, size_t param_count);

/* The run stops with `message` unless the psql variable is true. */
void paper_demand(Str *paper, const char *variable, const char *message);

/* A step's batch, each answer looked at as row.c would. */
void paper_batch(Str *paper, const Batch *batch);

/* Asks for the evidence of a build, which becomes PAPER_EVIDENCE. */
void paper_evidence(Str *paper, const char *sql, const char *const *params, size_t param_count);

/* A probe that the run must pass. */
void paper_probe(Str *paper, const char *sql, const char *const *params, size_t param_count);

#endif
