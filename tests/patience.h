/*
 * How long tests wait for what takes no time on a machine that is not busy, before they say that it
 * does not come. Only a failing test waits that long: it bears a machine that stands still for half
 * a minute.
 */
#ifndef SKEIN_TESTS_PATIENCE_H
#define SKEIN_TESTS_PATIENCE_H

#define PATIENCE_MS 60000

#endif
