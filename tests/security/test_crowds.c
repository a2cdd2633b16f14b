/* A crowd at both of the coordinator's doors, while a fleet works: nobody who belongs here waits.
 */
#include "tests/harness/fleet.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/security/memory.h"

#define CROWD 50000
#define HELD 1000 /* at once: within the descriptors of everybody concerned */
#define LOOK_EVERY 500
#define GROWTH_MAX_KB (128 * 1024)

/* What a visitor says before it says no more. */
static const struct {
    const char *bytes;
    size_t length;
} WORDS[] = {
    { "", 0 },
    { "\xff\0\0\0\0\0\0\0\x01\x7f\3\0CURVE", 17 }, /* as ZeroMQ's peers begin, cut off */
    { "GET /api/v1/status HTTP/1.1\r\nHost: local", 40 },
    { "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11 }, /* as TLS begins */
    { "\r\n\r\n\r\n\0\0\0\0", 10 },
};

typedef struct Crowd {
    Fleet *fleet;
    int held[HELD];
    unsigned came; /* so far */
} Crowd;

/* Gone at once: half of the ports would soon wait for nobody otherwise. */
static void visitor_goes(int fd)
{
    const struct linger none = { .l_onoff = 1, .l_linger = 0 };
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        close(fd);
    }
}

/* Takes the place of the one that came HELD before it; who does not get in is gone already. */
static void visitor_comes(Crowd *crowd)
{
    bool is_wire = crowd->came % 2 == 0;
    int port = is_wire ? crowd->fleet->wire_port : crowd->fleet->http_port;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port) };
    int *place = &crowd->held[crowd->came % HELD];
    size_t word = crowd->came++ / 2 % (sizeof(WORDS) / sizeof(WORDS[0]));
    visitor_goes(*place);
    *place = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(*place >= 0);
    if (connect(*place, (struct sockaddr *)&address, sizeof(address)) == 0) {
        (void)send(*place, WORDS[word].bytes, WORDS[word].length, MSG_NOSIGNAL);
    }
}

static bool has_lost_an_agent(Fleet *fleet)
{
    size_t index = 0;
    json_t *agent = NULL;
    json_array_foreach(fleet_try_list(fleet, "/agents"), index, agent)
    {
        if (strcmp(json_text(agent, "state"), "active") != 0) {
            return true;
        }
    }
    return index < FLEET_HOSTS; /* no answer */
}

static void fifty_thousand_connections_hold_up_no_rollout(void **state)
{
    Fleet *fleet = *state;
    Crowd crowd = { .fleet = fleet };
    memset(crowd.held, -1, sizeof(crowd.held));
    fleet_history(fleet, 3);
    fleet_start(fleet);
    size_t before_kb = memory_peak_kb(fleet->coordinator_pid);
    for (unsigned i = 0; i < HELD; i++) {
        visitor_comes(&crowd);
    }
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_THREE_WAVES });
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    bool has_succeeded = false;
    while (crowd.came < CROWD || !has_succeeded) {
        visitor_comes(&crowd);
        if (crowd.came % LOOK_EVERY == 0) {
            has_succeeded = strcmp(fleet_rollout_state(fleet, id), "succeeded") == 0;
            assert_false(has_lost_an_agent(fleet));
        }
        if (clock_boot_ms() > deadline_ms) {
            fleet_fail(fleet, "%u came, and the rollout does not end", crowd.came);
        }
    }
    assert_true(memory_peak_kb(fleet->coordinator_pid) < before_kb + GROWTH_MAX_KB);
    for (unsigned i = 0; i < HELD; i++) {
        visitor_goes(crowd.held[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(fifty_thousand_connections_hold_up_no_rollout),
    };
    return FLEET_RUN(tests);
}
