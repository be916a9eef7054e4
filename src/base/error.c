#include "base/error.h"

G_DEFINE_QUARK(action - scheduler - error, as_error)
