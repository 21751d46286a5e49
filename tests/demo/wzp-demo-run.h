/* wzp-demo-run: one call of the demo: a relay process where one is needed, two
 * peer processes, what they tell, and whether it is as it should be. Thread:
 * that of the default main context. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *title;
  const char *name;       /* of the picture's file, without ".png" */
  const char *names[2];   /* what the two sides are called; [0] begins */
  gboolean with_relay;    /* and names; else the candidates are carried */
  gboolean relay_only;    /* transport-policy=relay */
  gboolean two_ways;      /* sound and picture, both ways */
} DemoPlan;

typedef struct {
  const char *self;  /* this program, to be run again */
  const char *relay; /* the program wzp-relay */
  const char *dir;   /* where pictures go */
} DemoPrograms;

/* Prints as it goes. TRUE: all was as it should be. */
gboolean demo_run (const DemoPlan *plan, const DemoPrograms *programs);

G_END_DECLS
