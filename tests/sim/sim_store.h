/*
 * A store in memory behind store.h. What is committed survives every crash of a coordinator; it can
 * be read-only for a while, and it can be thrown back to an older backup of itself.
 *
 * A coordinator opens a handle (a Store) and closes it; the disk lives as long as the seed. The
 * term is checked per handle: the one that did not take the newest term cannot write any more.
 */
#ifndef SKEIN_TESTS_SIM_SIM_STORE_H
#define SKEIN_TESTS_SIM_SIM_STORE_H

#include "coordinator/store/store.h"
#include "tests/sim/world.h"

typedef struct SimDisk SimDisk;

SimDisk *sim_disk_new(World *world);
void sim_disk_free(SimDisk *disk);

AUTO_PTR_DEFINE(SimDisk, sim_disk_free)

/* A new connection to the disk. */
Store *sim_store_open(SimDisk *disk);

/* Has this handle taken the newest term? */
bool sim_store_is_current(const Store *store);

/* From now on every write fails with ERR_STORE, or works again. */
void sim_disk_set_read_only(SimDisk *disk, bool is_read_only);

/* From now on a commit takes up to so long; 0: no time. */
void sim_disk_set_slowness(SimDisk *disk, uint64_t most_ms);
uint64_t sim_disk_slowness_ms(const SimDisk *disk);

/* A plan goes missing; its bundle's bytes are damaged. False: it has none. */
bool sim_disk_lose_plan(SimDisk *disk, size_t index);
bool sim_disk_damage_plan(SimDisk *disk, size_t index);

/* Remembers the disk as it is; a later backup replaces an earlier one. */
void sim_disk_backup(SimDisk *disk);
bool sim_disk_has_backup(const SimDisk *disk);

/* Puts the remembered state back: rows, events, terms. Plans are kept. */
void sim_disk_restore(SimDisk *disk);
uint64_t sim_disk_backup_ms(const SimDisk *disk); /* when it was made */
uint64_t sim_disk_term(const SimDisk *disk);

/* Committed rows, for the invariants. NULL when absent. Valid until the next commit. */
const RolloutRow *sim_disk_rollout(const SimDisk *disk, const char *id);
const TargetRow *sim_disk_target(const SimDisk *disk, const char *rollout, const char *address);
const TargetRow *sim_disk_target_of(const SimDisk *disk, const char *rollout,
                                    const Identity *identity);

/* All committed rows; arrays valid until the next commit. */
void sim_disk_contents(const SimDisk *disk, StoreContents *ret_contents);
size_t sim_disk_events(const SimDisk *disk, const EventRow **ret_rows);

#endif
