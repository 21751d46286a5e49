/* wzp-demo-story: tells what two peers reported, and judges it. Pure, but for
 * printing. */
#pragma once

#include "wzp-demo-run.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* @results: application of each side (DEMO_RESULT_NAME). */
void demo_story_tell (
    const DemoPlan *plan, const GstStructure *const results[2]);

/* A line for each thing that is not as it should be. */
GPtrArray *demo_story_judge (
    const DemoPlan *plan, const GstStructure *const results[2]);

G_END_DECLS
