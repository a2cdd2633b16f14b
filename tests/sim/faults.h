/* What befalls a seed in its first phase: which faults, how often, decided by the seed. */
#ifndef SKEIN_TESTS_SIM_FAULTS_H
#define SKEIN_TESTS_SIM_FAULTS_H

#include "tests/sim/sim.h"

/* Chooses the kinds of fault that this seed has and arms them. They stop by themselves when
 * sim->is_healed. */
void faults_begin(Sim *sim);

/* Everything is started, thawed, connected and writable, and stays so. */
void faults_heal(Sim *sim);

#endif
