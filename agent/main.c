/* skein-agent: runs migrations beside the data. Starts the loop, and logs what it cannot recover from. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "agent/config.h"
#include "agent/link.h"
#include "common/descriptors.h"
#include "common/failpoint.h"
#include "common/keyfile.h"
#include "common/log.h"
#include "common/loop.h"

static const char USAGE[] =
    "usage: skein-agent --config FILE [--check]\n"
    "\n"
    "  --config FILE   agent.yaml\n"
    "  --check         read the configuration and the keys, say what is wrong, and stop\n"
    "  --sample        print a commented agent.yaml\n"
    "  --version\n"
    "\n"
    "SIGTERM and SIGINT: cancel transactional steps, let others end, leave. The second time: at once.\n";

/* What a connection takes with its thread, its wake and its letters; and what an agent takes anyhow. */
#define CONNECTION_DESCRIPTORS 6
#define OWN_DESCRIPTORS 64
#define OWN_SOCKETS 16

typedef struct Agent {
    Link *link;
    bool is_leaving;
} Agent;

static void on_signal(void *ctx, int signal_number)
{
    Agent *agent = ctx;
    if (signal_number == SIGHUP) {
        return; /* the configuration is read at start only */
    }
    if (agent->is_leaving) {
        log_warning("leaving at once; running statements are left to their servers");
        _Exit(EXIT_CODE_FAILED);
    }
    agent->is_leaving = true;
    log_info("leaving", LOG_STR("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
    link_leave(agent->link, "stopped");
}

static ErrCode check_descriptors(const AgentConfig *config, Err *err)
{
    uint64_t connections = (uint64_t)config->connections_per_instance * config->instance_count;
    ErrCode code = descriptors_require(OWN_DESCRIPTORS + CONNECTION_DESCRIPTORS * connections, err);
    return code == ERR_NONE ? ERR_NONE
                            : err_wrap(err, "%zu instances with connections_per_instance %u",
                                       config->instance_count, config->connections_per_instance);
}

/* Every worker and every watcher has a socket for its letters; libzmq allows 1,023 unless told. */
static void *open_context(const AgentConfig *config)
{
    void *context = zmq_ctx_new();
    size_t need = OWN_SOCKETS + config->instance_count * (config->connections_per_instance + 1);
    if (need > ZMQ_MAX_SOCKETS_DFLT) {
        zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)need);
    }
    return context;
}

static ErrCode run(const AgentConfig *config, const KeyPair *key, Err *err)
{
    loop_block_signals();
    void *context = open_context(config);
    AUTO_PTR(Loop) loop = loop_new();
    Agent agent = { 0 };
    ErrCode code = link_new(config, key, context, loop, &agent.link, err);
    if (code == ERR_NONE) {
        code = loop_on_signal(loop, on_signal, &agent, err);
    }
    if (code == ERR_NONE) {
        log_info("agent started", LOG_STR("name", key->name), LOG_STR("version", SKEIN_VERSION),
                 LOG_STR("coordinator", config->coordinator), LOG_U64("instances", config->instance_count));
        code = loop_run(loop, err);
    }
    if (agent.link != NULL) {
        link_free(agent.link);
    }
    zmq_ctx_term(context);
    return code;
}

static ErrCode load(const char *path, Arena *arena, AgentConfig *config, KeyPair *key, Err *err)
{
    ErrCode code = failpoint_init(err);
    if (code == ERR_NONE) {
        code = agent_config_load(path, arena, config, err);
    }
    if (code == ERR_NONE) {
        log_init(config->log.format, config->log.level);
        code = keyfile_read_secret(config->key_file, KEY_CURVE, key, err);
    }
    if (code == ERR_NONE) {
        code = check_descriptors(config, err);
    }
    return code;
}

static int fail(const Err *err)
{
    fprintf(stderr, "skein-agent: %s\n", err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "hint: %s\n", err->hint);
    }
    return (int)err_exit_code(err->code);
}

static int print_sample(void)
{
    AUTO(Str) sample = { 0 };
    config_print_sample(&AGENT_CONFIG_TABLE, &sample);
    fputs(str_text(&sample), stdout);
    return EXIT_CODE_DONE;
}

int main(int argc, char **argv)
{
    bool is_check = argc == 4 && strcmp(argv[3], "--check") == 0;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("skein-agent " SKEIN_VERSION);
        return EXIT_CODE_DONE;
    }
    if (argc == 2 && strcmp(argv[1], "--sample") == 0) {
        return print_sample();
    }
    if (!(argc == 3 || is_check) || strcmp(argv[1], "--config") != 0) {
        bool is_help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(USAGE, is_help ? stdout : stderr);
        return is_help ? EXIT_CODE_DONE : EXIT_CODE_USAGE;
    }
    AUTO(Arena) arena = { 0 };
    AUTO(KeyPair) key = { 0 };
    AgentConfig config;
    Err err;
    if (load(argv[2], &arena, &config, &key, &err) != ERR_NONE) {
        return fail(&err);
    }
    if (is_check) {
        puts("the configuration is in order");
        return EXIT_CODE_DONE;
    }
    return run(&config, &key, &err) == ERR_NONE ? EXIT_CODE_DONE : fail(&err);
}
