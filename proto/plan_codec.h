/*
 * The field table of Plan, for documentation and tests. Everyone else uses plan_encode and
 * plan_decode.
 */
#ifndef SKEIN_PROTO_PLAN_CODEC_H
#define SKEIN_PROTO_PLAN_CODEC_H

#include "proto/wire.h"

extern const FieldTable PLAN_TABLE;

#endif
