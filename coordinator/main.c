/* skein-coordinator: reads its options and its configuration, then runs the daemon. */
#include <sodium.h>

#include "common/failpoint.h"
#include "common/loop.h"
#include "common/process.h"
#include "common/program.h"
#include "common/zsock_trouble.h"
#include "coordinator/daemon.h"

static const Program PROGRAM = {
    .name = "skein-coordinator",
    .config = "/etc/skein/coordinator.yaml",
    .sample = &COORDINATOR_CONFIG,
    .notes =
        "SIGTERM stops it, SIGHUP reads the agents' keys and the API's certificate again. Nothing that\n"
        "runs in a database ends with it.\n"
        "Exit codes: 0 stopped, 1 failed, 2 configuration, 3 a file may not be used, root runs it,\n"
        "or another coordinator has taken over.\n",
};

static ErrCode run(const ProgramArgs *args, Err *err)
{
    AUTO(Arena) arena = { 0 };
    CoordinatorConfig config;
    if (process_be_daemon(PROGRAM.name, err) != ERR_NONE || failpoint_init(err) != ERR_NONE ||
        trouble_init(err) != ERR_NONE ||
        coordinator_config_load(args->config, &arena, &config, err) != ERR_NONE) {
        return err->code;
    }
    log_init(config.log.format, config.log.level);
    loop_block_signals();
    return args->is_check ? daemon_check(&config, err) : daemon_run(&config, err);
}

int main(int argc, char **argv)
{
    process_seal();
    ProgramArgs args;
    Err err = { 0 };
    int exit_code = EXIT_CODE_DONE;
    if (!program_args(&PROGRAM, argc, argv, &args, &exit_code)) {
        return exit_code;
    }
    ErrCode code = sodium_init() < 0 ? err_set(&err, ERR_INTERNAL, "libsodium does not start")
                                     : run(&args, &err);
    return program_end(&PROGRAM, &args, code, &err);
}
