// mho for LibTorch: analog layers, their conversion, their optimizer.
#pragma once

#include "frontends/torch/nn/AnalogConfig.h"
#include "frontends/torch/nn/AnalogLinear.h"
#include "frontends/torch/nn/Convert.h"
#include "frontends/torch/nn/Effect.h"
#include "frontends/torch/ops/Ops.h"
#include "frontends/torch/optim/Analog.h"
#include "frontends/torch/optim/Clip.h"
