/* wzp-demo-peer: one end of a call, in a process of its own. It speaks to the
 * one that started it by lines:
 *
 *   says   ready                registered, can be called
 *          candidates TEXT      application/x-wzp-candidates, of mode=app
 *          note TEXT            what happened, for people
 *          done                 all streams have ended
 *          result TEXT          wzp-demo-result, once it was told to end
 *          error TEXT           it cannot go on
 *   hears  candidates TEXT      the peer's
 *          end                  or the end of its input
 *
 * Thread: the main one. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define DEMO_PICTURES 120u /* that each side sends: 4 s */

typedef struct {
  int side;            /* 0 or 1: what is sent, and its number */
  char *settings;      /* owned; of each wzp element, as in gst-launch */
  char *png;           /* owned, nullable: where to write a picture */
  gboolean sends;
  gboolean receives;
  gboolean with_sound; /* two flows in a session, not one without */
  gboolean is_app;     /* mode=app */
} DemoPeerOptions;

/* Returns: the exit code. */
int demo_peer_main (const DemoPeerOptions *options);

/* The elements of others that are needed and not there, comma-separated; NULL: none. */
char *demo_peer_missing_elements (void);

G_END_DECLS
