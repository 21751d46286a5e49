/* wzp-demo-facts: what the elements know about their call, as text for people,
 * in a flat structure that travels as one line. Pure. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define DEMO_RESULT_NAME "wzp-demo-result"

/* Adds to @result what is in @stats (application/x-wzp-stats):
 *
 *   winner            string: "direct", "relay", "none"
 *   candidates        string: the own addresses
 *   dials             string: each dial and its outcome; may be empty
 *   paths             string: each path
 *   rtt-ms            double
 *   connect-ms, media-ms, direct-ms    double: from the start of the race;
 *                     -1: never
 *   sent, received, lost, dropped    uint64: frames */
void demo_facts_add_stats (GstStructure *result, const GstStructure *stats);

/* Absent: the second value. */
double demo_facts_double (
    const GstStructure *result, const char *name, double absent);
guint64 demo_facts_count (const GstStructure *result, const char *name);
const char *demo_facts_string (const GstStructure *result, const char *name);

G_END_DECLS
