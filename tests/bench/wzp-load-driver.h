/* wzp-load-driver: one call after the other between the clients of a scene:
 * each is set up, used if that is wanted, and ended. */
#pragma once

#include "wzp-load-histogram.h"
#include "wzp-load-scene.h"

G_BEGIN_DECLS

typedef struct {
  gboolean want_rooms; /* both enter the room and hear each other */
  guint at_once;       /* unfinished calls, at most */
  guint rate;          /* calls begun in a second; 0: as many as go */
  guint n_calls;       /* in all; 0: as many as go in @ms */
  guint ms;            /* how long; with @n_calls: at most */
  /* nullable; after each call, with how many there were */
  void (*done) (guint n_done, gpointer user_data);
  gpointer user_data;
} LoadDrive;

typedef struct {
  guint n_done, n_failed;
  guint n_left;          /* unfinished when the time was over */
  gint64 us;             /* that it took */
  LoadHistogram latency; /* offer to the last of both CallSetup, or to both in
                          * the room; to be cleared */
} LoadDriven;

void load_drive (
    LoadScene *scene, const LoadDrive *drive, LoadDriven *ret_driven);

G_END_DECLS
