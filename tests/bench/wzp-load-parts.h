/* wzp-load-parts: what is measured, each with a relay of its own. */
#pragma once

#include "wzp-load-scene.h"

G_BEGIN_DECLS

/* Clients that are registered and quiet, then calls set up among them. */
void load_measure_clients (const LoadOptions *options, LoadReport *report);
/* Calls whose voice goes through the relay, and the same datagrams without. */
void load_measure_voice (const LoadOptions *options, LoadReport *report);
/* 256 KiB frames through the relay and directly, by wzp-bench's elements. */
void load_measure_frames (const LoadOptions *options, LoadReport *report);
/* Calls that come and go: what the relay has in memory. */
void load_measure_churn (const LoadOptions *options, LoadReport *report);

G_END_DECLS
