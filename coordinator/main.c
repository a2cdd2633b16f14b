/* skein-coordinator: reads its options and its configuration, then runs the daemon. */
#include <getopt.h>
#include <stdio.h>
#include <sodium.h>

#include "common/failpoint.h"
#include "common/loop.h"
#include "coordinator/daemon.h"

static const char HELP[] =
    "usage: skein-coordinator --config FILE [--check]\n"
    "\n"
    "  --config FILE  coordinator.yaml (default /etc/skein/coordinator.yaml)\n"
    "  --check        read configuration and keys, say what is wrong, and exit\n"
    "  --version      print the version and exit\n"
    "  --help         print this and exit\n"
    "\n"
    "SIGTERM stops it, SIGHUP reads the agents' keys again. Nothing that runs in a database ends "
    "with it.\n"
    "Exit codes: 0 stopped, 1 failed, 2 configuration, 3 another coordinator has taken over.\n";

static const struct option OPTIONS[] = { { "config", required_argument, NULL, 'c' },
                                         { "check", no_argument, NULL, 'k' },
                                         { "version", no_argument, NULL, 'v' },
                                         { "help", no_argument, NULL, 'h' },
                                         { NULL, 0, NULL, 0 } };

static int fail(const Err *err)
{
    log_error("cannot run", LOG_ERR(err));
    return (int)err_exit_code(err->code);
}

static ErrCode run(const char *path, bool is_check, Err *err)
{
    AUTO(Arena) arena = { 0 };
    CoordinatorConfig config;
    if (failpoint_init(err) != ERR_NONE ||
        coordinator_config_load(path, &arena, &config, err) != ERR_NONE) {
        return err->code;
    }
    log_init(config.log.format, config.log.level);
    loop_block_signals();
    if (!is_check) {
        return daemon_run(&config, err);
    }
    if (daemon_check(&config, err) == ERR_NONE) {
        puts("the configuration is in order");
    }
    return err->code;
}

int main(int argc, char **argv)
{
    const char *path = "/etc/skein/coordinator.yaml";
    bool is_check = false;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            is_check = true;
            break;
        case 'v':
            return puts("skein-coordinator " SKEIN_VERSION) < 0;
        case 'h':
            return fputs(HELP, stdout) < 0;
        default:
            fputs(HELP, stderr);
            return EXIT_CODE_USAGE;
        }
    }
    Err err = { 0 };
    if (optind < argc) {
        err_set(&err, ERR_USAGE, "'%s' is no option; skein-coordinator takes options only",
                argv[optind]);
        return fail(&err);
    }
    return sodium_init() < 0 || run(path, is_check, &err) != ERR_NONE ? fail(&err) : 0;
}
