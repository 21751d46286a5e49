#include "flow-test.h"
#include "wzp-flow-core.h"

static void
core_init (WzpFlowCore *core, FlowTestNode *node)
{
  *core = (WzpFlowCore){ 0 };
  *node = (FlowTestNode){ 0 };
  wzp_flow_core_init (core, "name", sizeof (WzpItem));
  g_assert_cmpstr (core->name, ==, "name");
}

static void
test_alone (void)
{
  FlowTestNode node;
  WzpFlowCore core;

  g_test_summary ("Not attached: nobody is called, and it can be closed");
  core_init (&core, &node);
  wzp_flow_core_wake (&core);
  g_assert_false (core.closed);
  wzp_flow_core_detach (&core, &core);
  g_assert_true (core.closed);
  g_assert_false (wzp_flow_core_orphan (&core));
  wzp_flow_core_clear (&core);
}

static void
test_leave (gconstpointer data)
{
  gboolean node_first = GPOINTER_TO_INT (data);
  FlowTestNode node;
  WzpFlowCore core;

  g_test_summary ("Whichever of node and flow leaves first, the node is told "
                  "once by detach() and not called after");
  core_init (&core, &node);
  wzp_flow_core_attach (&core, &node, flow_test_wake, flow_test_detach);
  wzp_flow_core_wake (&core);
  g_assert_cmpint (node.n_wakes, ==, 1);
  if (node_first)
    g_assert_true (wzp_flow_core_orphan (&core));
  wzp_flow_core_detach (&core, &core);
  wzp_flow_core_detach (&core, &core);
  g_assert_false (wzp_flow_core_orphan (&core));
  wzp_flow_core_wake (&core);
  g_assert_cmpint (node.n_wakes, ==, 1);
  g_assert_cmpint (node.n_detaches, ==, node_first ? 0 : 1);
  g_assert_true (core.closed);
  wzp_flow_core_clear (&core);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/flow-core/alone", test_alone);
  g_test_add_data_func (
      "/flow-core/flow-leaves", GINT_TO_POINTER (FALSE), test_leave);
  g_test_add_data_func (
      "/flow-core/node-leaves", GINT_TO_POINTER (TRUE), test_leave);
  return wzp_test_run ();
}
