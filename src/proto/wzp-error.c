#include "wzp-error.h"

G_DEFINE_QUARK (wzp-error-quark, wzp_error)
