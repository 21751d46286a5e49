/* wzp-load-scene: what each part of the load begins with: a relay with so many
 * clients registered. */
#pragma once

#include "wzp-load-calls.h"
#include "wzp-load-relay.h"
#include "wzp-load-report.h"

G_BEGIN_DECLS

typedef struct {
  const char *relay; /* the program */
  const char *bench; /* wzp-bench */
  guint n_clients, n_calls, n_churn;
  guint n_sockets, at_once;
  guint rate;        /* calls a second */
  guint ms;          /* for which each thing is measured */
} LoadOptions;

typedef struct {
  LoadRelay *relay;
  LoadFleet *fleet;
  LoadCalls *calls; /* not owned; to be set: gets the messages */
  void (*packet) (const WzpUdpPacket *packet, gpointer user_data);
  gpointer packet_data;
  gint64 register_us; /* that it took */
} LoadScene;

/* NULL: said in @report, as @part's failure. */
LoadScene *load_scene_new (const LoadOptions *options, guint n_clients,
    LoadReport *report, const char *part);
void load_scene_free (LoadScene *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadScene, load_scene_free)
/* Two clients that are each other's in every call: the @index'th pair. */
void load_scene_get_pair (const LoadScene *self, guint index,
    LoadClient **ret_caller, LoadClient **ret_callee);

G_END_DECLS
